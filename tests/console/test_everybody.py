"""What everybody needs of every page: to see it, reach it by keys, and know when it is old."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.support.browser import NARROW, Stage, cookies_of
from tests.support.wcag import faults, faults_everywhere

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
Enter = Callable[..., Page]
FLOORS = (
    "/floor",
    "/campaigns",
    "/campaigns/spring",
    "/campaigns/spring/settings",
    "/campaigns/spring/report",
    "/campaigns/spring/contacts",
    "/campaigns/spring/forecast",
    "/campaigns/autumn/launch",
    "/new-campaign",
    "/contacts/1",
)
OFFICES = (
    "/contacts",
    "/callbacks",
    "/ivr",
    "/ivr/support",
    "/switches",
    "/switches/demo-pbx",
    "/schedules",
    "/desk",
    "/audit",
    "/people",
)
NEXT_STEPS = {
    "/floor": "An administrator changes which they are",
    "/campaigns": "Bring a CSV file|An administrator changes which",
    "/contacts": "They come with a campaign's CSV file",
    "/callbacks": "Make a list",
    "/schedules": "New schedule",
    "/ivr": "Callers appear here while they are asked",
    "/desk": "Connect a switch",
}
"""What pages say to do next, to somebody for whom they are empty."""


def tab_to(page: Page, wanted: Locator, *, most: int = 40) -> None:
    """Go to something by Tab alone."""
    for _ in range(most):
        if wanted.count() and wanted.first.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    expect(wanted.first).to_be_focused()


@pytest.mark.parametrize("paths", [FLOORS, OFFICES], ids=["floors", "offices"])
def test_every_page_keeps_wcag_aa_in_both_themes_and_at_both_widths(
    enter: Enter, stage: Stage, paths: tuple[str, ...]
) -> None:
    page = enter("ada", paths[0])
    found = {}
    for path in paths:
        if path != paths[0]:
            page.goto(f"{stage.url}{path}")
            page.wait_for_selector("h1")
        if against := faults_everywhere(page):
            found[path] = against
    assert found == {}


def test_doors_and_what_a_phone_has_behind_more_keep_wcag_aa(
    enter: Enter, stage: Stage, stranger: BrowserContext
) -> None:
    door = stranger.new_page()
    door.goto(f"{stage.url}/login")
    assert faults_everywhere(door) == []
    page = enter("ada", "/people")
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    page.get_by_text("More", exact=True).click()
    expect(page.get_by_role("link", name="Audit").last).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Add somebody").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_timeout(400)  # until it has faded in
    assert faults(page) == []
    box = page.locator(".ask").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW["width"]


def test_pages_that_are_empty_say_what_to_do_next(enter: Enter, stage: Stage) -> None:
    page = enter("nora", "/floor")
    for path, says in NEXT_STEPS.items():
        page.goto(f"{stage.url}{path}")
        page.wait_for_selector("h1")
        steps = page.locator(".empty, .notice")
        told = " ".join(steps.all_inner_texts())
        assert any(one in told for one in says.split("|")), (path, told)
        assert faults(page) == [], path


def test_a_supervisor_works_from_the_floor_by_keys_alone(enter: Enter) -> None:
    page = enter("ada", "/floor")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_visible()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="Spring renewals"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/spring")
    pause = page.get_by_role("button", name="Pause")
    expect(pause).to_be_visible()
    tab_to(page, pause)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    inside = "document.activeElement.closest('[role=dialog]') !== null"
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_page_says_since_when_it_is_old_without_a_connection_and_without_news(
    enter: Enter,
) -> None:
    page = enter("ada", "/floor")
    page.wait_for_function("window.socket && window.socket.connected")
    told = page.locator("#lost")
    expect(told).to_be_hidden()
    page.evaluate("window.socket.disconnect()")
    expect(told).to_contain_text("Connection lost")
    expect(told).to_contain_text("What you see is from")
    page.evaluate("window.socket.connect()")
    expect(told).to_be_hidden()
    # The connection stands, but what is followed can't be read: nothing is heard for 13 seconds.
    page.evaluate("window.offhookHeard = () => {}")
    page.evaluate("(real => { Date.now = () => real() + 13000; })(Date.now)")
    expect(told).to_contain_text("No news since")
    expect(told).to_be_visible()


def test_the_theme_is_chosen_and_kept(stage: Stage, stranger: BrowserContext) -> None:
    stranger.add_cookies(cookies_of(stage, "ada"))  # type: ignore[arg-type]
    page = stranger.new_page()
    page.goto(f"{stage.url}/campaigns")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    page.get_by_role("button", name="Light or dark").first.click()
    page.wait_for_function(f"{theme} === 'dark'")
    page.goto(f"{stage.url}/audit")
    assert page.evaluate(theme) == "dark"
    assert page.evaluate("document.body.classList.contains('body--dark')")
