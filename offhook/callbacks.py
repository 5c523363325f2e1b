"""Booking a callback, wherever it comes from: a command, the API, an IVR, an agent, a file."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from dialer.callbacks import CallbackId, CallbackRequest
from dialer.model import AgentId, CampaignId, SwitchId
from dialer.numbers import resolve
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

    async def delete_list(self, list_key: str, *, now: datetime) -> int:
        """Delete a list with everything on it; how many callbacks on it were open.

        Their workflows are told first: should this end halfway, rows without a workflow are woken
        again, and repeating it deletes them. Needs a desk.
        """
        if self.desk is None:
            raise TemporalUnreachable(
                "the callbacks of the list can't be told", hint="run `offhook doctor`"
            )
        lists = CallbackLists(self.database)
        on = await lists.find(list_key, now=now)
        await self.desk.list_deleted(await lists.awake(on.list_id, before=now + AWAKE_AHEAD))
        gone = await lists.delete(on.list_id)
        near = {found for found, opens_at in gone if opens_at < now + AWAKE_AHEAD}
        await self.desk.list_deleted(sorted(near))  # those that an order woke in between
        return len(gone)


def booking_of(on: CallbackListView, new: NewCallback, now: datetime) -> Booking:
    """The promise that a list makes of what somebody says; raises an `OffhookError`."""
    numbers = [resolve(raw, new.region) for raw in new.numbers]
    zone = new.zone or next((z for n in numbers for z in n.zones), DEFAULT_ZONE)
    today = now.astimezone(ZoneInfo(zone)).date()
    due_on = new.due_on or today
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
        period=on.period(new.period),
        zone=zone,
        owner=new.owner,
        campaign_id=new.campaign_id or (CampaignId(on.campaign_id) if on.campaign_id else None),
        switch_id=SwitchId(on.switch_id) if on.switch_id else None,
        queue=new.queue or on.queue,
    )
    return Booking(request=request, source=new.source, source_key=new.source_key)
