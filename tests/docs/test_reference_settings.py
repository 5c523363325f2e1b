"""The generated pages of the reference say what the code says."""

import pytest

from offhook.reference import FOLDER, PAGES


@pytest.mark.parametrize("name", sorted(PAGES))
def test_reference_page_is_what_the_code_says(name: str) -> None:
    written = (FOLDER / name).read_text()
    assert written == PAGES[name](), "run `python -m offhook.reference` and commit the result"
