"""Every sentence that says why nobody is called."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dialer.commands import ContactState
from dialer.model import CampaignPhase, CampaignSettings, Mode, SwitchId
from dialer.outcomes import Outcome
from dialer.why import (
    Agents,
    CampaignFacts,
    ContactFacts,
    TriedNumber,
    campaign_verdict,
    contact_verdict,
)
from dialer.windows import CallingHours

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CLOSED = CallingHours.parse("daily 14:00-15:00; in Europe/Rome")
NEVER = CallingHours.never()
SETTINGS = CampaignSettings(name="Spring", switch=SwitchId("pbx"))
WELL = CampaignFacts(
    settings=SETTINGS,
    phase=CampaignPhase.running,
    owner="worker",
    renewed_at=NOW,
    agents=Agents(total=3, here=1, logged_off=2),
    contacts={"ready": 5},
    due=5,
    lines=30,
    in_progress=2,
    pacing_reason="2 agents free",
)
READY = ContactFacts(
    state=ContactState.ready, due_at=NOW, numbers=(TriedNumber(zones=("Europe/Rome",)),)
)


def with_settings(**changes: object) -> CampaignFacts:
    return replace(WELL, settings=SETTINGS.model_copy(update=changes))


@pytest.mark.parametrize(
    ("facts", "code", "says"),
    [
        (WELL, "dialing", "2 calls in progress; the pacer says: 2 agents free"),
        (replace(WELL, phase=CampaignPhase.completed), "completed", "nobody is left"),
        (replace(WELL, phase=CampaignPhase.stopped), "stopped", "was stopped"),
        (replace(WELL, phase=CampaignPhase.paused), "paused", "paused"),
        (
            replace(WELL, phase=CampaignPhase.failed, phase_reason="no switch"),
            "failed",
            "no switch",
        ),
        (
            replace(WELL, phase=CampaignPhase.draining, phase_reason="window_closed"),
            "draining",
            "window_closed",
        ),
        (replace(WELL, started=False), "not_started", "has not been started"),
        (with_settings(hours=CLOSED), "outside_hours", "2026-03-02 14:00 Europe/Rome"),
        (with_settings(hours=NEVER), "never_open", "never open"),
        (replace(WELL, owner=""), "nobody_dials", "No worker"),
        (replace(WELL, renewed_at=None), "nobody_dials", "nobody ever did"),
        (replace(WELL, renewed_at=NOW - timedelta(minutes=1)), "nobody_dials", "08:59:00"),
        (replace(WELL, link_down="timed out"), "link_down", "timed out"),
        (replace(WELL, lines=0), "no_lines", "None of the trunks"),
        (replace(WELL, agents=Agents()), "no_agents", "has no agents"),
        (
            replace(WELL, agents=Agents(total=3, logged_off=2, elsewhere=1)),
            "no_agent_available",
            "2 logged off, 1 working for another campaign",
        ),
        (replace(WELL, due=0, contacts={}), "no_contacts", "has no contacts"),
        (replace(WELL, due=0, contacts={"finished": 3}), "exhausted", "Nobody is left"),
        (
            replace(WELL, due=0, contacts={"ready": 3}, next_due_at=LATER),
            "nothing_due",
            "2026-03-02 10:00:00 UTC",
        ),
        (
            replace(WELL, due=0, contacts={"ready": 3}, next_due_at=LATER, kept_out=2),
            "nothing_due",
            "UTC; 2 are kept out by their list's filter or by a quota.",
        ),
        (
            replace(WELL, due=0, contacts={"ready": 3}, kept_out=3),
            "kept_out",
            "Nobody who may be dialed is left: 3 are kept out",
        ),
    ],
)
def test_campaign_verdict_names_what_stands_in_the_way(
    facts: CampaignFacts, code: str, says: str
) -> None:
    verdict = campaign_verdict(facts, NOW)
    assert verdict.code == code
    assert says in verdict.says


def test_campaign_without_agents_dials_when_it_needs_none() -> None:
    facts = replace(with_settings(mode=Mode.agentless), agents=Agents())
    assert campaign_verdict(facts, NOW).code == "dialing"


def test_campaign_whose_contacts_are_all_in_progress_is_dialing() -> None:
    assert campaign_verdict(replace(WELL, due=0, contacts={"dialing": 2}), NOW).code == "dialing"


@pytest.mark.parametrize(
    ("contact", "code", "says"),
    [
        (replace(READY, ahead=4), "due", "4 come first"),
        (READY, "due", "nobody comes first"),
        (replace(READY, state=ContactState.dialing), "in_progress", "in progress"),
        (replace(READY, state=ContactState.claimed), "in_progress", "is next"),
        (
            replace(READY, state=ContactState.finished, finished_reason="contact_limit"),
            "finished",
            "as often as it may be",
        ),
        (
            replace(READY, state=ContactState.finished, finished_reason="asked not to be called"),
            "finished",
            "asked not to be called",
        ),
        (replace(READY, due_at=LATER), "not_due", "10:00:00 UTC: the list says so"),
        (
            replace(READY, due_at=LATER, last_outcome=Outcome.busy),
            "not_due",
            "the last call ended busy",
        ),
        (
            replace(
                READY,
                due_at=LATER,
                last_outcome=Outcome.busy,
                last_refusal="outside_hours",
            ),
            "not_due",
            "it was outside the contact's hours",
        ),
        (
            replace(READY, numbers=(TriedNumber(zones=(), last_outcome=Outcome.invalid),)),
            "no_number",
            "No number",
        ),
        (replace(READY, numbers=()), "no_number", "No number"),
        (
            replace(READY, numbers=(TriedNumber(zones=(), listed_by="for all campaigns"),)),
            "do_not_call",
            "for all campaigns",
        ),
    ],
)
def test_contact_verdict_names_what_stands_in_the_way(
    contact: ContactFacts, code: str, says: str
) -> None:
    verdict = contact_verdict(contact, WELL, NOW)
    assert verdict.code == code
    assert says in verdict.says


def test_contact_outside_its_hours_waits_for_the_first_number_that_may_be_called() -> None:
    hours = CallingHours.parse("daily 18:00-20:00")
    facts = with_settings(contact_hours=hours)
    contact = replace(
        READY, numbers=(TriedNumber(zones=("Europe/Rome",)), TriedNumber(zones=("Asia/Tokyo",)))
    )
    assert contact_verdict(contact, facts, NOW).code == "due"  # 18:00 in Tokyo
    contact = replace(READY, numbers=(TriedNumber(zones=("Europe/Rome",)), TriedNumber(zones=())))
    verdict = contact_verdict(contact, facts, NOW)
    assert verdict.code == "outside_hours"
    assert verdict.until == datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


def test_contact_of_a_campaign_that_is_not_dialing_hears_why_it_is_not() -> None:
    paused = replace(WELL, phase=CampaignPhase.paused)
    assert contact_verdict(READY, paused, NOW).code == "paused"
    assert contact_verdict(READY, replace(WELL, agents=Agents()), NOW).code == "no_agents"
    assert contact_verdict(READY, with_settings(hours=CLOSED), NOW).code == "outside_hours"


@pytest.mark.parametrize(
    ("held", "inactive", "code", "says"),
    [
        ("filter", "", "filtered", "filter"),
        ("quota north", "", "quota_full", "quota north"),
        ("later", "old", "list_inactive", "list, old"),
    ],
)
def test_contact_that_its_list_keeps_out_says_why(
    held: str, inactive: str, code: str, says: str
) -> None:
    kept_out = replace(READY, held=held, inactive_list=inactive)
    verdict = contact_verdict(kept_out, WELL, NOW)
    assert verdict.code == code
    assert says in verdict.says
