"""`python -m tests.bench.pacing [SET ...]`: run what is lacking, then write tables and pictures.

Sets: `figure` (the required one), `rivals`, `grid`, `alive`; none only writes the page from what is
known. The tables go into docs/explanation/algorithms/pacing.md between its markers.
"""

import sys

from tests.bench.pacing.cases import SETS
from tests.bench.pacing.page import write
from tests.bench.pacing.runs import run

if __name__ == "__main__":
    for name in sys.argv[1:]:
        run(SETS[name])
    write()
