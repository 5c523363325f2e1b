"""Lists of a campaign as people see them, and every way to change how they are dialed.

Whoever dials is told of a change by an event, so that a contact who may be dialed at once isn't
noticed only when the next retry falls due.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import asyncpg
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from activities.ports import campaign_channel
from dialer.events import ContactsAdded
from dialer.lists import ListOrder
from dialer.lists.filter_text import parse_filter
from dialer.model import CampaignId
from offhook.change_notes import note_change
from offhook.errors import OffhookError
from offhook.storage import list_sql
from offhook.storage.errors import NotFound
from offhook.storage.filter_sql import Parameters, condition
from offhook.storage.inbox import post_on
from offhook.storage.pool import Pool, PoolOrConnection, store_errors
from offhook.storage.sifting import ORDER_LIMIT, leave_out, release


class ListNotFound(NotFound):
    """There is no such list in the campaign."""

    code = "list_not_found"
    noun = "list"
    listed_by = "`offhook list show CAMPAIGN` names them all"


class ListExists(OffhookError):
    """The campaign has a list of that name."""

    code = "list_exists"

    def __init__(self, name: str, campaign: str) -> None:
        super().__init__(
            f"campaign {campaign} has a list {name}",
            hint=f"import into it: `offhook list import {campaign} {name} FILE`",
        )


class QuotaNotFound(NotFound):
    """There is no such quota in the campaign."""

    code = "quota_not_found"
    noun = "quota"
    listed_by = "`offhook campaign quotas CAMPAIGN` names them all"


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class ListRow(_View):
    """A list: how it is dialed, and how its contacts stand."""

    list_id: int
    name: str
    active: bool
    weight: int
    priority: int
    order: ListOrder
    attribute: str
    filter: str
    contacts: int
    ready: int
    """In the queue, or not looked at yet."""
    later: int
    """Not due, or outside their hours, when last looked at."""
    filtered: int
    """Kept out by the filter when last looked at."""
    over_quota: int
    in_progress: int
    finished: int
    reset_at: AwareDatetime | None


class ListChange(_View):
    """What is to be changed of how a list is dialed; None leaves it as it is."""

    weight: Annotated[int, Field(ge=1, le=1_000)] | None = None
    priority: Annotated[int, Field(ge=-100, le=100)] | None = None
    order: ListOrder | None = None
    attribute: str | None = None
    filter: str | None = None
    active: bool | None = None


class QuotaRow(_View):
    """How many of a kind are enough."""

    name: str
    disposition: str
    most: int
    filter: str
    reached: int
    full: bool


@dataclass(frozen=True)
class ListStore:
    """Every method is one transaction; a database that is away raises `StoreUnavailable`."""

    pool: Pool

    async def create(self, campaign: CampaignId, name: str, *, now: datetime) -> ListRow:
        """Make an empty list."""
        with store_errors():
            made = await self.pool.fetchval(list_sql.CREATE, campaign, name, now)
        if made is None:
            raise ListExists(name, campaign)
        row = await self.find(campaign, name)
        note_change(f"list/{campaign}/{name}", None, row)
        return row

    async def all(self, campaign: CampaignId) -> list[ListRow]:
        """The lists of a campaign, in the order in which they were made."""
        with store_errors():
            return [_row(row) for row in await self.pool.fetch(list_sql.LISTS, campaign, None)]

    async def find(self, campaign: CampaignId, name: str) -> ListRow:
        """The list of this name."""
        with store_errors():
            row = await self.pool.fetchrow(list_sql.LISTS, campaign, name)
        if row is None:
            raise ListNotFound(name)
        return _row(row)

    async def change(
        self, campaign: CampaignId, name: str, change: ListChange, *, now: datetime
    ) -> ListRow:
        """Change how a list is dialed; a filter that can't be understood is refused first."""
        if change.filter is not None:
            parse_filter(change.filter)
        known = await self.find(campaign, name)
        asked = change.model_dump(exclude_none=True)
        after = known.model_copy(update=asked)
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    list_sql.CONFIGURE,
                    known.list_id,
                    after.weight,
                    after.priority,
                    after.order,
                    after.attribute,
                    after.filter,
                    after.active,
                )
                if (after.order, after.attribute) != (known.order, known.attribute):
                    await _sort(connection, after)
                if after.filter != known.filter:
                    await release(connection, known.list_id, after.filter)
                await _tell(connection, campaign, now)
            if after.filter != known.filter:
                await leave_out(self.pool, known.list_id, after.filter)
        found = await self.find(campaign, name)
        note_change(f"list/{campaign}/{name}", known, found)
        return found

    async def reset(
        self, campaign: CampaignId, name: str, *, everybody: bool, now: datetime
    ) -> int:
        """Make contacts ready again as if they had never been called; how many.

        Those who were spoken to only with `everybody`, those who were removed never.
        """
        known = await self.find(campaign, name)
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                count: int = await connection.fetchval(
                    list_sql.RESET, known.list_id, now, everybody, timeout=ORDER_LIMIT
                )
                await connection.execute(list_sql.NOTE_RESET, known.list_id, now)
                await _tell(connection, campaign, now)
        after = {"reset_at": now.isoformat(), "made_ready": count}
        note_change(f"list/{campaign}/{name}", {"reset_at": known.reset_at}, after)
        return count

    async def own(self, campaign: CampaignId, name: str, *, attribute: str, now: datetime) -> int:
        """Give contacts to the agents that an attribute names by id, extension or name."""
        known = await self.find(campaign, name)
        with store_errors():
            owned: int = await self.pool.fetchval(
                list_sql.OWN, known.list_id, attribute, campaign, timeout=ORDER_LIMIT
            )
        return owned

    async def fitting(self, campaign: CampaignId, name: str, text: str) -> int:
        """How many contacts of a list fit a filter."""
        known = await self.find(campaign, name)
        parameters = Parameters(known.list_id)
        fits = condition(parse_filter(text), parameters)
        with store_errors():
            count: int = await self.pool.fetchval(
                list_sql.FITTING.format(fits=fits), *parameters.values, timeout=ORDER_LIMIT
            )
        return count

    async def quotas(self, campaign: CampaignId) -> list[QuotaRow]:
        """The quotas of a campaign, with how far each is."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(list_sql.QUOTAS, campaign)
                return [await _quota(connection, campaign, row) for row in rows]

    async def set_quota(
        self,
        campaign: CampaignId,
        name: str,
        *,
        disposition: str,
        most: int,
        filter_text: str,
        now: datetime,
    ) -> None:
        """Make a quota, or change it; contacts it kept out are looked at anew."""
        parse_filter(filter_text)
        after = {"disposition": disposition, "most": most, "filter": filter_text}
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                before = await _quota_known(connection, campaign, name)
                await connection.execute(
                    list_sql.SET_QUOTA, campaign, name, disposition, most, filter_text
                )
                await connection.execute(list_sql.FREE_QUOTA, campaign, name)
                await _tell(connection, campaign, now)
        note_change(f"quota/{campaign}/{name}", before, after)

    async def remove_quota(self, campaign: CampaignId, name: str, *, now: datetime) -> None:
        """Take a quota away; contacts it kept out are dialed again."""
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                before = await _quota_known(connection, campaign, name)
                if not await connection.fetchval(list_sql.REMOVE_QUOTA, campaign, name):
                    raise QuotaNotFound(name)
                await connection.execute(list_sql.FREE_QUOTA, campaign, name)
                await _tell(connection, campaign, now)
        note_change(f"quota/{campaign}/{name}", before, None)


async def _sort(connection: PoolOrConnection, wanted: ListRow) -> None:
    """Give each contact of a list its place in the list's order."""
    ranks: Mapping[ListOrder, str] = {
        ListOrder.due: "0",
        ListOrder.newest: "-c.id",
        ListOrder.random: list_sql.HASH,
        ListOrder.attribute: list_sql.VALUE,
    }
    statement = list_sql.SORT.format(rank=ranks[wanted.order])
    await connection.execute(statement, wanted.list_id, wanted.attribute, timeout=ORDER_LIMIT)


async def _quota_known(
    connection: PoolOrConnection, campaign: CampaignId, name: str
) -> dict[str, Any] | None:
    rows = await connection.fetch(list_sql.QUOTAS, campaign)
    named = ({**row} for row in rows if row["name"] == name)
    return next(({key: row[key] for key in row if key != "name"} for row in named), None)


async def _quota(
    connection: PoolOrConnection, campaign: CampaignId, row: asyncpg.Record
) -> QuotaRow:
    parameters = Parameters(campaign, row["disposition"])
    fits = condition(parse_filter(row["filter"]), parameters)
    reached = await connection.fetchval(list_sql.REACHED.format(fits=fits), *parameters.values)
    return QuotaRow(
        name=row["name"],
        disposition=row["disposition"],
        most=row["most"],
        filter=row["filter"],
        reached=reached,
        full=reached >= row["most"],
    )


async def _tell(connection: Any, campaign: CampaignId, now: datetime) -> None:
    key = f"lists {now.isoformat()} {secrets.token_hex(4)}"
    await post_on(
        connection, campaign_channel(campaign), ContactsAdded(recall=True), key=key, now=now
    )


def _row(row: asyncpg.Record) -> ListRow:
    return ListRow(**dict(row))
