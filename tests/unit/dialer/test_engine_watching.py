"""While nobody watches the events of the switch, nothing is placed or taken back blindly."""

import pytest

from dialer.commands import COMMANDS, HangUp, Join, NotePacing, ParkAgent, PlaceCall, PlayMessage
from dialer.events import EVENT, AgentChanged, EventsWatched, Tick
from dialer.live.status import EnginePhase
from dialer.media import AmdSettings
from dialer.model import AgentStatus, Mode
from dialer.outcomes import Outcome
from dialer.switching import CallPhase
from tests.support.dialing import agent, capabilities, contact, seconds, settings, started
from tests.support.fake_switch import Fate
from tests.support.floor import Floor


def unwatched(floor: Floor) -> Floor:
    """From now on nothing is heard of calls, and the engine is told so."""
    floor.switch.lies.lose = 1.0
    floor.give(EventsWatched(watched=False, since=floor.now))
    return floor


def watched(floor: Floor) -> Floor:
    """Events are heard again."""
    floor.switch.lies.lose = 0.0
    floor.give(EventsWatched(watched=True, since=floor.now))
    return floor


def dialing(fate: Fate, **changes: object) -> Floor:
    """An engine with one agent that has just dialed somebody."""
    floor = Floor(started(**changes), contacts=[contact(n) for n in range(1, 4)])
    floor.switch.fate = fate
    floor.start().run(1.0)
    assert len(floor.of(PlaceCall)) == 1
    return floor


def test_nothing_is_placed_while_nobody_watches_and_dialing_goes_on_afterwards() -> None:
    floor = dialing(Fate(ring=1.0, talk=2.0))
    unwatched(floor).run(30.0)
    assert len(floor.of(PlaceCall)) == 1
    assert floor.engine.status(floor.now).phase is EnginePhase.unwatched
    reason = floor.of(NotePacing)[-1].reason
    assert reason.startswith("waiting: nobody watches the events of switch pbx since 09:00:01 UTC")
    watched(floor).run(60.0)
    assert len(floor.of(PlaceCall)) == 3
    assert floor.engine.status(floor.now).phase is not EnginePhase.unwatched


def test_agents_are_not_called_while_nobody_watches() -> None:
    floor = Floor(started(agents=()), contacts=[contact(1)]).start().run(1.0)
    unwatched(floor)
    floor.give(AgentChanged(agent=agent(1, status=AgentStatus.available)))
    floor.run(5.0)
    assert floor.of(ParkAgent) == []
    watched(floor).run(1.0)
    assert len(floor.of(ParkAgent)) == 1


def test_somebody_whose_answer_was_not_heard_is_joined_by_what_the_switch_shows() -> None:
    floor = dialing(Fate(ring=4.0, talk=60.0))
    unwatched(floor).run(8.0)
    assert len(floor.of(Join)) == 1
    assert floor.of(HangUp) == []
    assert floor.of(PlayMessage) == []


@pytest.mark.parametrize("limits_ringing", [True, False])
def test_call_whose_time_to_ring_is_up_is_not_ended_when_somebody_has_answered(
    limits_ringing: bool,
) -> None:
    floor = dialing(
        Fate(ring=14.9, talk=60.0),
        settings=settings(ring_timeout=seconds(15)),
        capabilities=capabilities(limits_ringing=limits_ringing),
    )
    attempt = floor.of(PlaceCall)[0].attempt_id
    unwatched(floor)
    floor.run(13.8)
    floor.snapshots_lost = True
    floor.run(20.0)
    assert floor.switch.calls[attempt].phase is CallPhase.held
    assert floor.of(HangUp) == []
    floor.snapshots_lost = False
    floor.run(3.0)
    assert len(floor.of(Join)) == 1
    assert floor.of(HangUp) == []


def test_call_that_the_switch_shows_ringing_after_its_time_is_ended_unwatched_too() -> None:
    floor = dialing(Fate(ring=99.0, answers=False), settings=settings(ring_timeout=seconds(15)))
    unwatched(floor).run(22.0)
    assert [command.reason for command in floor.of(HangUp)] == ["ring_timeout"]
    watched(floor).run(5.0)
    assert floor.outcomes[:1] == [Outcome.no_answer]


def test_somebody_who_cannot_be_joined_yet_is_not_given_up_while_nobody_watches() -> None:
    floor = dialing(Fate(ring=2.0, talk=60.0))
    attempt = floor.of(PlaceCall)[0].attempt_id
    unwatched(floor).run(2.0)
    floor.switch.calls[attempt].phase = CallPhase.listening  # waits in the switch's own dialplan
    floor.run(20.0)
    assert floor.of(HangUp) == []
    assert floor.of(PlayMessage) == []
    floor.switch.calls[attempt].phase = CallPhase.held
    watched(floor).run(1.0)
    assert len(floor.of(Join)) == 1


def test_somebody_who_waits_in_vain_hears_the_message_unwatched_too() -> None:
    floor = dialing(Fate(ring=2.0, talk=60.0), settings=settings(mode=Mode.power))
    floor.give(AgentChanged(agent=agent(1, status=AgentStatus.not_ready)))
    unwatched(floor).run(10.0)
    assert len(floor.of(PlayMessage)) == 1


def test_verdict_that_was_not_heard_is_waited_for_while_nobody_watches() -> None:
    floor = dialing(
        Fate(ring=2.0, talk=90.0, listening=1.5),
        settings=settings(amd=AmdSettings(enabled=True)),
        capabilities=capabilities(detects_machines=True),
    )
    attempt = floor.of(PlaceCall)[0].attempt_id
    unwatched(floor).run(2.1)
    floor.switch.calls[attempt].phase = CallPhase.listening
    floor.run(0.5)
    floor._queue.clear()
    floor.run(20.0)
    assert floor.of(HangUp) == []
    assert floor.of(PlayMessage) == []


def test_replay_of_a_journal_with_a_time_unwatched_gives_the_same_commands() -> None:
    floor = dialing(Fate(ring=4.0, talk=5.0))
    unwatched(floor).run(12.0)
    watched(floor).run(30.0)
    for step in floor.steps:
        assert EVENT.validate_json(EVENT.dump_json(step.event)) == step.event
    kept = [step for step in floor.steps if step.commands or not isinstance(step.event, Tick)]
    again = Floor(floor.first)
    for step in kept:
        found = again.engine.handle(step.event, step.at)
        assert COMMANDS.dump_json(found) == COMMANDS.dump_json(step.commands)


def test_being_told_twice_changes_nothing() -> None:
    floor = dialing(Fate(ring=4.0, talk=5.0))
    unwatched(floor)
    since = floor.engine.status(floor.now).phase
    assert floor.give(EventsWatched(watched=False, since=floor.now)) == []
    assert floor.engine.status(floor.now).phase is since
