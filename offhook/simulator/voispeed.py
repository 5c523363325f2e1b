"""The VOIspeed face of the simulated PBX: services in, events out, no sockets.

What a service can check at once (token, parameters, the extension) is refused at once; the rest is
accepted and fails later by `cmd_failed`, as on the real PBX.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from hmac import compare_digest
from typing import Protocol

from offhook.simulator.clock import Clock
from offhook.simulator.config import SimulatorConfig
from offhook.simulator.engine import Pbx
from offhook.simulator.faults import EVENT_FAULTS, FaultBook, FaultKind
from offhook.simulator.history import EndedCall
from offhook.simulator.model import Entity, Failure, Notice, Originate, UserMode, UserState
from offhook.simulator.phonebook import Phonebook
from offhook.simulator.plant import CannotDo
from offhook.simulator.switching import LegRef, divert, find_leg, transfer
from offhook.simulator.voispeed_events import (
    KINDS,
    extended_event,
    failure_event,
    ref,
    user_events,
)
from offhook.simulator.voispeed_lists import current_call, entity_list, reported_call, user_call
from offhook.switches.voispeed import wire

_REORDER_AFTER_S = 0.5
_SEEN_REQUESTS = 10_000
_MODES = {
    wire.UserMode.normal: UserMode.normal,
    wire.UserMode.do_not_disturb: UserMode.do_not_disturb,
    wire.UserMode.absent: UserMode.absent,
    wire.UserMode.divert: UserMode.divert,
}
_FAIL_COMMAND = frozenset({FaultKind.fail_command})


class Reply(Protocol):
    """Whatever can be sent back."""

    def render(self, dialect: wire.Dialect = ...) -> bytes:
        """The XML of the reply."""


class VoispeedFace:
    """A PBX that speaks VOIspeed; `send` puts an event (key, query) on the way."""

    def __init__(
        self,
        config: SimulatorConfig,
        clock: Clock,
        faults: FaultBook,
        *,
        send: Callable[[str, str], None],
    ) -> None:
        self.config = config
        self.clock = clock
        self.faults = faults
        self.send = send
        self.pbx = Pbx(config, clock, emit=self._notice, fail=self._failed)
        self.phonebook = Phonebook()
        self.dialect = wire.Dialect(
            link="simulator", zone=config.zoneinfo, extended_event_type=config.extended_event_type
        )
        self.services: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.requests: deque[dict[str, str]] = deque(maxlen=_SEEN_REQUESTS)
        self._held: dict[str, list[str]] = {}
        self._extensions = {user.id: user.extension for user in config.users}

    # -- services ------------------------------------------------------------------------------

    def answer(self, params: Mapping[str, str], contacts: str | None = None) -> bytes:
        """The reply to a service request; `contacts` is the form field of an import."""
        service = params.get("service", "")
        self.services[service if service in wire.Service.__members__ else "unknown"] += 1
        self.requests.append({name: params[name] for name in params if name != "token"})
        given = params.get("token", "").encode()
        if not compare_digest(given, self.config.token.encode()):
            return wire.Refused(error="invalid token").render()
        try:
            request = wire.parse_request(params, self.dialect)
            return self._dispatch(request, contacts)
        except wire.WireError as error:
            return wire.Refused(error=error.what).render()
        except CannotDo as reason:
            return wire.Refused(error=str(reason)).render()

    def _dispatch(self, request: wire.Request, contacts: str | None) -> bytes:
        match request:
            case wire.CallRequestExt():
                return self._call_request_ext(request)
            case wire.CallTransferExt():
                old = LegRef(
                    request.replace_com_id, _entity(request.replace), request.replace_local_id
                )
                new = LegRef(
                    request.recipient_com_id,
                    _entity(request.recipient),
                    request.recipient_call_id,
                )
                return self._later(request, partial(transfer, self.pbx, old, new))
            case wire.CallDivertExt():
                replace = _entity(request.replace) if request.replace else None
                old = LegRef(request.call_id, replace, request.replace_local_id)
                target = _entity(request.recipient)
                number = request.recipient_number or self._number_of(target)
                return self._later(request, partial(divert, self.pbx, old, target, number))
            case wire.CallTerminate():
                return self._later(request, partial(self.pbx.terminate, request.call_id))
            case wire.CallRecordingExt():
                action = partial(self.pbx.record, request.call_id, active=request.active)
                return self._later(request, action)
            case wire.CallRequest() | wire.CallActionRequest() | wire.SetUserMode():
                return self._user_service(request)
            case _:
                return self._look(request, contacts)

    def _look(self, request: wire.Request, contacts: str | None) -> bytes:
        """Services that only tell, and those of the directory."""
        match request:
            case wire.GetEntities():
                return entity_list(self.pbx, request, self.dialect)
            case wire.GetCurrentCalls():
                who = request.entity
                calls = tuple(
                    current_call(self.pbx, call)
                    for call in self.pbx.calls.values()
                    if who is None or who in [ref(leg.entity) for leg in call.legs()]
                )
                return wire.render_records(calls, self.dialect)
            case wire.GetCallReport():
                rows = tuple(reported_call(ended) for ended in self._history(request))
                return wire.render_records(rows, self.dialect)
            case wire.GetUserCallReport():
                rows2 = tuple(
                    user_call(index, ended, request.ext)
                    for index, ended in enumerate(self._history(request), start=1)
                )
                return wire.render_records(rows2, self.dialect)
            case wire.UpdatePhonebook():
                return self.phonebook.update(request).render()
            case wire.AddPhonebook():
                return self.phonebook.add(request).render()
            case wire.DeletePhonebook():
                return self.phonebook.delete(request).render()
            case wire.GetPhonebook():
                return wire.render_contacts(self.phonebook.search(request.search), self.dialect)
            case wire.PhonebookImportSync():
                if contacts is None:
                    raise CannotDo("contacts must be a field of a multipart POST")
                parsed = wire.parse_sync_contacts(contacts, self.dialect)
                verbose = bool(request.verbose_output)
                return self.phonebook.sync(parsed, verbose=verbose).render()
            case _:
                raise CannotDo("service not available")

    def _history(self, request: wire.GetCallReport | wire.GetUserCallReport) -> list[EndedCall]:
        """Newest first, within the limits of the request."""
        rows: list[EndedCall] = []
        user = None
        if isinstance(request, wire.GetUserCallReport) and request.ext:
            user = self._user(request.ext)
        for ended in reversed(self.pbx.history):
            if request.limit is not None and len(rows) >= request.limit:
                break
            if request.since and ended.started_at < request.since:
                continue  # not the last: calls are kept in the order they ended
            if request.until and ended.started_at > request.until:
                continue
            if isinstance(request, wire.GetCallReport):
                if request.extid and ended.extid != request.extid:
                    continue
                if request.call_id and ended.call_id != request.call_id:
                    continue
            elif user and user.id not in (entity.id for entity in ended.people()):
                continue
            rows.append(ended)
        return rows

    def _later(
        self,
        request: wire.Request,
        action: Callable[[], None],
        *,
        extid: str | None = None,
        ext: str | None = None,
    ) -> bytes:
        fault = self.faults.strike(_FAIL_COMMAND, name=request.service.value, extid=extid)
        if fault is not None:
            action = _refuse_to_work
        return wire.Accepted(request_id=self.pbx.accept(action, extid=extid, ext=ext)).render()

    def _call_request_ext(self, request: wire.CallRequestExt) -> bytes:
        called_number = request.called_number or ""
        order = Originate(
            calling=_entity(request.calling),
            calling_number=request.calling_number or "",
            called=_entity(request.called),
            called_number=called_number,
            extid=request.extid,
            calling_answers=request.auto_answer is wire.AutoAnswer.calling,
            called_answers=request.auto_answer is wire.AutoAnswer.called,
            ring_timeout=_seconds(request.ring_timeout),
        )
        action = partial(self.pbx.originate, order)
        return self._later(request, action, extid=request.extid)

    def _user_service(
        self, request: wire.CallRequest | wire.CallActionRequest | wire.SetUserMode
    ) -> bytes:
        user = self._user(request.ext)
        match request:
            case wire.SetUserMode():
                mode = _MODES.get(request.mode)
                if mode is None:
                    raise CannotDo("unknown mode")
                user.mode, user.divert_to, user.note = mode, request.number, request.note
                return self._later(request, _nothing, ext=request.ext)
            case wire.CallRequest():
                me = self._entity_of(user)
                order = Originate(
                    calling=me,
                    calling_number=user.extension,
                    called=None,
                    called_number=request.number,
                    extid=request.extid,
                    calling_answers=True,
                    by_user=True,
                )
                action = partial(self.pbx.originate, order)
                return self._later(request, action, extid=request.extid, ext=request.ext)
            case wire.CallActionRequest():
                if request.action not in wire.CallAction.__members__:
                    raise CannotDo("unknown action")
                return self._later(request, partial(self._act, request, user), ext=request.ext)

    def _act(self, request: wire.CallActionRequest, user: UserState) -> None:
        """What a user does to a call of theirs, named by its own id or by the communication's."""
        call_id = next(
            (
                call.id
                for call in self.pbx.calls.values()
                if request.call_id in (call.id, *(leg.id for leg in call.legs()))
            ),
            request.call_id,
        )
        me = LegRef(call_id, self._entity_of(user), None)
        if request.action == wire.CallAction.divert:
            if not request.number:
                raise CannotDo("number required")
            target, number = self.pbx.find_target(request.number)
            divert(self.pbx, me, target, number)
            return
        call, leg = find_leg(self.pbx, me)
        match request.action:
            case wire.CallAction.disconnect:
                self.pbx.hang_up(call, leg)
            case wire.CallAction.hold:
                self.pbx.hold(call, leg, on=True)
            case wire.CallAction.retrieve:
                self.pbx.hold(call, leg, on=False)
            case _:
                raise CannotDo("call already answered")

    def _user(self, extension: str) -> UserState:
        user = self.pbx.user_by_extension(extension)
        if user is None:
            raise CannotDo("extension not found")
        return user

    def _entity_of(self, user: UserState) -> Entity:
        return Entity(KINDS[wire.EntityType.user], user.id)

    def _number_of(self, entity: Entity) -> str:
        return self._extensions.get(entity.id, entity.id)

    # -- events --------------------------------------------------------------------------------

    def _notice(self, notice: Notice) -> None:
        at = self.clock.wall()
        call = notice.call
        self._tell(call.id, extended_event(notice, at=at, domain=self.config.domain))
        if call.by_user or self.config.user_events_for_all:
            for event in user_events(notice, self._extensions, at=at):
                self._tell(call.id, event)

    def _failed(self, failure: Failure) -> None:
        event = failure_event(failure, at=self.clock.wall(), domain=self.config.domain)
        self._tell(f"request-{failure.request_id}", event)

    def _tell(self, key: str, event: wire.Event) -> None:
        name = event.code.name
        self.events[name] += 1
        query = wire.render_event_query(event, self.dialect)
        fault = self.faults.strike(EVENT_FAULTS, name=name, extid=event.extid)
        kind = fault.kind if fault else None
        if fault and kind is FaultKind.event_delay:
            self.clock.call_later(fault.delay_s, partial(self.send, key, query))
        elif kind is FaultKind.event_reorder:
            self._held.setdefault(key, []).append(query)
            self.clock.call_later(_REORDER_AFTER_S, partial(self._release, key))
        elif kind is not FaultKind.event_drop:
            self.send(key, query)
            if kind is FaultKind.event_duplicate:
                self.send(key, query)
            self._release(key)

    def _release(self, key: str) -> None:
        for query in self._held.pop(key, ()):
            self.send(key, query)


def _entity(coordinates: wire.EntityRef) -> Entity:
    kind = KINDS.get(int(coordinates.type))
    if kind is None:
        raise CannotDo(f"entities of type {int(coordinates.type)} can't take part in a call")
    return Entity(kind, coordinates.id)


def _seconds(value: timedelta | None) -> float | None:
    return value.total_seconds() if value else None


def _nothing() -> None:
    """An order that was done when it was accepted."""


def _refuse_to_work() -> None:
    raise CannotDo("internal error")
