"""Browsers for tests, and the stack behind the console."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.browser import WIDE, NoChromium, SharedStage, Stage, browser, cookies_of
from tests.support.stack import in_ci

WAIT_MS = 20_000
"""Four workers share two cores; nothing here measures time."""

Enter = Callable[..., Page]
expect.set_options(timeout=WAIT_MS)
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests together: their stack costs while it stands."""
    items.sort(key=lambda item: _HERE in item.path.parents)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A browser; without one, tests skip on a laptop and fail where CI is set."""
    with sync_playwright() as playwright:
        try:
            opened = browser(playwright)
            found = opened.__enter__()
        except NoChromium as error:
            if in_ci():
                raise
            pytest.skip(str(error))
        yield found
        opened.__exit__(None, None, None)


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Stage]:
    """A small stack with a campaign that dials; one for all workers, as long as one needs it."""
    base = tmp_path_factory.getbasetemp()
    shared = SharedStage(base if worker_id == "master" else base.parent)
    try:
        taken = shared.take()
    except Exception as error:
        if in_ci():
            raise
        pytest.skip(f"no stack here: {error}")
    yield taken
    shared.give_back()


def opened(chromium: Browser) -> BrowserContext:
    """A browser's own cookies and storage, in a wide window."""
    made = chromium.new_context(viewport=WIDE, color_scheme="light")  # type: ignore[arg-type]
    made.set_default_timeout(WAIT_MS)
    return made


@pytest.fixture(scope="package")
def contexts(chromium: Browser, stage: Stage) -> Iterator[Callable[[str], BrowserContext]]:
    """The browser of somebody who has logged in: one for each person, with all it has loaded."""
    known: dict[str, BrowserContext] = {}

    def context_of(login: str) -> BrowserContext:
        if login not in known:
            known[login] = opened(chromium)
            known[login].add_cookies(cookies_of(stage, login))  # type: ignore[arg-type]
        return known[login]

    yield context_of
    for one in known.values():
        one.close()


@pytest.fixture
def stranger(chromium: Browser) -> Iterator[BrowserContext]:
    """The browser of nobody yet."""
    made = opened(chromium)
    yield made
    made.close()


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What pages complained about in the browser's console; none may."""
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def enter(
    contexts: Callable[[str], BrowserContext], stage: Stage, complaints: list[str]
) -> Iterator[Enter]:
    """Open a page as somebody: `enter("ada", "/floor")`; it is closed at the end."""
    pages: list[Page] = []

    def entered(login: str, path: str) -> Page:
        page = contexts(login).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{stage.url}{path}")
        page.wait_for_selector("h1")
        return page

    yield entered
    for page in pages:
        page.close()


@pytest.fixture
def contact_file(tmp_path: Path) -> Path:
    """Ten people, and three rows that an import refuses."""
    path = tmp_path / "people.csv"
    rows = [f"K{n};Person {n};+39 320 55500{n:02};gold" for n in range(10)]
    bad = ["X1;Twice;+39 320 5550000;gold", "X2;None;call me;gold", "X3;Short;12;gold"]
    path.write_text("\n".join(["key;name;phone;tier", *rows, *bad]) + "\n")
    return path
