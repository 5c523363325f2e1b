"""Calls from a queue: the switch picks the agent, and the engine follows."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.agent import AgentState
from dialer.commands import CloseAttempt, Command, HangUp, NoteOddity, PlaceCall, SaveAgent
from dialer.engine import Engine
from dialer.events import (
    CallEnded,
    CallJoined,
    CallRinging,
    CallStarted,
    CommandAccepted,
    ContactsLoaded,
    Event,
    SnapshotTaken,
    Started,
    Tick,
)
from dialer.model import CallRef
from dialer.outcomes import Outcome
from dialer.switching import CallOver, CallPhase, CallView, SwitchSnapshot, Way
from tests.support.dialing import agent, at, capabilities, contact, seconds, settings, started

AGENTS = 3


class QueueFloor:
    """An engine on a switch that dials from a queue, and the agents' states as it records them."""

    def __init__(self, contacts: int = 30) -> None:
        self.engine = Engine()
        self.commands: list[Command] = []
        self.states: dict[str, tuple[AgentState, str]] = {}
        self.now = at(0)
        self.tell(self._started())
        self.tell(SnapshotTaken(snapshot=SwitchSnapshot(), asked_at=self.now))
        people = tuple(contact(number) for number in range(1, contacts + 1))
        self.tell(ContactsLoaded(contacts=people, exhausted=True))
        self.tell(Tick())

    @staticmethod
    def _started() -> Started:
        way = capabilities(way=Way.queue_first, parks_agents=False, plays_message=False)
        agents = tuple(agent(number) for number in range(1, AGENTS + 1))
        return started(capabilities=way, agents=agents, settings=settings(wrap_up=seconds(0)))

    def tell(self, event: Event, *, after: float = 0.1) -> None:
        self.now += seconds(after)
        for command in self.engine.handle(event, self.now):
            self.commands.append(command)
            if isinstance(command, SaveAgent):
                self.states[command.agent_id] = (command.state, command.correlator)
            if isinstance(command, PlaceCall):
                accepted = CommandAccepted(correlator=command.attempt_id, action=command.kind)
                self.commands += self.engine.handle(accepted, self.now)

    def wait(self, limit: float) -> None:
        """Let time pass; the switch shows nothing that goes on."""
        until = self.now + seconds(limit)
        while self.now < until:
            asked = self.now
            self.tell(Tick(), after=1.5)
            self.tell(SnapshotTaken(snapshot=SwitchSnapshot(), asked_at=asked), after=0)

    @property
    def placed(self) -> list[str]:
        return [c.attempt_id for c in self.commands if isinstance(c, PlaceCall)]

    @property
    def closed(self) -> list[CloseAttempt]:
        return [c for c in self.commands if isinstance(c, CloseAttempt)]


def call(attempt: str) -> CallRef:
    return CallRef(call_id=f"call of {attempt}")


def rings(attempt: str, who: str, when: datetime) -> CallStarted:
    return CallStarted(correlator=attempt, call=call(attempt), at=when, address=who)


def test_one_call_is_placed_for_each_free_agent_and_none_names_him() -> None:
    floor = QueueFloor()
    places = [c for c in floor.commands if isinstance(c, PlaceCall)]
    assert len(places) == AGENTS
    assert {place.agent_id for place in places} == {None}


def test_agent_who_was_picked_is_kept_for_the_customer_and_talks_with_them() -> None:
    floor = QueueFloor()
    attempt = floor.placed[0]
    floor.tell(rings(attempt, "user2", floor.now))
    assert floor.states["agent2"] == (AgentState.ringing, attempt)
    floor.tell(CallRinging(correlator=attempt, call=call(attempt), at=floor.now, address="user2"))
    floor.tell(CallJoined(correlator=attempt, call=call(attempt), at=floor.now, address="user2"))
    assert floor.states["agent2"] == (AgentState.talking, attempt)
    floor.tell(
        CallEnded(correlator=attempt, call=call(attempt), at=floor.now, outcome=Outcome.answered)
    )
    (closed,) = floor.closed
    assert (closed.outcome, closed.agent_id) == (Outcome.answered, "agent2")
    assert floor.states["agent2"][0] is AgentState.idle
    assert len(floor.placed) == AGENTS + 1


def test_customer_who_does_not_answer_frees_the_agent() -> None:
    floor = QueueFloor()
    attempt = floor.placed[0]
    floor.tell(rings(attempt, "user1", floor.now))
    floor.tell(
        CallEnded(correlator=attempt, call=call(attempt), at=floor.now, outcome=Outcome.no_answer)
    )
    assert floor.states["agent1"][0] is AgentState.idle
    assert [closed.outcome for closed in floor.closed] == [Outcome.no_answer]


def test_queue_may_go_on_to_another_agent() -> None:
    floor = QueueFloor()
    attempt = floor.placed[0]
    floor.tell(rings(attempt, "user1", floor.now))
    floor.tell(rings(attempt, "user3", floor.now))
    assert floor.states["agent1"][0] is AgentState.idle
    assert floor.states["agent3"] == (AgentState.ringing, attempt)


def test_agent_of_whom_nobody_knows_is_counted_and_the_call_goes_on() -> None:
    floor = QueueFloor()
    attempt = floor.placed[0]
    floor.tell(rings(attempt, "stranger", floor.now))
    assert [o.code for o in floor.commands if isinstance(o, NoteOddity)] == ["picked_a_stranger"]
    floor.tell(CallJoined(correlator=attempt, call=call(attempt), at=floor.now, address="stranger"))
    floor.tell(
        CallEnded(correlator=attempt, call=call(attempt), at=floor.now, outcome=Outcome.answered)
    )
    assert [closed.outcome for closed in floor.closed] == [Outcome.answered]


def test_snapshot_says_whom_the_queue_picked_where_events_were_lost() -> None:
    floor = QueueFloor()
    attempt = floor.placed[0]
    view = CallView(
        correlator=attempt, call=call(attempt), phase=CallPhase.calling, address="user2"
    )
    asked = floor.now + seconds(1)
    floor.tell(SnapshotTaken(snapshot=SwitchSnapshot(calls=(view,)), asked_at=asked), after=2)
    assert floor.states["agent2"] == (AgentState.ringing, attempt)


@pytest.mark.parametrize("said", [Outcome.answered, Outcome.no_answer, None])
@pytest.mark.parametrize("heard", [True, False])
def test_history_tells_how_a_call_ended_of_which_nothing_was_heard(
    heard: bool, said: Outcome | None
) -> None:
    floor = QueueFloor()
    attempt = floor.placed[0]
    if heard:
        floor.tell(rings(attempt, "user2", floor.now))
    over = () if said is None else (CallOver(correlator=attempt, outcome=said),)
    for _ in range(6):
        asked = floor.now
        shown = SwitchSnapshot(over=over)
        floor.tell(SnapshotTaken(snapshot=shown, asked_at=asked), after=1.5)
    (closed,) = [one for one in floor.closed if one.attempt_id == attempt]
    assert closed.outcome is (said or Outcome.unknown)
    assert closed.agent_id == ("agent2" if heard else None)
    assert floor.states.get("agent2", (AgentState.idle, ""))[0] is AgentState.idle


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["rings", "dials", "joins", "ends", "shows", "passes"]),
        st.integers(0, 5),
        st.integers(0, AGENTS),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_the_switch_says_no_agent_has_two_customers_and_every_attempt_ends_once(
    steps: list[tuple[str, int, int]],
) -> None:
    floor = QueueFloor(contacts=6)
    for what, which, who in steps:
        attempt = floor.placed[-1 - which % len(floor.placed)]
        address, ref, now = f"user{who}", call(attempt), floor.now
        phase = CallPhase.joined if which % 2 else CallPhase.calling
        events: dict[str, Event] = {
            "rings": rings(attempt, address, now),
            "dials": CallRinging(correlator=attempt, call=ref, at=now, address=address),
            "joins": CallJoined(correlator=attempt, call=ref, at=now, address=address),
            "ends": CallEnded(correlator=attempt, call=ref, at=now, outcome=Outcome.no_answer),
            "shows": SnapshotTaken(
                snapshot=SwitchSnapshot(
                    calls=(CallView(correlator=attempt, call=ref, phase=phase, address=address),)
                ),
                asked_at=now,
            ),
            "passes": Tick(),
        }
        floor.tell(events[what], after=1.0 if what == "passes" else 0.1)
        busy = [c for s, c in floor.states.values() if s is not AgentState.idle]
        assert len(busy) == len(set(busy))
    floor.wait(90)
    ended = [closed.attempt_id for closed in floor.closed]
    assert sorted(ended) == sorted(set(floor.placed))
    assert {state for state, _ in floor.states.values()} <= {AgentState.idle}
    assert len({c.correlator for c in floor.commands if isinstance(c, HangUp)}) <= len(ended)
