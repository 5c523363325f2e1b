"""Browsers for tests, and the stack behind the console."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.browser import WIDE, NoChromium, SharedStage, Stage, browser, log_in
from tests.support.stack import in_ci

WAIT_MS = 20_000
"""Four workers share two cores; nothing here measures time."""

LogIn = Callable[[str], Page]
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser; without one, tests skip on a laptop and fail where CI is set.

    Playwright keeps an event loop running in its thread while it is there, and no coroutine of
    another test can be run then: so it ends with the module.
    """
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


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Stage]:
    """A small stack with a campaign that dials; one for all workers."""
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


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser's own cookies and storage, in a wide window."""
    made = chromium.new_context(viewport=WIDE, color_scheme="light")  # type: ignore[arg-type]
    made.set_default_timeout(WAIT_MS)
    yield made
    made.close()


@pytest.fixture
def complaints() -> list[str]:
    """What pages complained about in the browser's console."""
    return []


@pytest.fixture
def enter(context: BrowserContext, stage: Stage, complaints: list[str]) -> LogIn:
    """Log in as somebody; gives their page."""

    def entered(login: str) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        log_in(page, stage, login)
        return page

    return entered


@pytest.fixture
def contact_file(tmp_path: Path) -> Path:
    """Ten people, and three rows that an import refuses."""
    path = tmp_path / "people.csv"
    rows = [f"K{n};Person {n};+39 320 55500{n:02};gold" for n in range(10)]
    bad = ["X1;Twice;+39 320 5550000;gold", "X2;None;call me;gold", "X3;Short;12;gold"]
    path.write_text("\n".join(["key;name;phone;tier", *rows, *bad]) + "\n")
    return path
