"""What is against WCAG 2.1 AA on a page, by axe-core, at both widths and in both themes."""

import json
from collections.abc import Mapping

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.support.browser import NARROW, WIDE

RULES: Mapping[str, object] = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
}
CONTRAST: Mapping[str, object] = {"type": "rule", "values": ["color-contrast"]}


def faults(page: Page, rules: Mapping[str, object] = RULES) -> list[str]:
    """Each fault with where it is; axe is loaded once a page."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False}
    found = page.evaluate(f"axe.run(document, {json.dumps(options)}).then(r => r.violations)")
    return [
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found
        for node in one["nodes"][:3]
    ]


def faults_everywhere(page: Page) -> list[str]:
    """Faults at both widths and in both themes, of which only colours differ."""
    found = []
    for window, name in ((WIDE, "1280"), (NARROW, "390")):
        page.set_viewport_size(window)  # type: ignore[arg-type]
        page.emulate_media(color_scheme="light")
        found += [f"light, {name}: {one}" for one in faults(page)]
        page.emulate_media(color_scheme="dark")
        found += [f"dark, {name}: {one}" for one in faults(page, CONTRAST)]
    if page.evaluate("document.documentElement.scrollWidth") > NARROW["width"]:
        found.append("it is wider than a phone")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    return found
