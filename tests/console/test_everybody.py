"""What everybody needs of every page: to see it, reach it by keys, and know when it is old."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.browser import NARROW, WIDE, Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
LogIn = Callable[[str], Page]
PAGES = (
    "/floor",
    "/campaigns",
    "/campaigns/spring",
    "/campaigns/spring/settings",
    "/campaigns/spring/report",
    "/campaigns/autumn/launch",
    "/new-campaign",
    "/contacts",
    "/contacts/1",
    "/callbacks",
    "/ivr/support",
    "/switches/demo-pbx",
    "/schedules",
    "/desk",
    "/audit",
    "/people",
)
RULES: dict[str, object] = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
}


CONTRAST: dict[str, object] = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def _faults(page: Page, rules: dict[str, object]) -> list[str]:
    """What is against WCAG 2.1 AA on the page, by axe-core."""
    found = Axe().run(page, options=rules).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found
        for node in one["nodes"][:3]
    ]


def test_every_page_keeps_wcag_aa_in_both_themes_and_fits_a_phone(
    enter: LogIn, stage: Stage
) -> None:
    page = enter("ada")
    found = {}
    for path in PAGES:
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        page.emulate_media(color_scheme="light")
        page.goto(f"{stage.url}{path}")
        page.wait_for_selector("h1")
        faults = _faults(page, RULES)
        page.emulate_media(color_scheme="dark")
        faults += _faults(page, CONTRAST)
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        if page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]:
            faults.append("it is wider than a phone")
        if faults:
            found[path] = faults
    assert found == {}
    page.get_by_text("More", exact=True).click()
    expect(page.get_by_role("link", name="Audit").last).to_be_visible()
    assert _faults(page, RULES) == []


def test_a_page_is_reached_and_used_by_keys_alone(enter: LogIn, stage: Stage) -> None:
    page = enter("ada")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(f"{stage.url}/campaigns/spring")
    page.wait_for_selector("h1")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    expect(skip).to_be_visible()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Pause":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    inside = "document.activeElement.closest('[role=dialog]') !== null"
    for _ in range(6):
        page.keyboard.press("Tab")
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_page_that_lost_its_connection_says_so_and_since_when(enter: LogIn, stage: Stage) -> None:
    page = enter("ada")
    page.goto(f"{stage.url}/floor")
    page.wait_for_function("window.socket && window.socket.connected")
    expect(page.locator("#lost")).to_be_hidden()
    page.evaluate("window.socket.disconnect()")
    expect(page.locator("#lost")).to_contain_text("Connection lost")
    expect(page.locator("#lost")).to_contain_text("What you see is from")
    page.evaluate("window.socket.connect()")
    expect(page.locator("#lost")).to_be_hidden()


def test_the_theme_is_chosen_and_kept(enter: LogIn, stage: Stage) -> None:
    page = enter("ada")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    page.get_by_role("button", name="Light or dark").first.click()
    page.wait_for_function(f"{theme} === 'dark'")
    page.goto(f"{stage.url}/campaigns")
    assert page.evaluate(theme) == "dark"
    assert page.evaluate("document.body.classList.contains('body--dark')")
