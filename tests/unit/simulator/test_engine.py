"""The simulated PBX in virtual time: who is met, what is freed, what can't be done."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.simulator.clock import VirtualClock
from offhook.simulator.config import SimulatorConfig, make_users
from offhook.simulator.engine import Pbx
from offhook.simulator.model import (
    Entity,
    EntityKind,
    Failure,
    LegState,
    Notice,
    NoticeKind,
    Originate,
    Result,
)
from offhook.simulator.population import Behaviour, PersonKind, Population
from offhook.simulator.record import Fate
from offhook.simulator.switching import LegRef, divert, transfer

GATEWAY = Entity(EntityKind.gateway, "1")
RECEPTION = Entity(EntityKind.ivr, "1")
HOLD = Entity(EntityKind.ivr, "2")
MESSAGE = Entity(EntityKind.ivr, "3")
AGENT = Entity(EntityKind.user, "101")


class Floor:
    """A PBX, its clock, and everything it said."""

    def __init__(self, *numbers: tuple[str, Behaviour], **more: object) -> None:
        people = Population(numbers={number: [behaviour] for number, behaviour in numbers})
        self.clock = VirtualClock()
        self.notices: list[tuple[NoticeKind, str, Result]] = []
        self.failures: list[Failure] = []
        config = SimulatorConfig.model_validate(
            {"population": people, "users": make_users(2), **more}
        )
        self.pbx = Pbx(config, self.clock, emit=self._hear, fail=self.failures.append)

    def _hear(self, notice: Notice) -> None:
        self.notices.append((notice.kind, notice.call.extid or "", notice.result))

    def dial(self, number: str, extid: str, called: Entity = RECEPTION) -> None:
        order = Originate(GATEWAY, number, called, "0800", extid)
        self.pbx.accept(lambda: self.pbx.originate(order), extid=extid, ext=None)

    def park(self, extid: str = "agent", user: Entity = AGENT) -> None:
        order = Originate(user, "201", HOLD, "0800", extid, calling_answers=True)
        self.pbx.accept(lambda: self.pbx.originate(order), extid=extid, ext=None)

    def ref(self, extid: str, kind: EntityKind) -> LegRef:
        call = next(call for call in self.pbx.calls.values() if call.extid == extid)
        leg = next(leg for leg in call.legs() if leg.entity.kind is kind)
        return LegRef(call.id, leg.entity, leg.id)

    def join(self) -> None:
        old, new = self.ref("c", EntityKind.ivr), self.ref("agent", EntityKind.user)
        self.pbx.accept(lambda: transfer(self.pbx, old, new), extid=None, ext=None)

    def fate(self, extid: str) -> Fate:
        return next(
            record.fate for record in self.pbx.recorder.calls.values() if record.extid == extid
        )


def answers(*, patience_s: float = 10) -> Behaviour:
    return Behaviour(kind=PersonKind.answer, ring_s=2, talk_s=30, patience_s=patience_s)


def test_customer_who_is_joined_talks_till_the_end_and_frees_everything() -> None:
    floor = Floor(("0733", answers()))
    floor.park()
    floor.dial("0733", "c")
    floor.clock.run_for(5)
    floor.join()
    floor.clock.run_for(1)
    assert [leg.state for leg in floor.pbx.users["101"].legs] == [LegState.active]
    assert floor.pbx.gateways["1"].busy == 1
    floor.clock.run_for(60)
    assert floor.fate("c") is Fate.joined
    assert floor.pbx.calls == {}
    assert floor.pbx.users["101"].legs == []
    assert floor.pbx.gateways["1"].busy == 0
    record = next(iter(floor.pbx.recorder.calls.values()))
    assert record.waited_s is not None
    assert 2.9 < record.waited_s < 3.1


def test_customer_who_is_never_joined_hangs_up_when_patience_ends() -> None:
    floor = Floor(("0733", answers()))
    floor.dial("0733", "c")
    floor.clock.run_for(11.9)
    assert floor.fate("c") is Fate.waiting
    floor.clock.run_for(1)
    assert floor.fate("c") is Fate.abandoned


def test_agent_stays_parked_when_the_customer_is_gone_before_the_join() -> None:
    floor = Floor(("0733", answers(patience_s=1)))
    floor.park()
    floor.dial("0733", "c")
    floor.clock.run_for(2.5)
    old, new = floor.ref("c", EntityKind.ivr), floor.ref("agent", EntityKind.user)
    floor.clock.run_for(5)
    floor.pbx.accept(lambda: transfer(floor.pbx, old, new), extid=None, ext=None)
    floor.clock.run_for(1)
    assert [failure.error for failure in floor.failures] == ["communication not found"]
    assert [call.extid for call in floor.pbx.calls.values()] == ["agent"]


def test_busy_agent_refuses_a_second_call() -> None:
    floor = Floor()
    floor.park("first")
    floor.clock.run_for(2)
    floor.park("second")
    floor.clock.run_for(2)
    assert (NoticeKind.ended, "second", Result.busy) in floor.notices
    assert [call.extid for call in floor.pbx.calls.values()] == ["first"]


def test_divert_to_a_busy_agent_drops_the_customer() -> None:
    floor = Floor(("0733", answers(patience_s=900)))
    floor.park()
    floor.dial("0733", "c")
    floor.clock.run_for(5)
    old = floor.ref("c", EntityKind.ivr)
    floor.pbx.accept(lambda: divert(floor.pbx, old, AGENT, "201"), extid=None, ext=None)
    floor.clock.run_for(1)
    assert floor.fate("c") is Fate.dropped


def test_divert_to_nobody_leaves_the_customer_where_they_are() -> None:
    floor = Floor(("0733", answers(patience_s=900)))
    floor.dial("0733", "c")
    floor.clock.run_for(5)
    old = floor.ref("c", EntityKind.ivr)
    nobody = Entity(EntityKind.user, "999")
    floor.pbx.accept(lambda: divert(floor.pbx, old, nobody, ""), extid=None, ext=None)
    floor.clock.run_for(1)
    assert [failure.error for failure in floor.failures] == ["user not found"]
    assert floor.fate("c") is Fate.waiting


def test_message_is_played_to_its_end() -> None:
    floor = Floor(("0733", answers(patience_s=5)))
    floor.dial("0733", "c")
    floor.clock.run_for(5)
    old = floor.ref("c", EntityKind.ivr)
    floor.pbx.accept(lambda: divert(floor.pbx, old, MESSAGE, ""), extid=None, ext=None)
    floor.clock.run_for(3)
    assert len(floor.pbx.calls) == 1
    floor.clock.run_for(2)
    assert floor.pbx.calls == {}
    assert floor.fate("c") is Fate.message


def test_line_that_is_missing_can_be_told_as_an_outcome() -> None:
    floor = Floor(("0733", answers()), no_lines_as="outcome", gateways=[
        {"id": "1", "name": "small", "lines": 0}
    ])  # fmt: skip
    floor.dial("0733", "c")
    floor.clock.run_for(1)
    assert (NoticeKind.ended, "c", Result.no_lines) in floor.notices
    assert floor.failures == []


def test_restart_forgets_calls_in_silence_and_never_gives_an_id_twice() -> None:
    floor = Floor(("0733", answers()))
    floor.dial("0733", "c")
    floor.clock.run_for(5)
    told, ids = len(floor.notices), set(floor.pbx.calls)
    floor.pbx.restart()
    floor.clock.run_for(100)
    assert len(floor.notices) == told
    assert floor.pbx.gateways["1"].busy == 0
    floor.dial("0733", "again")
    floor.clock.run_for(1)
    assert not ids & set(floor.pbx.calls)


STEPS = st.lists(
    st.sampled_from(["dial", "park", "park2", "join", "divert", "message", "end", "hang", "wait"]),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(0, 5))
def test_whatever_happens_everything_is_freed_in_the_end(steps: list[str], seed: int) -> None:
    floor = Floor(seed=seed)
    for index, step in enumerate(steps):
        calls = list(floor.pbx.calls.values())
        call = calls[index % len(calls)] if calls else None
        if step == "dial":
            floor.dial(f"07{index:04}", f"c{index}")
        elif step.startswith("park"):
            floor.park(f"a{index}", AGENT if step == "park" else Entity(EntityKind.user, "102"))
        elif step == "wait":
            floor.clock.run_for(3)
        elif call is not None:
            act(floor, call.id, step, calls[-1].id)
        floor.clock.run_for(0.5)
        busy = sum(leg.person is not None for one in floor.pbx.calls.values() for leg in one.legs())
        assert floor.pbx.gateways["1"].busy >= 0
        assert floor.pbx.gateways["1"].busy <= busy
        assert all(len(user.legs) <= 1 for user in floor.pbx.users.values())
    floor.clock.run_for(20_000)
    for call_id in list(floor.pbx.calls):
        floor.pbx.terminate(call_id)
    assert floor.pbx.gateways["1"].busy == 0
    assert all(user.legs == [] for user in floor.pbx.users.values())
    assert all(record.ended_at for record in floor.pbx.recorder.calls.values())


def act(floor: Floor, call_id: str, step: str, other_id: str) -> None:
    pbx = floor.pbx
    call = pbx.calls[call_id]
    actions = {
        "join": lambda: transfer(
            pbx, LegRef(call_id, None, call.legs()[-1].id), LegRef(other_id, AGENT, None)
        ),
        "divert": lambda: divert(pbx, LegRef(call_id, None, None), AGENT, "201"),
        "message": lambda: divert(pbx, LegRef(call_id, None, None), MESSAGE, ""),
        "end": lambda: pbx.terminate(call_id),
        "hang": lambda: pbx.hang_up(call, call.calling),
    }
    pbx.accept(actions[step], extid=None, ext=None)
