"""XiVO's own callback lists: commands and events."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from offhook.switches.xivo.wire import (
    Command,
    Event,
    Wire,
    register_commands,
    register_events,
)


class TicketStatus(StrEnum):
    """What came of a callback; `Callback` keeps it open."""

    no_answer = "NoAnswer"
    answered = "Answered"
    fax = "Fax"
    callback = "Callback"


class PreferredPeriod(Wire):
    """A part of the day in which people ask to be called."""

    uuid: str
    name: str
    period_start: str
    """HH:MM:SS."""
    period_end: str
    default: bool = False


class CallbackRequest(Wire):
    """A promise to call somebody back."""

    uuid: str
    list_uuid: str
    phone_number: str | None = None
    mobile_phone_number: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    description: str | None = None
    agent_id: int | None = None
    due_date: str | None = None
    """YYYY-MM-DD."""
    preferred_period: PreferredPeriod | None = None


class CallbackList(Wire):
    """A list of them, which a queue works off."""

    uuid: str
    name: str
    queue_id: int
    callbacks: tuple[CallbackRequest, ...] = ()


class GetCallbackLists(Command):
    """Ask for the lists with their requests, and to be told of changes."""

    name: ClassVar[str] = "getCallbackLists"


class Filter(Wire):
    """A condition of `findCallbackRequest`."""

    field: str
    operator: str = "="
    value: str | None = None


class FindRequest(Wire):
    """What to find, a page at a time."""

    filters: tuple[Filter, ...] = ()
    offset: int = 0
    limit: int = 100


class FindCallbackRequest(Command):
    """Search the requests; the reply carries the same id."""

    name: ClassVar[str] = "findCallbackRequest"
    id: int
    request: FindRequest


class GetCallbackPreferredPeriods(Command):
    """Ask for the periods that can be preferred."""

    name: ClassVar[str] = "getCallbackPreferredPeriods"


class TakeCallback(Command):
    """Take a request for the agent who is logged in."""

    name: ClassVar[str] = "takeCallback"
    uuid: str


class ReleaseCallback(Command):
    """Give it back."""

    name: ClassVar[str] = "releaseCallback"
    uuid: str


class StartCallback(Command):
    """Call the person of a request that was taken, at one of the numbers."""

    name: ClassVar[str] = "startCallback"
    uuid: str
    number: str


class UpdateCallbackTicket(Command):
    """Say what came of a callback; with another day or period, when to try again."""

    name: ClassVar[str] = "updateCallbackTicket"
    uuid: str
    status: str
    comment: str | None = None
    due_date: str | None = None
    period_uuid: str | None = None


class CallbackLists(Event):
    """Every list that the user may see."""

    name: ClassVar[str] = "CallbackLists"
    listed: ClassVar[str] = "lists"
    lists: tuple[CallbackList, ...] = ()


class FoundCallbacks(Wire):
    """A page of requests, of so many in all."""

    total: int
    list: tuple[CallbackRequest, ...] = ()


class FindCallbackResponse(Event):
    """The reply to `findCallbackRequest`."""

    name: ClassVar[str] = "FindCallbackResponseWithId"
    id: int
    response: FoundCallbacks


class PreferredCallbackPeriodList(Event):
    """The periods that can be preferred."""

    name: ClassVar[str] = "PreferredCallbackPeriodList"
    listed: ClassVar[str] = "periods"
    periods: tuple[PreferredPeriod, ...] = ()


class CallbackTaken(Event):
    """An agent has taken a request."""

    name: ClassVar[str] = "CallbackTaken"
    uuid: str
    agent_id: int


class CallbackStarted(Event):
    """The person of a request is being called; the ticket is the record of this try."""

    name: ClassVar[str] = "CallbackStarted"
    request_uuid: str
    ticket_uuid: str | None = None


class CallbackClotured(Event):
    """A request is done with."""

    name: ClassVar[str] = "CallbackClotured"
    uuid: str


class CallbackReleased(Event):
    """A request was given back."""

    name: ClassVar[str] = "CallbackReleased"
    uuid: str


class CallbackRequestUpdated(Event):
    """A request has another day or period."""

    name: ClassVar[str] = "CallbackRequestUpdated"
    request: CallbackRequest = Field()


register_commands(
    *(GetCallbackLists, FindCallbackRequest, GetCallbackPreferredPeriods, TakeCallback),
    *(ReleaseCallback, StartCallback, UpdateCallbackTicket),
)
register_events(
    *(CallbackLists, FindCallbackResponse, PreferredCallbackPeriodList, CallbackTaken),
    *(CallbackStarted, CallbackClotured, CallbackReleased, CallbackRequestUpdated),
)
