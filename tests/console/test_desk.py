"""What agents do in the console: read, dial, talk, say what came of it, keep promises."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
LogIn = Callable[[str], Page]
MOST_DIALS = 30


def test_an_agent_reads_dials_talks_and_says_what_came_of_it_by_keys(
    enter: LogIn, complaints: list[str]
) -> None:
    page = enter("gina")
    expect(page).to_have_url(re.compile("/desk"))
    pop = page.get_by_text("What came of it")
    for _ in range(MOST_DIALS):
        expect(page.get_by_text("Next contact").or_(pop).first).to_be_visible()
        if pop.is_visible() and page.get_by_text("Talking").first.is_visible():
            break
        page.keyboard.press("d")
        page.wait_for_timeout(1_500)
    expect(page.get_by_text("Talking").first).to_be_visible()
    expect(page.locator(".script")).to_contain_text(re.compile(r"Good morning \w+ .*this is Anna"))
    expect(page.locator(".script")).to_contain_text(
        re.compile("one of our (gold|silver|bronze) customers")
    )
    page.keyboard.press("1")
    expect(page.get_by_text("You said: Sale")).to_be_visible()

    page.keyboard.press("n")
    asked = page.get_by_role("dialog")
    asked.get_by_label("Why").select_option("Lunch")
    asked.get_by_role("button", name="Not ready").click()
    expect(page.get_by_role("button", name="Ready").first).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("[data-act=rest]")).to_be_visible()
    assert complaints == []


def test_a_promise_is_made_taken_and_given_back_on_the_board(
    enter: LogIn, stage: Stage, complaints: list[str]
) -> None:
    page = enter("sam")
    page.goto(f"{stage.url}/callbacks")
    expect(page.get_by_role("heading", name="Elena Conti")).to_be_visible()
    page.get_by_role("button", name="Promise a callback").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Number").fill("call me")
    form.get_by_role("button", name="Promise").click()
    expect(page.get_by_role("alert")).to_contain_text("not a phone number")
    page.get_by_role("button", name="Promise a callback").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Number").fill("+39 347 5550123")
    form.get_by_label("First name").fill("Nadia")
    form.get_by_label("Between").select_option("all-day")
    form.get_by_role("button", name="Promise").click()
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
    assert complaints == []
