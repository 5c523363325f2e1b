"""What agents do in the console: read, dial, talk, say what came of it, keep promises."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.console.test_everybody import tab_to
from tests.support.browser import Stage
from tests.support.wcag import faults

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
Enter = Callable[..., Page]
MOST_DIALS = 30


def dial_until_somebody_talks(page: Page) -> None:
    """Dial one contact after the other, by key."""
    pop = page.get_by_role("button", name="Sale")
    talking = page.locator(".badge").filter(has_text="Talking")
    for _ in range(MOST_DIALS):
        expect(page.get_by_text("Next contact").or_(pop).first).to_be_visible()
        if pop.is_visible() and talking.first.is_visible():
            break
        page.keyboard.press("d")
        page.wait_for_timeout(1_000)
    expect(talking.first).to_be_visible()


def test_an_agent_works_by_keys_alone_talks_promises_and_rests_with_a_reason(enter: Enter) -> None:
    page = enter("gina", "/")
    expect(page).to_have_url(re.compile("/desk"))
    dial_until_somebody_talks(page)
    expect(page.locator(".script")).to_contain_text(re.compile(r"Good morning \w+ .*this is Anna"))
    expect(page.locator(".script")).to_contain_text(
        re.compile("one of our (gold|silver|bronze) customers")
    )
    who = page.locator(".big-name").inner_text()
    assert faults(page) == []
    tab_to(page, page.get_by_label("What about"))
    page.keyboard.type("1 question about the contract")
    tab_to(page, page.get_by_role("button", name="Promise it"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("You said: Call back")).to_be_visible()

    expect(page.get_by_text("Next contact")).to_be_visible()
    dial_until_somebody_talks(page)
    page.keyboard.press("1")
    expect(page.get_by_text("You said: Sale")).to_be_visible()

    page.keyboard.press("n")
    asked = page.get_by_role("dialog")
    tab_to(page, asked.get_by_label("Why"))
    page.keyboard.type("Lun")
    tab_to(page, asked.get_by_role("button", name="Not ready"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Ready").first).to_be_visible()

    floor = enter("sam", "/floor")
    row = floor.get_by_role("row").filter(has_text="Agent 008")
    expect(row).to_contain_text("Not ready: lunch")
    expect(row.locator("[data-since]")).to_have_text(re.compile(r"^\d+ s$"))
    expect(page.locator(".badge").filter(has_text="Not ready: lunch")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("[data-act=rest]")).to_be_visible()
    expect(floor.get_by_text("Not ready: lunch")).to_have_count(0)

    board = enter("sam", "/callbacks")
    promised = board.locator("article").filter(has_text="1 question about the contract")
    expect(promised).to_contain_text(who)


def _promise(page: Page, name: str, number: str) -> None:
    """Fill the form of a promise in."""
    page.get_by_role("button", name="Promise a callback").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Number").fill(number)
    form.get_by_label("First name").fill(name)
    form.get_by_label("Between").select_option("all-day")
    form.get_by_role("button", name="Promise").click()


def test_a_promise_is_kept_and_its_ticket_closed_on_the_board(enter: Enter, stage: Stage) -> None:
    page = enter("sam", "/callbacks")
    _promise(page, "Omar", "+39 347 5550199")
    card = page.locator("article").filter(has_text="Omar")
    page.get_by_label("You act as").select_option(stage.agents[1])
    card.get_by_role("button", name="Take").click()
    expect(card).to_contain_text("Taken by Agent 002")
    card.get_by_role("button", name="Call now").click()
    card.get_by_role("button", name="Ticket").click()
    ticket = page.get_by_role("dialog")
    ticket.get_by_label("What came of it").select_option("answered")
    ticket.get_by_label("Comment").fill("He renews.")
    ticket.get_by_role("button", name="Close the ticket").click()
    expect(card).to_have_count(0)


def test_a_promise_is_made_taken_and_given_back_on_the_board(enter: Enter, stage: Stage) -> None:
    page = enter("sam", "/callbacks")
    expect(page.get_by_role("heading", name="Elena Conti").first).to_be_visible()
    page.get_by_role("button", name="Promise a callback").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Number").fill("call me")
    form.get_by_role("button", name="Promise").click()
    expect(page.get_by_role("alert")).to_contain_text("not a phone number")
    _promise(page, "Nadia", "+39 347 5550123")
    card = page.locator("article").filter(has_text="Nadia")
    expect(card).to_be_visible()
    expect(card.get_by_role("button", name="Take")).to_be_disabled()

    page.get_by_label("You act as").select_option(stage.agents[0])
    card.get_by_role("button", name="Take").click()
    expect(card).to_contain_text("Taken by Agent 001")
    card.get_by_role("button", name="Give back").click()
    expect(card.get_by_role("button", name="Take")).to_be_enabled()
    card.get_by_role("button", name="Withdraw").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(card).to_have_count(0)
