"""Trees that tests share."""

import re
from pathlib import Path

from ivr.tree import Forest, plant

BROKEN = Path(__file__).parent / "broken"
TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorial" / "ivr-pin"

_EXPECTED = re.compile(r"# <- (\w+)")


def forest(*paths: Path) -> Forest:
    """The trees in these files."""
    return plant([(path.name, path.read_text(encoding="utf-8")) for path in paths])


def written(*nodes: str, head: str = "") -> Forest:
    """A tree of YAML lines below `nodes:`; it starts at `start`."""
    lines = "\n".join(f"  {line}" for node in nodes for line in node.strip("\n").splitlines())
    return plant([("t.yaml", f"ivr: t\nlanguage: en\nstart: start\n{head}\nnodes:\n{lines}\n")])


def expected(path: Path) -> set[tuple[int, str]]:
    """Line and code of the findings that a broken tree's own comments name."""
    return {
        (number, code)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for code in _EXPECTED.findall(line)
    }
