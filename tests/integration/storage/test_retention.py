"""What is kept long enough is packed, then removed; what a live campaign needs stays."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from activities.contracts import Pruned
from activities.ports import JournalEntry
from dialer.model import CampaignId
from offhook.storage import retention as retention_module
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.inbox import PostgresInbox, RawItem
from offhook.storage.journal import Journals
from offhook.storage.pool import Pool
from offhook.storage.retention import Keep, Retention
from tests.integration.storage.steps import take, write
from tests.support.builders import NOW, Rows, at

NOTHING = Keep(journal=None, unpacked=None, inbox=None, import_refusals=None)
DAY = timedelta(days=1)
LATER = NOW + 100 * DAY


def keep(**kept: timedelta) -> Keep:
    """Everything for ever but what is named."""
    return Keep(**{name: kept.get(name) for name in NOTHING.__slots__})


@dataclass(frozen=True)
class Pruner:
    """Prunes by whatever a test says is kept."""

    pool: Pool

    async def prune(self, keep: Keep, *, now: datetime, dry_run: bool = False) -> Pruned:
        return await Retention(self.pool, keep).prune(now=now, dry_run=dry_run)


@pytest.fixture
def retention(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Pruner:
    monkeypatch.setattr(retention_module, "PACK", 10)
    monkeypatch.setattr(retention_module, "BATCH", 7)
    return Pruner(pool)


@pytest.fixture
def journals(pool: Pool) -> Journals:
    return Journals(pool)


def entries(count: int) -> list[JournalEntry]:
    return [
        JournalEntry(
            seq=seq,
            at=at(seq) + timedelta(microseconds=seq),
            event='{"kind":"tick","città":"…"}'.encode(),
            commands=b"[]" if seq % 2 else b'[{"kind":"take_snapshot"}]',
            inbox_id=seq if seq % 3 else None,
        )
        for seq in range(1, count + 1)
    ]


async def journal(
    store: PostgresDialStore, rows: Rows, pool: Pool, *, count: int, ended: bool
) -> CampaignId:
    """A campaign with a journal of one epoch."""
    campaign = await rows.campaign()
    lease = await take(store, campaign)
    await store.apply(lease, entries=entries(count), records=[], cursors=[], now=NOW)
    if ended:
        await pool.execute("UPDATE campaigns SET phase = 'completed', ended_at = $1", NOW)
    return campaign


async def test_packed_journal_is_read_back_byte_for_byte(
    store: PostgresDialStore, rows: Rows, pool: Pool, retention: Pruner, journals: Journals
) -> None:
    campaign = await journal(store, rows, pool, count=25, ended=True)
    before = await journals.epochs(campaign)
    pruned = await retention.prune(keep(unpacked=DAY), now=LATER)
    assert pruned == Pruned(journal_packed=25)
    assert await pool.fetchval("SELECT count(*) FROM journal") == 0
    assert await pool.fetchval("SELECT count(*) FROM journal_packs") == 3
    assert [entry async for entry in journals.entries(campaign, epoch=1)] == entries(25)
    assert await journals.epochs(campaign) == before
    assert await retention.prune(keep(unpacked=DAY), now=LATER) == Pruned()


async def test_journal_that_was_packed_in_part_reads_on_in_its_rows(
    store: PostgresDialStore, rows: Rows, pool: Pool, retention: Pruner, journals: Journals
) -> None:
    campaign = await journal(store, rows, pool, count=25, ended=True)
    await Retention(pool, NOTHING)._pack_some([campaign, 0, 1])
    assert [entry async for entry in journals.entries(campaign, epoch=1)] == entries(25)


async def test_journal_packed_while_it_is_read_is_read_whole(
    store: PostgresDialStore, rows: Rows, pool: Pool, retention: Pruner, journals: Journals
) -> None:
    campaign = await journal(store, rows, pool, count=1_025, ended=True)
    seen = []
    async for entry in journals.entries(campaign, epoch=1):
        seen.append(entry.seq)
        if entry.seq == 995:
            await retention.prune(keep(unpacked=DAY), now=LATER)
    assert seen == list(range(1, 1_026))
    assert all(after > before for before, after in pairwise(seen))


async def test_journal_to_which_somebody_may_add_is_left_alone(
    store: PostgresDialStore, rows: Rows, pool: Pool, retention: Pruner
) -> None:
    await journal(store, rows, pool, count=3, ended=False)
    assert await retention.prune(keep(unpacked=DAY, journal=DAY), now=LATER) == Pruned()


async def test_epoch_that_was_taken_over_is_packed_while_its_campaign_goes_on(
    store: PostgresDialStore, rows: Rows, pool: Pool, retention: Pruner, journals: Journals
) -> None:
    campaign = await journal(store, rows, pool, count=3, ended=False)
    await write(store, await take(store, campaign))
    assert await retention.prune(keep(unpacked=DAY), now=LATER) == Pruned(journal_packed=3)
    assert [(one.epoch, one.entries) for one in await journals.epochs(campaign)] == [(1, 3), (2, 1)]


@pytest.mark.parametrize("packed", [True, False])
async def test_old_journal_of_an_ended_campaign_is_removed(
    store: PostgresDialStore,
    rows: Rows,
    pool: Pool,
    retention: Pruner,
    journals: Journals,
    packed: bool,
) -> None:
    campaign = await journal(store, rows, pool, count=25, ended=True)
    if packed:
        await retention.prune(keep(unpacked=DAY), now=LATER)
    assert await retention.prune(keep(journal=200 * DAY), now=LATER) == Pruned()
    assert await retention.prune(keep(journal=DAY), now=LATER) == Pruned(journal_removed=25)
    assert await journals.epochs(campaign) == []


async def test_dry_run_counts_the_same_and_changes_nothing(
    store: PostgresDialStore,
    rows: Rows,
    pool: Pool,
    retention: Pruner,
    inbox: PostgresInbox,
    journals: Journals,
) -> None:
    campaign = await journal(store, rows, pool, count=25, ended=True)
    events = [RawItem(key=str(key), payload={}, received_at=NOW) for key in range(9)]
    await inbox.append_raw("switch:pbx", events)
    for wanted in (keep(unpacked=DAY, inbox=DAY), keep(unpacked=DAY, journal=DAY)):
        counted = await retention.prune(wanted, now=LATER, dry_run=True)
        assert (await journals.epochs(campaign))[0].entries == 25
        assert (await pool.fetchval("SELECT count(*) FROM journal_packs")) == 0
        told = counted.model_dump(exclude={"dry_run"})
        if wanted.journal is None:
            assert told == Pruned(journal_packed=25, inbox_removed=9).model_dump(
                exclude={"dry_run"}
            )
    done = await retention.prune(keep(unpacked=DAY, journal=DAY), now=LATER)
    assert done == counted.model_copy(update={"dry_run": False})


async def test_inbox_keeps_what_a_running_campaign_has_not_read(
    store: PostgresDialStore, rows: Rows, retention: Pruner, inbox: PostgresInbox, pool: Pool
) -> None:
    lease = await take(store, await rows.campaign())
    events = [RawItem(key=key, payload={}, received_at=NOW) for key in ("read", "unread")]
    await inbox.append_raw("switch:pbx", events)
    first, _ = await inbox.read([("switch:pbx", 0)], limit=5)
    await write(store, lease, cursors=[("switch:pbx", first.inbox_id)])
    assert await retention.prune(keep(inbox=DAY), now=LATER) == Pruned(inbox_removed=1)
    assert len(await inbox.read([("switch:pbx", 0)], limit=5)) == 1
    await pool.execute("UPDATE campaigns SET ended_at = $1", NOW)
    assert await retention.prune(keep(inbox=DAY), now=LATER) == Pruned(inbox_removed=1)


async def test_refused_rows_of_old_imports_are_removed(
    rows: Rows, retention: Pruner, pool: Pool
) -> None:
    await rows.campaign()
    for name, ended in (("old", NOW), ("new", LATER), ("running", None)):
        await pool.execute(
            "INSERT INTO imports (id, list_id, campaign_id, started_at, ended_at)"
            " SELECT $1, id, campaign_id, $2, $3 FROM lists",
            name,
            NOW,
            ended,
        )
        await pool.execute(
            "INSERT INTO import_refusals (import_id, line, code, raw)"
            " SELECT $1, n, 'no_number', '{secret}' FROM generate_series(1, 20) AS n",
            name,
        )
    pruned = await retention.prune(keep(import_refusals=DAY), now=LATER)
    assert pruned == Pruned(import_refusals_removed=20)
    left = await pool.fetch("SELECT DISTINCT import_id FROM import_refusals ORDER BY 1")
    assert [row["import_id"] for row in left] == ["new", "running"]
