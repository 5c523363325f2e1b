"""Who is called when: windows, trunks, ceilings, and what people order meanwhile."""

import pytest

from dialer.commands import (
    CloseAttempt,
    ContactState,
    Drained,
    HangUp,
    LoadContacts,
    NoteOddity,
    NotePacing,
    PlaceCall,
    ReturnContact,
)
from dialer.engine import Engine
from dialer.events import (
    AgentChanged,
    ContactRemoved,
    ContactsLoaded,
    DrainRequested,
    PauseRequested,
    RateFound,
    ResumeRequested,
    SettingsChanged,
    TrunksChanged,
)
from dialer.live.law import Verdict
from dialer.live.status import EnginePhase
from dialer.model import (
    CampaignSettings,
    ContactId,
    Dialable,
    Mode,
    Number,
    PacingSettings,
    TrunkId,
)
from dialer.outcomes import Outcome
from dialer.retry import OutcomeRule, RetryRules
from dialer.windows import CallingHours
from tests.support.dialing import agent, at, contact, seconds, settings, started, trunk
from tests.support.fake_switch import Fate
from tests.support.floor import Floor

BROADCAST = settings(mode=Mode.agentless)
HOURS = CallingHours.parse("daily 08:00-20:00")


def people(count: int) -> list[Dialable]:
    return [contact(number) for number in range(count)]


def broadcast(count: int = 40, **changes: object) -> Floor:
    """A campaign that dials as fast as it may."""
    return Floor(
        started(**({"agents": (), "settings": BROADCAST} | changes)), contacts=people(count)
    )


def test_contact_outside_its_hours_goes_back_with_the_next_opening() -> None:
    asleep = contact(1, numbers=(Number(number="+12120000001", zones=("America/New_York",)),))
    floor = Floor(started(settings=settings(contact_hours=HOURS)), contacts=[asleep]).start().run(5)
    (back,) = floor.of(ReturnContact)
    assert (back.reason, back.number, back.due_at) == (
        "outside_hours",
        "+12120000001",
        at(4 * 3600),
    )
    assert back.contact_state is ContactState.ready
    assert floor.of(PlaceCall) == []
    assert floor.of(Drained) == []
    assert floor.engine.next_deadline() is not None


def test_number_that_may_be_called_stands_in_for_one_that_may_not() -> None:
    both = contact(
        1,
        numbers=(
            Number(number="+12120000001", zones=("America/New_York",)),
            Number(number="+390200000001", zones=("Europe/Rome",)),
        ),
    )
    floor = Floor(started(settings=settings(contact_hours=HOURS)), contacts=[both]).start().run(5)
    assert [place.number for place in floor.of(PlaceCall)] == ["+390200000001"]


def test_number_of_unknown_zone_keeps_to_the_campaigns_zone() -> None:
    nowhere = contact(1, numbers=(Number(number="+390200000001"),))
    sleepy = settings(contact_hours=HOURS, hours=CallingHours.always("America/Los_Angeles"))
    floor = Floor(started(settings=sleepy), contacts=[nowhere]).start().run(5)
    assert [back.reason for back in floor.of(ReturnContact)] == ["outside_hours"]


def test_rule_handed_to_the_engine_refuses_with_its_reason() -> None:
    def never(
        contact: Dialable, number: Number, *, settings: CampaignSettings, now: object
    ) -> Verdict:
        return Verdict(allowed=False, reason="number_on_dnc_list")

    floor = Floor(contacts=people(1), engine=Engine(rules=(never,))).start().run(5)
    (back,) = floor.of(ReturnContact)
    assert (back.reason, back.contact_state) == ("number_on_dnc_list", ContactState.finished)
    assert floor.drained == "exhausted"


def test_contact_without_a_number_is_finished() -> None:
    floor = Floor(contacts=[contact(1, numbers=())]).start().run(5)
    assert [back.reason for back in floor.of(ReturnContact)] == ["no_number"]
    assert floor.drained == "exhausted"


def test_highest_priority_then_longest_due_is_called_first() -> None:
    waiting = [
        contact(1, due_at=at(-10)),
        contact(2, due_at=at(-20)),
        contact(3, priority=5),
    ]
    floor = Floor(
        started(agents=(), settings=BROADCAST, trunks=(trunk(10),)), contacts=waiting
    ).start()
    floor.run(3)
    assert [p.contact_id for p in floor.of(PlaceCall)] == ["contact3", "contact2", "contact1"]


def test_retry_takes_the_next_number() -> None:
    two = contact(1, numbers=(Number(number="+39020000001"), Number(number="+39020000002")))
    quick = RetryRules(max_attempts=2, no_answer=OutcomeRule(delay=seconds(5)))
    floor = Floor(started(settings=settings(retry=quick)), contacts=[two])
    floor.switch.fate = Fate(answers=False)
    floor.start().run(60)
    assert [p.number for p in floor.of(PlaceCall)] == ["+39020000001", "+39020000002"]
    assert [c.contact_state for c in floor.of(CloseAttempt)] == [
        ContactState.ready,
        ContactState.finished,
    ]
    assert floor.drained == "exhausted"


def test_calls_per_second_are_kept_over_any_second() -> None:
    slow = settings(mode=Mode.agentless, pacing=PacingSettings(calls_per_second=5.0))
    floor = broadcast(settings=slow).start().run(5)
    moments = floor.moments(PlaceCall)
    assert len(moments) >= 20
    for first in moments:
        assert sum(first <= moment < first + 1 for moment in moments) <= 6


def test_lines_are_kept_and_shared_by_how_full_trunks_are() -> None:
    trunks = (trunk(2, "small"), trunk(6, "large"), trunk(9, "off", enabled=False))
    floor = broadcast(trunks=trunks).start().run(3)
    used = {row.trunk_id: row.used for row in floor.engine.status(floor.now).trunks}
    assert used == {"small": 2, "large": 6, "off": 0}
    assert any("lines" in note.reason for note in floor.of(NotePacing))


def test_only_trunks_that_the_campaign_names_are_used() -> None:
    named = settings(mode=Mode.agentless, trunks=(TrunkId("b"),))
    floor = broadcast(settings=named, trunks=(trunk(5, "a"), trunk(3, "b"))).start().run(3)
    assert {place.trunk_id for place in floor.of(PlaceCall)} == {"b"}
    floor.give(TrunksChanged(trunks=(trunk(5, "a"),)))
    placed = len(floor.of(PlaceCall))
    floor.run(20)
    assert len(floor.of(PlaceCall)) == placed


def test_switch_without_trunks_is_dialed_without_counting_lines() -> None:
    floor = broadcast(5, trunks=()).start().run(3)
    assert {place.trunk_id for place in floor.of(PlaceCall)} == {""}
    assert len(floor.of(PlaceCall)) == 5


def test_concurrency_is_kept_and_can_be_changed() -> None:
    few = settings(mode=Mode.agentless, pacing=PacingSettings(concurrency=3))
    floor = broadcast(settings=few).start().run(3)
    assert len(floor.record.attempts) == 3
    more = few.model_copy(update={"pacing": PacingSettings(concurrency=7)})
    floor.give(SettingsChanged(settings=more))
    floor.run(1)
    assert len(floor.record.attempts) == 7


def test_mode_can_be_changed_while_running() -> None:
    floor = Floor(started(agents=(agent(1),)), contacts=people(30)).start().run(3)
    assert len(floor.of(PlaceCall)) == 1
    floor.give(SettingsChanged(settings=BROADCAST))
    floor.run(3)
    assert len(floor.of(PlaceCall)) > 10


@pytest.mark.parametrize("clear", [True, False])
def test_pause_places_nothing_more_and_clears_ringing_calls_when_told(clear: bool) -> None:
    floor = broadcast(8).start().run(2)
    placed = len(floor.of(PlaceCall))
    floor.give(PauseRequested(clear=clear))
    assert len(floor.of(HangUp)) == (placed if clear else 0)
    floor.run(1)
    if clear:
        assert set(floor.outcomes) == {Outcome.no_answer}
        assert {close.reason for close in floor.of(CloseAttempt)} == {"cleared"}
    floor.run(20)
    assert len(floor.of(PlaceCall)) == placed
    assert floor.engine.status(floor.now).phase is EnginePhase.paused
    assert floor.drained == ""


def test_pause_gives_contacts_back_and_resume_claims_them_again() -> None:
    few = settings(mode=Mode.agentless, pacing=PacingSettings(concurrency=1))
    floor = broadcast(5, settings=few).start().run(1)
    floor.give(PauseRequested())
    assert [back.reason for back in floor.of(ReturnContact)] == ["paused"] * 4
    floor.run(3)
    loads = len(floor.of(LoadContacts))
    floor.give(ResumeRequested())
    floor.run(60)
    assert len(floor.of(LoadContacts)) > loads
    assert len(floor.of(CloseAttempt)) == 5
    assert floor.drained == "exhausted"


def test_drain_finishes_what_is_in_progress_and_says_why_it_ended() -> None:
    floor = Floor(contacts=people(9)).start().run(8)
    floor.give(DrainRequested(reason="window_closed"))
    assert len(floor.of(ReturnContact)) == 8
    assert floor.of(Drained) == []
    floor.run(40)
    assert floor.outcomes == [Outcome.answered]
    assert floor.drained == "window_closed"
    assert floor.switch.calls == {}
    assert len(floor.of(PlaceCall)) == 1
    assert floor.engine.drained
    assert floor.engine.next_deadline() is None
    assert floor.engine.status(floor.now).phase is EnginePhase.drained


def test_contacts_that_arrive_while_draining_go_straight_back() -> None:
    floor = Floor(contacts=people(3)).start()
    floor.run(0.012)
    floor.give(DrainRequested(reason="stopped"))
    floor.give(ContactsLoaded(contacts=(contact(8),), exhausted=False))
    assert [back.contact_id for back in floor.of(ReturnContact)][-1:] == ["contact8"]
    floor.give(ResumeRequested())
    assert [oddity.code for oddity in floor.of(NoteOddity)] == ["resumed_while_draining"]


def test_removed_contact_is_not_called_or_called_again() -> None:
    quick = RetryRules(no_answer=OutcomeRule(delay=seconds(1)))
    floor = Floor(started(settings=settings(retry=quick)), contacts=people(3))
    floor.switch.fate = Fate(answers=False)
    floor.start().run(2)
    (place,) = floor.of(PlaceCall)
    for number in range(3):
        floor.give(ContactRemoved(contact_id=ContactId(f"contact{number}"), reason="dnc"))
    floor.run(20)
    assert {back.reason for back in floor.of(ReturnContact)} == {"dnc"}
    (close,) = floor.of(CloseAttempt)
    assert (close.contact_id, close.contact_state) == (place.contact_id, ContactState.finished)
    assert floor.drained == "exhausted"


def test_contact_that_is_claimed_twice_is_called_once() -> None:
    floor = Floor(contacts=people(1)).start().run(3)
    floor.give(ContactsLoaded(contacts=(contact(0),), exhausted=True))
    assert [oddity.code for oddity in floor.of(NoteOddity)] == ["contact_claimed_twice"]
    floor.run(40)
    assert len(floor.of(PlaceCall)) == 1


def test_stale_claim_is_renewed_before_it_is_dialed() -> None:
    floor = Floor(started(agents=()), contacts=people(1)).start().run(301)
    assert floor.of(PlaceCall) == []
    floor.give(AgentChanged(agent=agent(1)))
    floor.run(10)
    assert [back.reason for back in floor.of(ReturnContact)] == ["claim_expired"]
    assert len(floor.of(PlaceCall)) == 1


def test_nothing_is_placed_outside_the_campaigns_own_hours() -> None:
    shut = settings(mode=Mode.agentless, hours=CallingHours.parse("daily 09:00-09:01"))
    floor = broadcast(
        40, settings=shut.model_copy(update={"pacing": PacingSettings(concurrency=2)})
    )
    floor.start().run(200)
    assert max(floor.moments(PlaceCall)) < 60
    assert "outside the campaign's hours" in [note.reason for note in floor.of(NotePacing)]


def test_engine_ends_when_the_list_is_exhausted_even_with_nobody_to_take_a_call() -> None:
    floor = Floor(started(agents=())).start().run(2)
    assert floor.drained == "exhausted"


def test_engine_started_paused_waits_to_be_resumed() -> None:
    floor = Floor(started(paused=True), contacts=people(1)).start().run(10)
    assert floor.of(PlaceCall) == []
    floor.give(ResumeRequested())
    floor.run(5)
    assert len(floor.of(PlaceCall)) == 1


def test_no_more_calls_are_placed_a_second_than_the_machine_was_found_to_keep_up_with() -> None:
    people = [contact(number) for number in range(1, 200)]
    floor = Floor(
        started(
            agents=tuple(agent(number) for number in range(1, 101)),
            settings=settings(pacing={"calls_per_second": 50.0}),
        ),
        contacts=people,
    )
    floor.give(floor.first)
    floor.give(RateFound(calls_per_second=4.0))
    floor.run(10.0)
    assert 30 <= len(floor.of(PlaceCall)) <= 45
    assert "what the switch and this machine keep up with" in floor.of(NotePacing)[-1].reason
    floor.give(RateFound(calls_per_second=1_000.0))
    before = len(floor.of(PlaceCall))
    floor.run(1.0)
    assert len(floor.of(PlaceCall)) - before >= 40
