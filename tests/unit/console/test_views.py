"""What pages say, from what is known."""

from datetime import UTC, datetime, time, timedelta

import pytest

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.contacts_csv import ColumnMapping
from dialer.model import AgentStatus, CampaignPhase, CampaignSettings, SwitchId
from offhook.accounts import Scope
from offhook.console.kit.markup import joined
from offhook.console.live.floor import FloorNow, Minutes, by_state
from offhook.console.pages.callbacks import BadPromise, periods_of
from offhook.console.views.campaign import (
    agent_chart,
    pacer_words,
    rates,
    since_first_call,
    smooth,
)
from offhook.console.views.campaign_pages import changes_said, lines_said
from offhook.console.views.desk import keys, merged
from offhook.console.views.floor import alerts, floor_page, rate_tone
from offhook.console.views.forecast import Outlook, counts_said, forecast_part
from offhook.console.views.new_campaign import settings_said
from offhook.console.views.new_contacts import mapping_of
from offhook.console.views.people import scope_said, user_fields
from offhook.console.views.schedules import plan_said, when_words
from offhook.console.views.switches import state_tone
from offhook.offices.desk import USUAL, codes_of
from offhook.storage.floor_reads import Floor, FloorAgent, FloorCampaign, PacerWord, Totals
from offhook.storage.forecast_store import KeptForecast

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def agent(name: str, **said: object) -> FloorAgent:
    return FloorAgent.model_validate(
        {
            "agent_id": name, "name": name, "number": "201", "switch": "pbx",
            "status": AgentStatus.available, "reachable": True, "status_at": NOW,
            "works_for": "", "state": None, "since": None, **said,
        }
    )  # fmt: skip


def campaign(**said: object) -> FloorCampaign:
    return FloorCampaign.model_validate(
        {
            "campaign_id": "c1", "name": "Spring", "switch": "pbx", "mode": "predictive",
            "phase": CampaignPhase.running, "phase_reason": "", "started_at": NOW, "cap": 0.03,
            "owner": "w", "renewed_at": NOW, "pacer": PacerWord(), **said,
        }
    )  # fmt: skip


def floor(
    *campaigns: FloorCampaign,
    agents: tuple[FloorAgent, ...] = (),
    answered: int = 0,
    abandoned: int = 0,
) -> FloorNow:
    totals = {"c1": Totals(answered=answered, abandoned=abandoned)}
    return FloorNow(Floor(at=NOW, campaigns=campaigns, agents=agents), totals)


def test_an_empty_floor_says_what_to_do() -> None:
    shown = floor_page(FloorNow(Floor(at=NOW), {}), Scope())
    assert "Nobody is here yet" in shown
    assert 'href="/new-campaign"' in shown


def test_the_floor_counts_what_everybody_does() -> None:
    talking = agent("Ann", works_for="c1", state=AgentState.talking, since=NOW)
    calls = {CallState.talking: 1, CallState.ringing: 3, CallState.held: 2}
    now = floor(campaign(calls=calls), agents=(talking, agent("Bob")), answered=100, abandoned=1)
    shown = floor_page(now, Scope())
    assert '<p class="card-label">Being dialed</p><p class="figure">3</p>' in shown
    assert '<p class="card-label">Waiting for an agent</p><p class="figure">2</p>' in shown
    assert "1 of 100 answered, cap 3.0%" in shown
    assert "dial level 3.0" in shown


def test_who_is_not_ready_is_not_free_whatever_the_engine_keeps_and_says_why() -> None:
    resting = agent(
        "Ann", works_for="c1", campaigns=("c1",), state=AgentState.idle, since=NOW,
        status=AgentStatus.not_ready, status_reason="lunch",
        status_at=NOW - timedelta(minutes=12),
    )  # fmt: skip
    shown = floor_page(floor(campaign(), agents=(resting,)), Scope())
    assert '<p class="card-label">Free agents</p><p class="figure">0</p>' in shown
    assert "0 wrapping up, 1 not ready" in shown
    assert "Not ready: lunch" in shown
    assert f'data-since="{(NOW - timedelta(minutes=12)).isoformat()}"' in shown
    assert by_state([resting]) == {}


def test_live_calls_are_counted_by_how_far_they_are() -> None:
    calls = {CallState.talking: 2, CallState.answered: 1, CallState.held: 2}
    shown = floor_page(floor(campaign(calls=calls), agents=(agent("Ann"),)), Scope())
    assert '<span class="bar-name">Waiting</span>' in shown
    assert '<span class="bar-count">3</span>' in shown


def test_whoever_sees_nothing_is_told_whom_to_ask() -> None:
    shown = floor_page(floor(campaign(), agents=(agent("Ann"),)), Scope(campaigns=("c9",)))
    assert "An administrator changes which they are" in shown


def test_the_pacer_is_told_in_words() -> None:
    assert pacer_words({"place": 2, "ringing": 3, "free": 1, "waiting": 0}) == (
        "2 calls placed just now: 3 calls ring, 1 agent is free, nobody waits."
    )
    assert pacer_words({"waiting": 2}) == (
        "No call is placed just now: no call rings, no agent is free, 2 people wait."
    )


def test_a_forecast_is_a_table_and_a_picture_and_says_what_breaks_the_cap() -> None:
    rows = [
        {
            "agents": agents, "hours": hours, "lines": 9, "calls_per_hour": 300.0,
            "talks_per_hour": 150.0, "abandonment_rate": rate, "agent_utilisation": 0.8,
            "talk_minutes_per_agent_hour": 40.0,
        }
        for agents, hours, rate in ((4, 11.5, 0.01), (12, None, 0.05))
    ]  # fmt: skip
    found = KeptForecast.model_validate(
        {
            "name": "Spring", "pacer": "predictive", "contacts": 3000, "calls_per_contact": 1.4,
            "rows": rows, "campaign_id": "c1", "made_at": NOW,
        }
    )  # fmt: skip
    shown = forecast_part(Outlook(found, cap=0.03))
    assert 'aria-label="Hours of dialing by number of agents: 4: 11.5 hours"' in shown
    assert '<span class="badge bad">5.00%</span>' in shown
    assert '<span class="badge good">1.00%</span>' in shown
    assert "Make a forecast" in forecast_part(Outlook())
    assert "nobody is left" in forecast_part(Outlook(why_not="nobody is left"))


def test_numbers_of_agents_are_read_as_they_are_written() -> None:
    assert counts_said(" 5, 10;20 5") == (5, 10, 20)
    assert counts_said("") == ()
    for wrong in ("0", "501", "five", " ".join(map(str, range(1, 14)))):
        with pytest.raises(ValueError, match=r"."):
            counts_said(wrong)


def test_whoever_sees_one_campaign_sees_its_agents_and_nobody_elses() -> None:
    at_work = {"state": AgentState.talking, "since": NOW}
    ours = agent("Ann", works_for="c1", campaigns=("c1",), **at_work)
    theirs = agent("Eve", works_for="c2", campaigns=("c2",), **at_work)
    now = floor(campaign(), campaign(campaign_id="c2", name="Other"), agents=(ours, theirs))
    shown = floor_page(now, Scope(campaigns=("c1",)))
    assert ("Spring" in shown, "Other" in shown) == (True, False)
    assert ("Ann" in shown, "Eve" in shown) == (True, False)


def test_groups_bound_the_agents_that_are_seen() -> None:
    now = floor(campaign(), agents=(agent("Ann", groups=("north",)), agent("Eve")))
    shown = floor_page(now, Scope(groups=("north",)))
    assert ("Ann" in shown, "Eve" in shown) == (True, False)


@pytest.mark.parametrize(
    ("said", "abandoned", "title"),
    [
        ({"renewed_at": NOW - timedelta(minutes=1)}, 0, "no worker has been heard of"),
        ({}, 4, "abandonment 4.0% is over its cap of 3.0%"),
        ({"waiting_since": NOW - timedelta(seconds=9)}, 0, "somebody has waited 9 s"),
        ({"pacer": PacerWord(reason="the switch can't be reached: gone")}, 0, "can't be reached"),
    ],
)
def test_what_needs_somebody_is_an_alert(
    said: dict[str, object], abandoned: int, title: str
) -> None:
    now = floor(campaign(**said), answered=100, abandoned=abandoned)
    [found] = alerts(now.floor.campaigns, now, ())
    assert (found.tone, found.campaign) == ("bad", "c1")
    assert title in found.title


def test_a_paused_campaign_without_a_worker_and_few_answers_are_no_alert() -> None:
    paused = campaign(phase=CampaignPhase.paused, renewed_at=NOW - timedelta(hours=1))
    now = floor(paused, answered=10, abandoned=5)
    assert alerts(now.floor.campaigns, now, ()) == []


def test_ready_agents_whose_telephones_are_away_are_named() -> None:
    [found] = alerts((), floor(), (agent("Ann", reachable=False), agent("Bob")))
    assert (found.tone, "Ann" in found.text, "Bob" in found.text) == ("warn", True, False)


def test_a_rate_is_coloured_only_once_it_says_something() -> None:
    assert [rate_tone(0.5, 0.03, 5), rate_tone(0.04, 0.03, 50)] == ["", "bad"]
    assert [rate_tone(0.029, 0.03, 50), rate_tone(0.01, 0.03, 50)] == ["warn", "good"]


def test_agents_at_work_are_counted_by_what_they_do() -> None:
    assert by_state([agent("a"), agent("b", state="talking"), agent("c", status="logged_off")]) == {
        AgentState.idle: 1,
        AgentState.talking: 1,
    }


def test_rates_are_of_the_minutes_before_and_lines_are_smoothed() -> None:
    minutes = Minutes(dials=(0, 3, 3), answers=(0, 2, 2), abandoned=(0, 0, 1), agents=())
    assert rates(minutes) == [0.0, 0.0, 0.25]
    assert smooth(minutes.dials) == [0.0, 1.5, 2.0]
    assert "No agents seen yet" in agent_chart(())


def test_a_chart_begins_a_little_before_the_first_call() -> None:
    quiet = (0,) * 60
    begun = Minutes(dials=quiet + (1,) * 30, answers=quiet * 2, abandoned=quiet * 2, agents=())
    assert since_first_call(begun).dials == (0,) + (1,) * 30
    never = Minutes(dials=quiet, answers=quiet, abandoned=quiet, agents=())
    assert len(since_first_call(never).dials) == 18


def test_every_column_is_mapped_as_said_and_one_must_hold_the_number() -> None:
    header = ("tel", "who", "tier", "note")
    assert mapping_of(header, {"tel": "numbers", "who": "names", "note": "ignored"}) == (
        ColumnMapping(numbers=("tel",), names=("who",), ignored=("note",))
    )
    with pytest.raises(ValueError, match="which column holds the telephone number"):
        mapping_of(header, {"who": "names"})
    with pytest.raises(ValueError, match="two columns can't both be priority: who and tier"):
        mapping_of(header, {"tel": "numbers", "who": "priority", "tier": "priority"})


def test_a_form_is_told_as_settings_and_what_is_empty_is_left_to_its_default() -> None:
    said = settings_said(
        {"name": "Spring", "abandonment": "2.5", "ratio": "", "profiles": "uk\nus"}, region="GB"
    )
    assert said == {
        "name": "Spring",
        "default_region": "GB",
        "pacing.target_abandonment": 0.025,
        "compliance.profiles": ["uk", "us"],
    }


def test_only_what_differs_from_the_settings_is_changed() -> None:
    settings = CampaignSettings(name="Spring", switch=SwitchId("pbx"))
    same = {"name": "Spring", "wrap_up": "10", "hours": "always", "mode": "predictive"}
    assert changes_said(same, settings) == {}
    other = {**same, "wrap_up": "20", "mode": "power", "pacing.ratio": "2"}
    assert changes_said(other, settings) == {"wrap_up": 20.0, "mode": "power", "pacing.ratio": 2.0}


def test_changes_by_lines_are_json_where_they_can_be() -> None:
    assert lines_said("wrap_up=20\n\n caller_id = +39 06 \n") == {
        "wrap_up": 20,
        "caller_id": "+39 06",
    }
    with pytest.raises(ValueError, match="changes nothing"):
        lines_said("wrap_up")


def test_a_script_is_filled_in_and_gaps_are_seen() -> None:
    known = {"name": "Ann", "Tier": "gold"}
    assert merged("Hello {name}, {TIER} – {age}", known) == "Hello Ann, gold – [age]"
    assert merged("{name} {name", {"name": "{tier}"}) == "{tier} {name"


def test_what_agents_may_say_is_the_campaigns_own_and_what_its_rules_name() -> None:
    plain = CampaignSettings(name="Spring", switch=SwitchId("pbx"))
    assert codes_of(plain) == USUAL
    own = CampaignSettings.model_validate(
        {
            "name": "Spring", "switch": "pbx",
            "desk": {"dispositions": ["sale", "no"]},
            "retry": {"dispositions": {"later": {"delay": 60}, "no": {}}},
        }
    )  # fmt: skip
    assert codes_of(own) == ("sale", "no", "later")
    assert keys(11)[:2] + keys(11)[9:] == ["1", "2", None, None]


def test_periods_are_read_as_they_are_written() -> None:
    morning, evening = periods_of("Morning=09:00-12:00*, evening=17:00-20:00")
    assert (morning.period_id, morning.default, evening.end) == ("morning", True, time(20))
    for wrong in ("morning", "morning=9", "m=12:00-09:00"):
        with pytest.raises(BadPromise):
            periods_of(wrong)


def test_a_schedule_is_told_as_a_plan_and_back_in_words() -> None:
    plan = plan_said(
        {
            "schedule_id": "spring-am", "kind": "start", "campaign_id": "c1", "at": "09:00",
            "weekdays": "mon,fri", "zone": "Europe/Rome", "overlap": "skip",
        }
    )  # fmt: skip
    assert when_words(plan) == "09:00 on Mon, Fri, clock of Europe/Rome"


def test_a_link_that_nobody_knows_is_neither_well_nor_bad() -> None:
    assert [state_tone(s) for s in ("up", "down", "unknown", "reconnecting")] == [
        "good", "bad", "", "warn"
    ]  # fmt: skip


def test_the_form_of_a_user_names_what_is_seen_and_reads_it_back() -> None:
    form = str(joined(*user_fields({}, {"c1": "Spring"})))
    assert 'name="queues"' in form
    assert 'name="groups"' in form
    said = {"campaigns": "c1\nc2", "queues": " support, sales ,support,", "groups": ""}
    assert scope_said(said) == Scope(campaigns=("c1", "c2"), queues=("support", "sales"))
    assert scope_said({}).everything
