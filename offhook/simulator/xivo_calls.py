"""The calls of a simulated XiVO: from queues and telephones, and what telephones tell of them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from offhook.simulator.clock import Clock
from offhook.simulator.config import GATEWAY
from offhook.simulator.engine import Pbx
from offhook.simulator.model import (
    Call,
    Entity,
    EntityKind,
    Leg,
    Notice,
    NoticeKind,
    Originate,
    Result,
)
from offhook.simulator.plant import CannotDo
from offhook.simulator.xivo_agents import Acd, AgentRow
from offhook.simulator.xivo_config import XivoConfig
from offhook.simulator.xivo_queue_jobs import (
    ANSWERED_SOON,
    SOON_S,
    QueueJob,
    QueuePast,
    prefixed,
)
from offhook.simulator.xivo_rooms import Rooms
from offhook.switches.xivo import wire_events as ev
from offhook.switches.xivo.events import CORRELATOR
from offhook.switches.xivo.wire_events import AgentStateName, Direction, PhoneEventType

_PAST = 10_000


class Telephones:
    """Every telephone's calls; `tell` gets each event with the telephone's number."""

    def __init__(
        self,
        config: XivoConfig,
        clock: Clock,
        acd: Acd,
        *,
        tell: Callable[[str, ev.PhoneEvent], None],
        waiting_changed: Callable[[int], None],
    ) -> None:
        self._config = config
        self._clock = clock
        self._acd = acd
        self._tell = tell
        self._waiting_changed = waiting_changed
        self.pbx: Pbx
        self.jobs: dict[str, QueueJob] = {}
        self.waiting: dict[int, deque[QueueJob]] = {queue: deque() for queue in acd.queues}
        self.counters: dict[int, Counter[str]] = {queue: Counter() for queue in acd.queues}
        self.rooms: Rooms
        self.past: deque[QueuePast] = deque(maxlen=_PAST)
        self.current: dict[str, dict[str, ev.PhoneEvent]] = {}
        """Telephone -> call -> its last event."""
        self._data: dict[str, dict[str, str]] = {}
        self._placing: QueueJob | dict[str, str] | None = None

    # -- orders --------------------------------------------------------------------------------

    def dial_from_queue(self, job: QueueJob) -> None:
        """Place the call as soon as the queue has a free agent."""
        if job.queue_id not in self._acd.queues:
            raise CannotDo("QueueUnknown")
        self.counters[job.queue_id]["TotalNumberCallsEntered"] += 1
        self.waiting[job.queue_id].append(job)
        leave = partial(self._waited_too_long, job)
        job.timeout = self._clock.call_later(self._config.queue_wait_s, leave)
        self.pump()
        if job in self.waiting[job.queue_id]:
            self._waiting_changed(job.queue_id)

    def pump(self) -> None:
        """Give every free agent the call that waits longest in a queue of his."""
        for queue_id, jobs in self.waiting.items():
            while jobs and (row := self._acd.free(queue_id)) is not None:
                job = jobs.popleft()
                if job.timeout is not None:
                    job.timeout.cancel()
                self._ring_agent(job, row)
                self._waiting_changed(queue_id)

    def dial(self, extension: str, destination: str, data: dict[str, str]) -> None:
        """Call from a telephone."""
        order = Originate(
            calling=self._user(extension),
            calling_number=extension,
            called=self.rooms.entity(destination),
            called_number=destination,
            extid=data.get(CORRELATOR),
            calling_answers=True,
            customer_called=True,
        )
        self._originate(order, data)

    def dial_from_mobile(self, mobile: str, destination: str, data: dict[str, str]) -> None:
        """Call a mobile, and once it answers the destination."""
        order = Originate(
            calling=Entity(EntityKind.gateway, GATEWAY),
            calling_number=mobile,
            called=None,
            called_number=destination,
            extid=data.get(CORRELATOR),
        )
        self._originate(order, data)

    def find(self, extension: str, unique_id: str | None = None) -> tuple[Call, Leg]:
        """A call of a telephone: the one named, or the current one, which is not on hold."""
        found = [
            (self._on_hold(extension, call.id), number, call, leg)
            for number, call in enumerate(self.pbx.calls.values())
            for leg in call.legs()
            if self._extension(leg) == extension and unique_id in (None, self._unique(leg))
        ]
        if not found:
            raise CannotDo("NoCall")
        _, _, call, leg = min(found, key=lambda one: one[:2])
        return call, leg

    def answer(self, extension: str, unique_id: str | None) -> None:
        """Take a call that rings at a telephone."""
        for call_id, event in self.current.get(extension, {}).items():
            rings = event.event_type == PhoneEventType.ringing
            if rings and unique_id in (None, event.unique_id):
                call = self.pbx.call(call_id)
                leg = next(leg for leg in call.legs() if self._extension(leg) == extension)
                self.pbx.answer(call, leg)
                return
        raise CannotDo("NoCall")

    def hang_up(self, extension: str, unique_id: str | None) -> None:
        """End a call of a telephone: the one named, or the current one."""
        self.pbx.hang_up(*self.find(extension, unique_id))

    def hold(self, extension: str, unique_id: str | None) -> None:
        """Put a call on hold, or take it back."""
        call, _ = self.find(extension, unique_id)
        self.set_hold(extension, call.id, on=not self._on_hold(extension, call.id))

    def set_hold(self, extension: str, call_id: str, *, on: bool) -> None:
        """Put an established call on hold, or take it back; nothing where it is so already."""
        event = self.current.get(extension, {}).get(call_id)
        kind, other = PhoneEventType.on_hold, PhoneEventType.established
        if not on:
            kind, other = other, kind
        if event is not None and event.event_type == other:
            self._told(extension, call_id, event.model_copy(update={"event_type": kind.value}))

    def attach(self, extension: str, data: dict[str, str]) -> None:
        """Attach data to the calls of a telephone, for the events to come."""
        for call_id, event in list(self.current.get(extension, {}).items()):
            merged = {**event.user_data, **prefixed(data)}
            self._data[call_id] = merged
            told = event.model_copy(update={"user_data": merged})
            self.current[extension][call_id] = told

    def forget(self) -> None:
        """Lose every call without a word."""
        for jobs in self.waiting.values():
            for job in jobs:
                if job.timeout is not None:
                    job.timeout.cancel()
            jobs.clear()
        self.rooms.empty()
        self.jobs.clear()
        self.current.clear()
        self._data.clear()
        self._acd.forget_calls()

    # -- what the engine tells -----------------------------------------------------------------

    def notice(self, notice: Notice) -> None:
        """Turn one step of a call into what telephones tell of it."""
        call, leg = notice.call, notice.leg
        self._adopt(call)
        match notice.kind:
            case NoticeKind.ended:
                self._ended(call, notice.result)
            case NoticeKind.progress if leg is not None and self._extension(leg):
                if leg is call.called or call.id in self.jobs:
                    self._agent_is(call, leg, AgentStateName.ringing)
                    self._step(call, leg, PhoneEventType.ringing, Direction.incoming)
            case NoticeKind.called_out if leg is not None and leg is call.called:
                self._agent_is(call, call.calling, AgentStateName.dialing)
                self._step(call, call.calling, PhoneEventType.dialing, Direction.outgoing)
            case NoticeKind.response if leg is call.called and notice.result is Result.ok:
                self._together(call)
            case NoticeKind.diverted if leg is not None:
                self._left(call, leg)
            case NoticeKind.transferred if leg is not None and notice.other is not None:
                self._left(call, leg)
                self._moved(notice.refer_id or "", call, notice.other)
            case _:
                pass

    def _adopt(self, call: Call) -> None:
        placing, self._placing = self._placing, None
        if isinstance(placing, QueueJob):
            self.jobs[call.id], self._data[call.id] = placing, placing.data
        elif placing is not None:
            self._data[call.id] = placing

    def _together(self, call: Call) -> None:
        job = self.jobs.get(call.id)
        if job is not None and job.talked_at is None:
            job.talked_at = self._clock.wall()
            self.counters[job.queue_id]["TotalNumberCallsAnswered"] += 1
            if (job.talked_at - job.asked_at).total_seconds() < SOON_S:
                self.counters[job.queue_id][ANSWERED_SOON] += 1
        caller = self._extension(call.calling)
        if caller:
            self.rooms.join(call.wanted_number, call.id, self._name(call.calling), caller)
        for leg in call.legs():
            way = Direction.outgoing if leg is call.calling else Direction.incoming
            self._agent_is(call, leg, AgentStateName.on_call)
            self._step(call, leg, PhoneEventType.established, way)

    def _ended(self, call: Call, result: Result) -> None:
        for extension in list(self.current):
            self._release(extension, call.id)
        job = self.jobs.pop(call.id, None)
        self._data.pop(call.id, None)
        self.rooms.leave(call.id)
        if job is not None and call.called is None and result is Result.no_answer:
            self._next_agent(job)
        elif job is not None:
            self._queue_past(job, "answered" if job.talked_at is not None else "abandoned")
        self.pump()

    def _release(self, extension: str, call_id: str) -> None:
        """A call is over for a telephone: its agent is free, or back at another call of his."""
        calls = self.current.get(extension, {})
        event = calls.pop(call_id, None)
        if event is None:
            return
        self._tell(
            extension, event.model_copy(update={"event_type": PhoneEventType.released.value})
        )
        row, job = self._acd.by_phone(extension), self.jobs.get(call_id)
        if row is not None and calls:
            self._acd.put(row, AgentStateName.on_call)
        elif row is not None:
            self._acd.finished(row, talked=job is not None and job.talked_at is not None)

    def _left(self, call: Call, leg: Leg) -> None:
        """A telephone transferred a call, which goes on without it."""
        self._release(self._extension(leg), call.id)

    def _moved(self, from_id: str, call: Call, leg: Leg) -> None:
        """A telephone that was asked is in a call that was transferred to it."""
        extension, other = self._extension(leg), call.other(leg)
        event = self.current.get(extension, {}).pop(from_id, None)
        if event is None or other is None:
            return
        job = self.jobs.get(call.id)
        now = {
            "event_type": PhoneEventType.established.value,
            "other_dn": other.number,
            "other_name": job.caller_name if job else "",
            "linked_id": self._linked(call),
            "queue_name": self._acd.queues[job.queue_id].name if job else None,
            "user_data": {**event.user_data, **self._data.get(call.id, {})},
        }
        self._told(extension, call.id, event.model_copy(update=now))

    def _queue_past(self, job: QueueJob, status: str) -> None:
        talked = job.talked_at
        self.past.append(
            QueuePast(
                queue_id=job.queue_id,
                started_at=job.asked_at,
                talk_s=(self._clock.wall() - talked).total_seconds() if talked else 0.0,
                caller_number=job.caller_number,
                destination=job.destination,
                status=status,
            )
        )

    def _next_agent(self, job: QueueJob) -> None:
        """An agent let his telephone ring: the queue goes on to another."""
        if job.agent is not None:
            job.tried.append(job.agent.id)
        self.waiting[job.queue_id].append(job)
        leave = partial(self._waited_too_long, job)
        job.timeout = self._clock.call_later(self._config.queue_wait_s, leave)

    def _waited_too_long(self, job: QueueJob) -> None:
        jobs = self.waiting[job.queue_id]
        if job in jobs:
            jobs.remove(job)
            self.counters[job.queue_id]["TotalNumberCallsAbandonned"] += 1
            if (self._clock.wall() - job.asked_at).total_seconds() >= SOON_S:
                self.counters[job.queue_id]["TotalNumberCallsAbandonnedAfter15"] += 1
            self._queue_past(job, "timeout")
            self._waiting_changed(job.queue_id)

    def _ring_agent(self, job: QueueJob, row: AgentRow) -> None:
        job.agent = row
        order = Originate(
            calling=self._user(row.phone),
            calling_number=row.phone,
            called=Entity(EntityKind.gateway, GATEWAY),
            called_number=job.destination,
            extid=job.data.get(CORRELATOR),
            calling_answers=True,
            customer_called=True,
        )
        self._originate(order, job)

    def _originate(self, order: Originate, placing: QueueJob | dict[str, str]) -> None:
        self._placing = placing
        try:
            self.pbx.originate(order)
        finally:
            self._placing = None

    def _user(self, extension: str) -> Entity:
        user = self.pbx.user_by_extension(extension)
        if user is None:
            raise CannotDo("NoLine")
        return Entity(EntityKind.user, user.id)

    def _agent_is(self, call: Call, leg: Leg, state: AgentStateName) -> None:
        row = self._acd.by_phone(self._extension(leg))
        if row is not None:
            self._acd.put(row, state)

    def _extension(self, leg: Leg) -> str:
        if leg.entity.kind is not EntityKind.user:
            return ""
        return self.pbx.users[leg.entity.id].extension

    def _name(self, leg: Leg) -> str:
        user = self.pbx.users[leg.entity.id]
        return f"{user.name} {user.surname}".strip()

    def _on_hold(self, extension: str, call_id: str) -> bool:
        event = self.current.get(extension, {}).get(call_id)
        return event is not None and event.event_type == PhoneEventType.on_hold

    @staticmethod
    def _linked(call: Call) -> str:
        return f"{int(call.started_at.timestamp())}.{call.id}"

    def _unique(self, leg: Leg) -> str:
        return f"{int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())}.{leg.id}"

    def _step(self, call: Call, leg: Leg, kind: PhoneEventType, way: Direction) -> None:
        extension = self._extension(leg)
        if not extension:
            return
        job = self.jobs.get(call.id)
        other = call.other(leg)
        number = (other.number if other else "") or (job.destination if job else "")
        known = {"XIVO_CONTEXT": "default", "XIVO_DSTNUM": number}
        event = ev.PhoneEvent(
            event_type=kind.value,
            dn=extension,
            other_dn=number or call.wanted_number,
            other_name=job.caller_name if job else "",
            linked_id=self._linked(call),
            unique_id=self._unique(leg),
            queue_name=self._acd.queues[job.queue_id].name if job else None,
            call_direction=way.value,
            user_data={**known, **self._data.get(call.id, {})},
        )
        self._told(extension, call.id, event)

    def _told(self, extension: str, call_id: str, event: ev.PhoneEvent) -> None:
        self.current.setdefault(extension, {})[call_id] = event
        self._tell(extension, event)
