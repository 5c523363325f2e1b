"""The callback lists of a simulated XiVO."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from offhook.simulator.plant import CannotDo
from offhook.simulator.xivo_config import XivoConfig
from offhook.switches.xivo import wire_callbacks as cb
from offhook.switches.xivo.wire import Event


class CallbackBook:
    """Lists, requests and tickets; `tell` goes to everybody who asked for the lists."""

    def __init__(self, config: XivoConfig, *, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self.periods = tuple(
            cb.PreferredPeriod(
                uuid=period.uuid,
                name=period.name,
                period_start=period.start,
                period_end=period.end,
                default=period.default,
            )
            for period in config.periods
        )
        usual = next((period for period in self.periods if period.default), None)
        self.requests = {
            request.uuid: cb.CallbackRequest(
                uuid=request.uuid,
                list_uuid=listed.uuid,
                phone_number=request.phone_number,
                mobile_phone_number=None,
                first_name=request.first_name,
                last_name=request.last_name,
                company=request.company,
                description=None,
                agent_id=None,
                due_date=request.due_date,
                preferred_period=usual,
            )
            for listed in config.callback_lists
            for request in listed.callbacks
        }
        self._lists = config.callback_lists
        self.tickets: list[tuple[str, str, str]] = []
        """Request, status and comment of every ticket."""

    def lists(self) -> cb.CallbackLists:
        """Every list with its open requests."""
        return cb.CallbackLists(
            lists=tuple(
                cb.CallbackList(
                    uuid=listed.uuid,
                    name=listed.name,
                    queue_id=listed.queue_id,
                    callbacks=tuple(
                        r for r in self.requests.values() if r.list_uuid == listed.uuid
                    ),
                )
                for listed in self._lists
            )
        )

    def find(self, asked: cb.FindCallbackRequest) -> cb.FindCallbackResponse:
        """A page of the requests that every filter lets through."""
        names = {
            name: field.alias or name for name, field in cb.CallbackRequest.model_fields.items()
        }
        found = [
            request
            for request in self.requests.values()
            if all(_passes(request, names, item) for item in asked.request.filters)
        ]
        first = asked.request.offset
        page = tuple(found[first : first + asked.request.limit])
        return cb.FindCallbackResponse(
            id=asked.id, response=cb.FoundCallbacks(total=len(found), list=page)
        )

    def take(self, request_id: str, agent_id: int) -> None:
        """Give a request to an agent, unless another has it."""
        request = self._open(request_id)
        if request.agent_id not in (None, agent_id):
            raise CannotDo("CallbackAlreadyTaken")
        self.requests[request_id] = request.model_copy(update={"agent_id": agent_id})
        self._tell(cb.CallbackTaken(uuid=request_id, agent_id=agent_id))

    def release(self, request_id: str) -> None:
        """Take it back."""
        request = self._open(request_id)
        self.requests[request_id] = request.model_copy(update={"agent_id": None})
        self._tell(cb.CallbackReleased(uuid=request_id))

    def start(self, request_id: str, agent_id: int) -> None:
        """A call for it begins; only whoever took it may."""
        if self._open(request_id).agent_id != agent_id:
            raise CannotDo("CallbackNotTaken")
        ticket = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{request_id} {len(self.tickets)}"))
        self._tell(cb.CallbackStarted(request_uuid=request_id, ticket_uuid=ticket))

    def ticket(self, said: cb.UpdateCallbackTicket) -> None:
        """What came of it: done with, or to be tried again."""
        request = self._open(said.uuid)
        if said.status not in list(cb.TicketStatus):
            raise CannotDo("UnknownStatus")
        self.tickets.append((said.uuid, said.status, said.comment or ""))
        if said.status != cb.TicketStatus.callback:
            del self.requests[said.uuid]
            self._tell(cb.CallbackClotured(uuid=said.uuid))
            return
        changes: dict[str, object] = {"agent_id": None}
        if said.due_date is not None:
            changes["due_date"] = said.due_date
        if said.period_uuid is not None:
            periods = {period.uuid: period for period in self.periods}
            if said.period_uuid not in periods:
                raise CannotDo("UnknownPeriod")
            changes["preferred_period"] = periods[said.period_uuid]
        self.requests[said.uuid] = updated = request.model_copy(update=changes)
        self._tell(cb.CallbackRequestUpdated(request=updated))

    def _open(self, request_id: str) -> cb.CallbackRequest:
        try:
            return self.requests[request_id]
        except KeyError:
            raise CannotDo("CallbackUnknown") from None


def _passes(request: cb.CallbackRequest, names: dict[str, str], item: cb.Filter) -> bool:
    field = next((name for name, wire in names.items() if item.field in (name, wire)), None)
    if field is None:
        return False
    value = getattr(request, field)
    if item.operator.lower() in ("like", "ilike"):
        return (item.value or "").strip("%").lower() in str(value or "").lower()
    return str(value or "") == (item.value or "")
