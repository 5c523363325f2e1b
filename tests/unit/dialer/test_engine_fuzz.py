"""An engine that is told anything, in any order, ends every attempt once and never breaks."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.commands import CloseAttempt, Join, OpenAttemptRecord, ParkAgent
from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
    CommandAccepted,
    CommandFailed,
    DrainRequested,
    EndedBy,
    Event,
    MachineDetected,
    SnapshotTaken,
)
from dialer.model import CallRef
from dialer.outcomes import Outcome
from dialer.switching import CallPhase, CallView, SwitchSnapshot
from tests.support.dialing import START, agent, contact, started
from tests.support.fake_switch import FakeSwitch
from tests.support.floor import Floor
from tests.unit.dialer.test_engine_faults import SilentSwitch

CORRELATORS = st.sampled_from(
    ["spring-1-1", "spring-1-2", "spring-1-p1", "spring-1-p2", "spring-1-9", "spring-9-1", "x", ""]
)
CALLS = st.builds(
    CallRef, call_id=st.sampled_from(["c1", "c2", "c3"]), leg=st.sampled_from(["", "l1"])
)
OUTCOMES = st.none() | st.sampled_from(list(Outcome))
ACTIONS = st.sampled_from(
    ["", "place_call", "park_agent", "join", "divert", "play_message", "hang_up", "take_snapshot"]
)
REQUESTS = st.sampled_from(["", "r1", "r2"])
LINE = {"correlator": CORRELATORS, "call": CALLS, "at": st.just(START)}
VIEWS = st.builds(
    CallView,
    correlator=CORRELATORS,
    call=CALLS,
    phase=st.sampled_from(list(CallPhase)),
    address=st.sampled_from(["", "user1", "user2", "user9"]),
)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(CallStarted, **LINE),
    st.builds(CallRinging, **LINE),
    st.builds(CallAnswered, **LINE),
    st.builds(CallHeld, **LINE),
    st.builds(CallJoined, **LINE, address=st.sampled_from(["", "user1", "user2", "user9"])),
    st.builds(CallEnded, **LINE, outcome=OUTCOMES, by=st.sampled_from(list(EndedBy))),
    st.builds(CommandAccepted, correlator=CORRELATORS, action=ACTIONS, request_id=REQUESTS),
    st.builds(
        CommandFailed,
        correlator=CORRELATORS,
        action=ACTIONS,
        request_id=REQUESTS,
        unclear=st.booleans(),
        refused=st.booleans(),
        outcome=OUTCOMES,
    ),
    st.builds(MachineDetected, correlator=CORRELATORS, at=st.just(START), fax=st.booleans()),
    st.builds(
        SnapshotTaken,
        snapshot=st.lists(VIEWS, max_size=3, unique_by=lambda view: view.correlator).map(
            lambda views: SwitchSnapshot(calls=tuple(views))
        ),
        asked_at=st.just(START),
    ),
)
STEPS = st.lists(st.tuples(EVENTS, st.sampled_from([0.0, 0.05, 0.6, 2.5, 11.0])), max_size=30)


@settings(max_examples=80, deadline=None)
@given(STEPS)
def test_engine_that_is_told_anything_ends_every_attempt_once(
    steps: list[tuple[Event, float]],
) -> None:
    floor = Floor(
        started(agents=(agent(1), agent(2))), contacts=[contact(1), contact(2), contact(3)]
    )
    switch: FakeSwitch = SilentSwitch(floor.schedule)
    floor.switch, floor.snapshots_lost = switch, True
    floor.start()
    floor.give(SnapshotTaken(snapshot=SwitchSnapshot(), asked_at=floor.now))
    for event, pause in steps:
        if isinstance(event, SnapshotTaken):
            event = SnapshotTaken(snapshot=event.snapshot, asked_at=floor.now)
        floor.give(event)
        if pause:
            floor.run(pause)
    floor.give(DrainRequested(reason="stopped"))
    for _ in range(30):
        if floor.drained:
            break
        floor.give(SnapshotTaken(snapshot=SwitchSnapshot(), asked_at=floor.now))
        floor.run(5)
    assert floor.drained
    opened = [record.attempt_id for record in floor.of(OpenAttemptRecord)]
    closed = Counter(command.attempt_id for command in floor.of(CloseAttempt))
    assert closed == Counter(opened)
    assert all(join.agent.leg for join in floor.of(Join))
    assert len({park.correlator for park in floor.of(ParkAgent)}) == len(floor.of(ParkAgent))
