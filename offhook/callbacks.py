"""Booking a callback, wherever it comes from: a command, the API, an IVR, an agent, a file."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from activities.callback_contracts import CallbackAnswer, CallbackOrder
from dialer.appointments import first_after
from dialer.callback_refusals import CallbackUnknown
from dialer.callbacks import CallbackId, CallbackRequest, Promise
from dialer.model import AgentId, CampaignId, SwitchId
from dialer.numbers import resolve
from offhook.change_notes import note_change
from offhook.errors import OffhookError, TemporalUnreachable
from offhook.storage.callback_lists import CallbackLists, CallbackListView
from offhook.storage.callback_store import Booking, PostgresCallbacks
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.database import Database
from offhook.temporal.callbacks import CallbackDesk
from workflows.callback import AWAKE_AHEAD

DEFAULT_ZONE = "Europe/Rome"


class CallbackInThePast(OffhookError):
    """Somebody asked for a day that is over where the number is."""

    code = "callback_in_the_past"

    def __init__(self, day: date, zone: str) -> None:
        super().__init__(
            f"{day} is over in {zone}", hint="give today or a later day, or none for today"
        )


class NewCallback(BaseModel):
    """What somebody says when he books one; everything but the number has a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    numbers: Annotated[tuple[str, ...], Field(min_length=1, max_length=5)]
    """As people write them; without a country's prefix they are of `region`."""
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "IT"
    first_name: Annotated[str, Field(max_length=200)] = ""
    last_name: Annotated[str, Field(max_length=200)] = ""
    company: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=2_000)] = ""
    due_on: date | None = None
    """Today, where the number is, if not said."""
    period: Annotated[str, Field(max_length=100)] = ""
    """Id or name of one of the list's preferred periods; its default one if not said."""
    zone: Annotated[str, Field(max_length=60)] = ""
    """IANA zone; the number's own if not said."""
    not_before: datetime | None = None
    """Due in what is left of the first of its periods that isn't over at this moment."""
    owner: AgentId | None = None
    queue: Annotated[str, Field(max_length=100)] = ""
    campaign_id: CampaignId | None = None
    source: CallbackSource = CallbackSource.api
    source_key: Annotated[str, Field(max_length=200)] = ""
    """Equal for two bookings of the same promise."""


class Booked(BaseModel):
    """What came of a booking."""

    model_config = ConfigDict(frozen=True)

    callback_id: CallbackId
    new: bool
    """False when the same promise had been booked before."""


@dataclass(frozen=True)
class CallbackOffice:
    """Books promises on lists, and has a workflow keep those that are near."""

    database: Database
    desk: CallbackDesk | None = None
    """None leaves the starting to the hourly waking."""

    async def book(self, list_key: str, new: NewCallback, *, now: datetime) -> Booked:
        """Book one; repeated with the same source key it is found, not doubled."""
        return (await self.book_all(list_key, [new], now=now))[0]

    async def book_all(
        self, list_key: str, wanted: Sequence[NewCallback], *, now: datetime
    ) -> list[Booked]:
        """Book several in one transaction: all of them, or none when one makes no sense."""
        on = await CallbackLists(self.database).find(list_key, now=now)
        bookings = [booking_of(on, new, now) for new in wanted]
        booked = await PostgresCallbacks(self.database).book_all(bookings, now=now)
        if self.desk is not None:
            for callback, new in booked:
                if new:
                    await self.desk.start(callback)
        return [Booked(callback_id=callback, new=new) for callback, new in booked]

    async def order(self, callback: CallbackId, order: CallbackOrder) -> CallbackAnswer:
        """Give an order about one and wait until it is carried out; needs a desk.

        Raises `CallbackUnknown`, which is asked of the record first: an order to an unknown
        callback would start a workflow for it.
        """
        store = PostgresCallbacks(self.database)
        before = await store.read(callback)
        if before is None:
            raise CallbackUnknown(callback)
        answer = await self._desk().order(callback, order)
        after = await store.read(callback)
        note_change(f"callback/{callback}", _stands(before), after and _stands(after))
        return answer

    async def delete_list(self, list_key: str, *, now: datetime) -> int:
        """Delete a list with everything on it; how many callbacks on it were open.

        Their workflows are told first: should this end halfway, rows without a workflow are woken
        again, and repeating it deletes them. Needs a desk.
        """
        desk = self._desk()
        lists = CallbackLists(self.database)
        on = await lists.find(list_key, now=now)
        await desk.list_deleted(await lists.awake(on.list_id, before=now + AWAKE_AHEAD))
        gone = await lists.delete(on.list_id)
        note_change(f"callback-list/{on.list_id}", on, None)
        near = {found for found, opens_at in gone if opens_at < now + AWAKE_AHEAD}
        await desk.list_deleted(sorted(near))  # those that an order woke in between
        return len(gone)

    def _desk(self) -> CallbackDesk:
        if self.desk is None:
            raise TemporalUnreachable("callbacks can't be told", hint="run `offhook doctor`")
        return self.desk


def _stands(promise: Promise) -> dict[str, object]:
    """How a promise stands, without whom it was made to."""
    request = promise.request
    return {
        "phase": promise.phase,
        "holder": promise.holder,
        "ticket_id": promise.ticket_id,
        "tries": promise.tries,
        "due_on": request.due_on,
        "period": request.period.name,
        "owner": request.owner,
    }


def booking_of(on: CallbackListView, new: NewCallback, now: datetime) -> Booking:
    """The promise that a list makes of what somebody says; raises an `OffhookError`."""
    numbers = [resolve(raw, new.region) for raw in new.numbers]
    zone = new.zone or next((z for n in numbers for z in n.zones), DEFAULT_ZONE)
    today = now.astimezone(ZoneInfo(zone)).date()
    due_on, period = new.due_on or today, on.period(new.period)
    if new.not_before is not None:
        due_on, period = first_after(new.not_before, period, zone)
    if due_on < today:
        raise CallbackInThePast(due_on, zone)
    request = CallbackRequest(
        callback_id=CallbackId(f"cb-{secrets.token_hex(8)}"),
        list_id=on.list_id,
        numbers=tuple(str(n.number) for n in numbers),
        first_name=new.first_name,
        last_name=new.last_name,
        company=new.company,
        description=new.description,
        due_on=due_on,
        period=period,
        zone=zone,
        owner=new.owner,
        campaign_id=new.campaign_id or (CampaignId(on.campaign_id) if on.campaign_id else None),
        switch_id=SwitchId(on.switch_id) if on.switch_id else None,
        queue=new.queue or on.queue,
    )
    return Booking(request=request, source=new.source, source_key=new.source_key)
