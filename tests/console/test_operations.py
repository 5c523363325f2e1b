"""What operations do in the console, in a real browser on a real small stack."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.support.browser import Stage, log_in
from tests.support.wcag import CONTRAST, faults

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
Enter = Callable[..., Page]
FORECAST_MS = 110_000
"""A simulation gives way to every other test."""


def test_whoever_logs_in_sees_the_floor_live_and_leaves_by_signing_out(
    stranger: BrowserContext, stage: Stage
) -> None:
    page = stranger.new_page()
    page.goto(f"{stage.url}/campaigns")
    expect(page).to_have_url(re.compile(r"/login\?next=/campaigns"))
    page.get_by_label("Login").fill("ada")
    page.get_by_label("Password").fill("not this one at all")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not go together")

    log_in(page, stage, "ada")
    expect(page.get_by_role("heading", name="Floor")).to_be_visible()
    expect(page.get_by_role("link", name="Spring renewals").first).to_be_visible()
    shown = page.locator(".page-head time")
    before = shown.inner_text()
    expect(shown).not_to_have_text(before)
    assert page.evaluate("document.title") == "Floor · offhook"

    page.get_by_role("button", name="Sign out").first.click()
    expect(page).to_have_url(re.compile(r"/login"))
    page.goto(f"{stage.url}/floor")
    expect(page).to_have_url(re.compile(r"/login"))


def test_a_campaign_is_paused_and_resumed_with_confirmation_and_it_is_in_the_audit(
    enter: Enter, stage: Stage
) -> None:
    page = enter("ada", "/campaigns")
    page.get_by_role("link", name="Spring renewals").click()
    expect(page.locator("svg[role=img]").first).to_be_visible()
    expect(page.get_by_text("The pacer").first).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("No more calls are placed")
    page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.locator(".page-head .badge")).to_have_text("Paused")
    expect(page.get_by_text("The campaign is paused.")).to_be_visible()

    page.get_by_role("button", name="Resume").click()
    page.get_by_role("dialog").get_by_role("button", name="Resume").click()
    expect(page.locator(".page-head .badge")).to_have_text("Running")

    page.goto(f"{stage.url}/audit")
    page.get_by_label("What").fill("campaign.pause")
    page.get_by_role("button", name="Find").click()
    row = page.get_by_role("row").filter(has_text="campaign/spring").first
    expect(row).to_contain_text("ada")
    expect(row).to_contain_text("Done")


def test_a_file_becomes_a_campaign_that_is_started(enter: Enter, contact_file: Path) -> None:
    page = enter("sam", "/new-campaign")
    page.get_by_label("CSV file of contacts").set_input_files(contact_file)
    expect(page.get_by_text("10 contacts", exact=True)).to_be_visible()
    expect(page.get_by_text("3 rows would be refused")).to_be_visible()
    page.get_by_label("What phone holds").select_option("")
    expect(page.get_by_role("alert")).to_contain_text("which column holds the telephone number")
    page.get_by_label("What phone holds").select_option("numbers")
    expect(page.get_by_text("10 contacts", exact=True)).to_be_visible()
    page.get_by_role("button", name="Go on to the rules").click()

    page.get_by_label("Name", exact=True).fill("Console drive")
    page.get_by_label("Most abandoned").fill("10")
    page.get_by_label("(uk)").check()
    page.get_by_label("Mode").select_option("progressive")
    expect(page.get_by_text("The law makes this stricter")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Console drive")
    page.get_by_label("(uk)").uncheck()
    page.get_by_label("People may be called").fill("always")
    page.get_by_role("button", name="Create and import").click()

    expect(page).to_have_url(re.compile(r"/campaigns/c[0-9a-f]+/launch"))
    expect(page.get_by_text("10 contacts imported")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="call me")).to_contain_text("Not a number")
    page.get_by_role("button", name="Start now").click()
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Console drive")).to_be_visible()
    expect(page.locator(".page-head .badge")).to_contain_text("Running")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator(".page-head .badge")).to_contain_text(re.compile("Stopped|Draining"))


def test_settings_change_while_a_campaign_runs_and_nonsense_is_refused_with_its_name(
    enter: Enter,
) -> None:
    page = enter("sam", "/campaigns/winter/settings")
    page.get_by_label("Wrap up at most").fill("9")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved; calls from now on go by it")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Wrap up at most")).to_have_value("9")
    page.get_by_label("Changes").fill("pacing.ratio=99")
    page.get_by_role("button", name="Change").click()
    told = page.get_by_role("alert").filter(has_text="bad_campaign_settings")
    expect(told).to_contain_text("pacing.ratio")
    page.wait_for_timeout(400)  # until it has faded in
    assert faults(page, CONTRAST) == []


def test_a_contact_is_found_by_key_and_told_why(enter: Enter, stage: Stage) -> None:
    page = enter("sam", "/contacts")
    page.get_by_label("In", exact=True).select_option("autumn")
    page.get_by_label("Number, key or name").fill("C00003")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("heading", name="1 found")).to_be_visible()
    page.get_by_role("row").filter(has_text="Autumn survey").get_by_role("link").click()
    expect(page.get_by_text("The campaign has not been started.")).to_be_visible()
    expect(page.get_by_role("cell", name="C00003")).to_have_count(0)
    expect(page.get_by_text("C00003")).to_be_visible()
    page.goto(f"{stage.url}/contacts?key=nobody-has-this")
    expect(page.get_by_text("Nobody was found")).to_be_visible()


def test_a_switch_is_checked(enter: Enter) -> None:
    page = enter("ada", "/switches")
    page.get_by_role("link", name="demo-pbx").click()
    page.get_by_role("button", name="Check it").click()
    checked = page.get_by_role("table", name="Check")
    expect(checked.get_by_role("row").filter(has_text="Reachability")).to_contain_text("well")
    told = page.get_by_role("table", name="Last events")
    expect(told).to_contain_text(re.compile("Call (started|ringing|answered|joined|held|ended)"))


def test_a_menu_is_drawn_checked_and_tried_in_the_page(enter: Enter) -> None:
    page = enter("sam", "/ivr")
    page.get_by_role("link", name="support").click()
    expect(page.locator(".mermaid-box svg")).to_be_visible()
    expect(page.get_by_text("No dead end")).to_be_visible()
    log = page.get_by_role("log")
    heard = log.get_by_role("listitem")
    expect(heard.first).to_be_visible()
    page.get_by_role("button", name="Key 1").click()
    expect(log.locator(".caller")).to_have_text("1")
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_text("The call ended at")).to_be_visible()


def test_a_campaign_is_scheduled_and_its_next_ten_runs_are_shown(enter: Enter) -> None:
    page = enter("sam", "/schedules")
    page.get_by_role("button", name="New schedule").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name").fill("autumn-mornings")
    form.get_by_label("Campaign").select_option("autumn")
    form.get_by_role("button", name="Schedule it").click()
    shown = page.locator(".section").filter(has_text="autumn-mornings")
    expect(shown.get_by_role("listitem")).to_have_count(10)
    expect(shown).to_contain_text("Start Autumn survey")
    shown.get_by_role("button", name="Pause").click()
    expect(shown.get_by_text("paused", exact=True)).to_be_visible()
    shown.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(shown).to_have_count(0)


def test_somebody_is_added_bounded_and_gets_in_by_a_link(
    enter: Enter, stage: Stage, stranger: BrowserContext
) -> None:
    page = enter("ada", "/people")
    page.get_by_role("button", name="Add somebody").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Login").fill("vera")
    form.get_by_label("Role").select_option("agent")
    form.get_by_label("Sees only these queues").fill("support, sales")
    form.get_by_label("Sees only these groups").fill("north")
    form.get_by_role("button", name="Add").click()
    link = page.locator("code").filter(has_text="/link#").inner_text()
    row = page.get_by_role("row").filter(has_text="vera")
    expect(row).to_contain_text("queues support, sales; groups north")
    row.get_by_role("button", name="Change vera").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_label("Sees only these queues")).to_have_value("support, sales")
    form.get_by_label("Sees only these groups").fill("")
    form.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("queues support, sales")
    expect(row).not_to_contain_text("groups")

    theirs = stranger.new_page()
    theirs.goto(link)
    theirs.get_by_label("New password").fill("six slow owls at dusk")
    theirs.get_by_label("The same again").fill("six slow owls at dusk")
    theirs.get_by_role("button", name="Set password").click()
    expect(theirs.get_by_role("navigation", name="Main")).to_be_visible()
    expect(theirs.get_by_role("link", name="Desk").first).to_be_visible()
    assert theirs.get_by_role("link", name="Campaigns").count() == 0
    theirs.goto(f"{stage.url}/people")
    expect(theirs.get_by_text("This page isn't for your role")).to_be_visible()


def test_more_contacts_are_imported_into_a_campaign_and_what_it_comes_to_is_forecast(
    enter: Enter, stage: Stage, contact_file: Path
) -> None:
    page = enter("sam", "/campaigns/autumn/contacts")
    page.get_by_role("link", name="Import more").click()
    page.get_by_label("CSV file of contacts").set_input_files(contact_file)
    expect(page.get_by_text("10 contacts", exact=True)).to_be_visible()
    page.get_by_label("What tier holds").select_option("ignored")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page).to_have_url(re.compile("/campaigns/autumn/launch"))
    expect(page.get_by_text("10 contacts imported")).to_be_visible()

    page.get_by_label("Agents to compare").fill("900")
    page.get_by_role("button", name="Make a forecast").click()
    expect(page.get_by_role("alert")).to_contain_text("numbers from 1 to 500")
    page.get_by_label("Agents to compare").fill("2")
    page.get_by_role("button", name="Make a forecast").click()
    table = page.get_by_role("table", name="Forecast by number of agents")
    expect(table.get_by_role("row")).to_have_count(2, timeout=FORECAST_MS)
    page.goto(f"{stage.url}/campaigns/autumn/forecast")
    expect(table.get_by_role("row")).to_have_count(2)
    drawn = page.get_by_role("img", name=re.compile("Hours of dialing by number of agents: 2: "))
    expect(drawn).to_be_visible()
