"""The page about faults names tests that exist, and every row of the table of faults."""

import re
from pathlib import Path

from tests.integration.faults.rows import ROWS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "faults.md").read_text()
NAMES = {
    name
    for line in PAGE.splitlines()
    if line.startswith("| ")
    for name in re.findall(r"`([\w-]+)`", line.rsplit("|", 2)[1])
}


def test_every_row_of_the_table_is_on_the_page() -> None:
    assert {row.name for row in ROWS} - NAMES == set()


def test_every_test_that_the_page_names_exists() -> None:
    defined = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"^(?:async )?def (\w+)", path.read_text(), re.MULTILINE)
    }
    assert NAMES - defined - {row.name for row in ROWS} == set()
