"""How fast a contact file is read, and in how much memory.

Run `python -m tests.bench.csv_rows [ROWS]`; prints one JSON object.
"""

import json
import resource
import sys
import tempfile
import time

from dialer.contacts_csv import FileOptions, read_contacts
from tests.support.contacts import contact_rows


def measure(rows: int) -> dict[str, float]:
    """Rows and bytes a second, refusals, and the peak memory that reading added."""
    with tempfile.TemporaryFile() as source:
        for row in contact_rows(rows):
            source.write(row.encode())
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started, cpu = time.perf_counter(), time.process_time()
        contacts = refused = seen = 0
        for batch in read_contacts(source, FileOptions()):
            contacts += len(batch.contacts)
            refused += len(batch.refused)
            seen = batch.rows_seen
        took = time.perf_counter() - started
        cpu = time.process_time() - cpu
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "rows": seen,
            "contacts": contacts,
            "refused": refused,
            "seconds": round(took, 2),
            "cpu_us_per_row": round(cpu / seen * 1e6, 2),
            "rows_per_s": round(seen / took),
            "bytes": source.tell(),
            "peak_rss_mb": round(after / 1024, 1),
            "peak_rss_added_mb": round((after - before) / 1024, 1),
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)) + "\n")
