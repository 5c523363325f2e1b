"""`python -m tests.bench.pacing [SET ...]`: run what is lacking, then write tables and pictures.

Sets: `figure` (the required one), `rivals`, `grid`, `alive`, `alive-rivals`, and `picture`, which
draws abandonment over a shift; none only writes the page from what is known. `--for SECONDS` stops
beginning shifts after so long, to go on another time; `--processes N` runs several at once. The
tables go into docs/explanation/algorithms/pacing.md between its markers.
"""

import argparse
import math
import sys
import time

from tests.bench.pacing.cases import SETS
from tests.bench.pacing.page import draw_abandonment, write
from tests.bench.pacing.runs import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pacing")
    parser.add_argument("sets", nargs="*", choices=[*SETS, "picture", []], help="what to run")
    parser.add_argument("--for", type=float, default=math.inf, dest="seconds", metavar="SECONDS")
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    until = time.monotonic() + given.seconds
    sets = [SETS[name] for name in given.sets if name != "picture"]
    complete = [run(each, until=until, processes=given.processes) for each in sets]
    if "picture" in given.sets:
        draw_abandonment()
    write()
    sys.exit(0 if all(complete) else 1)
