"""The system of record, as the dial loop uses it, on PostgreSQL.

Everything hangs on one row, the campaign's lease. A step writes only together with an update of
that row which names its epoch; a take-over locks the row, raises the epoch and commits, after which
no statement of the old holder can write a thing (ADR 2).
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import orjson

from activities.ports import (
    JournalEntry,
    Lease,
    LeaseLost,
    Shares,
    StoreUnavailable,
    campaign_channel,
    switch_channel,
)
from dialer.commands import RecordCommand
from dialer.events import CallForbidden, DrainRequested, Started
from dialer.lists import Turns
from dialer.model import CampaignId, CampaignPhase, CampaignSettings, Dialable
from dialer.rejections import CampaignUnknown
from dialer.sharing import Demand
from dialer.switching import Capabilities
from dialer.version import DECISIONS
from offhook.storage import (
    claim_sql,
    compliance_reads,
    compliance_sql,
    dial_reads,
    dial_sql,
    sharing,
    sharing_sql,
    step_sql,
)
from offhook.storage.claiming import Claimed, claim
from offhook.storage.inbox import post_on
from offhook.storage.pool import Connection, Pool, store_errors
from offhook.storage.step import fold

AGENT_LEASE = timedelta(minutes=2)
"""A dial loop that wrote nothing for so long may be fenced off by one that wants its agents."""


class PostgresDialStore:
    """Implements `activities.ports.DialStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._unanswered: dict[tuple[CampaignId, int, int], list[int]] = {}
        self._mixes: dict[tuple[CampaignId, int], Turns] = {}

    async def take_lease(
        self, campaign: CampaignId, *, owner: str, now: datetime, shard: int = 0
    ) -> Lease:
        """Take over the campaign: a higher epoch, contacts claimed but not dialed given back.

        An order to drain that the previous holder had heard already is given again: nobody else
        would tell the new one.
        """
        with store_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                known = await connection.fetchrow(dial_sql.CAMPAIGN, campaign)
                if known is None:
                    raise CampaignUnknown(campaign)
                switch = known["switch_id"]
                await connection.execute(dial_sql.LOCK_LEASE, campaign, shard)
                row = await connection.fetchrow(
                    dial_sql.TAKE_LEASE,
                    campaign,
                    shard,
                    owner,
                    now,
                    switch_channel(switch),
                    campaign_channel(campaign),
                )
                await connection.execute(dial_sql.GIVE_BACK, campaign, shard)
                await connection.execute(claim_sql.FORGET_PREVIEWS, campaign)
                if known["phase"] == CampaignPhase.draining:
                    order = DrainRequested(reason=known["phase_reason"])
                    key = f"take-over-{shard}-{row['epoch']}"
                    await post_on(connection, campaign_channel(campaign), order, key=key, now=now)
        return Lease(
            campaign_id=campaign,
            switch_id=switch,
            shard=shard,
            epoch=row["epoch"],
            owner=owner,
            cursors=tuple(orjson.loads(row["cursors"]).items()),
        )

    async def load_started(
        self, lease: Lease, capabilities: Capabilities, now: datetime
    ) -> Started:
        """Everything a new engine must know; takes the campaign's agents that nobody else has."""
        key = (lease.campaign_id, lease.shard)
        with store_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(sharing_sql.LOCK, lease.switch_id)
                if not await connection.fetchval(dial_sql.HOLD, *key, lease.epoch):
                    raise LeaseLost(lease.campaign_id)
                cutoff = now - AGENT_LEASE
                await connection.execute(dial_sql.FENCE_SILENT, *key, cutoff)
                await connection.execute(dial_sql.LEASE_AGENTS, *key, lease.epoch, now, cutoff)
                await connection.execute(dial_sql.DROP_AGENTS, *key)
                known = await connection.fetchrow(dial_sql.SETTINGS, lease.campaign_id)
                settings = CampaignSettings.model_validate_json(known["settings"])
                return Started(
                    campaign_id=lease.campaign_id,
                    epoch=lease.epoch,
                    settings=settings,
                    capabilities=capabilities,
                    agents=await dial_reads.agents(connection, lease),
                    trunks=await sharing.first_share(connection, lease, settings.trunks, now),
                    attempts=await dial_reads.open_attempts(connection, lease),
                    parks=await dial_reads.open_parks(connection, lease),
                    talks=await dial_reads.past_talks(connection, lease, now),
                    tally=await dial_reads.tally(connection, lease, now),
                    paused=known["phase"] == CampaignPhase.paused,
                    decisions=DECISIONS,
                )

    async def apply(
        self,
        lease: Lease,
        *,
        entries: Sequence[JournalEntry],
        records: Sequence[RecordCommand],
        cursors: Sequence[tuple[str, int]],
        now: datetime,
    ) -> tuple[CallForbidden, ...]:
        """Write one step atomically, or raise `LeaseLost` and write nothing. Calls that the law
        forbids by what is on record now are not opened, and told.

        A step whose last journal number is already written was committed before its reply got
        lost: nothing is left to do. Without entries only the lease is renewed.
        """
        if records and not entries:
            raise ValueError("records can't be written without the journal entry that caused them")
        step = fold(records)
        statement, arrays = step_sql.composed(step.rows(entries, now))
        last = entries[-1].seq if entries else None
        arguments: list[object] = [lease.campaign_id, lease.shard, lease.epoch]
        arguments += [orjson.dumps(dict(cursors)).decode(), now, last, step.pacing]
        with store_errors():
            told = await self._pool.fetch(statement, *arguments, *arrays)
            if not told:
                if not await self._wrote_before(lease, last):
                    raise LeaseLost(lease.campaign_id)
                if step.opened:
                    told = await self._pool.fetch(compliance_sql.FORBIDDEN, step.opened)
        return compliance_reads.forbidden(told) if step.opened else ()

    async def _wrote_before(self, lease: Lease, last: int | None) -> bool:
        held = await self._pool.fetchrow(dial_sql.LEASE, lease.campaign_id, lease.shard)
        return (
            held is not None
            and held["epoch"] == lease.epoch
            and last is not None
            and held["seq"] >= last
        )

    async def claim_contacts(
        self, lease: Lease, *, limit: int, now: datetime
    ) -> tuple[tuple[Dialable, ...], bool, datetime | None]:
        """Claim due contacts from the campaign's lists, as their order, weights and filters say.

        A claim that was committed before its reply got lost is answered by the next call, so that
        its contacts aren't stuck until the next take-over.
        """
        key = (lease.campaign_id, lease.shard, lease.epoch)
        earlier = self._unanswered.pop(key, [])
        token = secrets.randbits(62)
        try:
            with store_errors():
                async with self._pool.acquire() as connection, connection.transaction():
                    done = await self._claim(connection, lease, earlier, limit, now, token)
                    contacts = await self._dialable(connection, lease, done, now)
        except (StoreUnavailable, asyncio.CancelledError):
            self._unanswered[key] = [*earlier, token]
            raise
        # Who was claimed and can't be dialed makes room for others, who may be there already.
        short = len(contacts) < limit and not done.exhausted
        return contacts, done.exhausted, done.next_due_at or (now if short else None)

    async def _claim(
        self,
        connection: Connection,
        lease: Lease,
        earlier: Sequence[int],
        limit: int,
        now: datetime,
        token: int,
    ) -> Claimed:
        if earlier:
            rows = await connection.fetch(dial_sql.CLAIMED, lease.campaign_id, earlier)
            if rows:
                return Claimed([row["id"] for row in rows], exhausted=False, next_due_at=now)
        mix = self._mixes.setdefault((lease.campaign_id, lease.shard), Turns())
        return await claim(connection, lease, limit=limit, now=now, token=token, mix=mix)

    async def _dialable(
        self, connection: Connection, lease: Lease, done: Claimed, now: datetime
    ) -> tuple[Dialable, ...]:
        """The claimed contacts with the numbers that may be dialed; who has none is finished."""
        ids = done.ids
        if not ids:
            return ()
        mix = self._mixes.setdefault((lease.campaign_id, lease.shard), Turns())
        taken = {
            (row["contact_id"], row["number"])
            for row in await connection.fetch(claim_sql.TAKEN, ids, lease.campaign_id)
        }
        found: list[Dialable] = []
        hopeless: list[tuple[int, str]] = []
        for contact in dial_reads.dialables(await connection.fetch(dial_sql.CONTACTS, ids)):
            who = int(contact.contact_id)
            numbers = tuple(one for one in contact.numbers if (who, one.number) not in taken)
            if numbers:
                found.append(replace(contact, numbers=numbers, turn=mix.next))
                mix.next += 1
            else:
                hopeless.append((who, "in_other_list" if contact.numbers else "no_number"))
        found = await compliance_reads.with_history(connection, lease.campaign_id, found, now)
        if hopeless:
            await connection.execute(claim_sql.FINISH, *map(list, zip(*hopeless, strict=True)))
        if done.best_first:
            return await dial_reads.scored(connection, found, now)
        return tuple(found)

    async def share(self, lease: Lease, demand: Demand, *, now: datetime) -> Shares:
        """Tell what the campaign uses and wants, renew the lease, and learn what it may use."""
        with store_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                return await sharing.exchange(connection, lease, demand, now=now)

    async def release_lease(self, lease: Lease, *, now: datetime) -> None:
        """Give back the claimed contacts, the agents and the lease; again, it changes nothing."""
        key = (lease.campaign_id, lease.shard)
        with store_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(dial_sql.LOCK_LEASE, *key)
                if not await connection.fetchval(dial_sql.RELEASE, *key, lease.epoch, now):
                    raise LeaseLost(lease.campaign_id)
                await connection.execute(dial_sql.GIVE_BACK, *key)
                await connection.execute(dial_sql.END_ACTIVITY, lease.campaign_id, now, lease.shard)
                await connection.execute(dial_sql.RELEASE_AGENTS, *key)
        self._unanswered.pop((*key, lease.epoch), None)
        self._mixes.pop(key, None)
