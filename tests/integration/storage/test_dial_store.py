"""The dial store on a real PostgreSQL: leases, fencing, and what a take-over finds."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from activities.ports import LeaseLost
from dialer.agent import AgentState
from dialer.call import CallState
from dialer.commands import (
    SaveAgent,
    SaveAttempt,
)
from dialer.events import DrainRequested
from dialer.model import AttemptId, CallRef, CampaignId
from dialer.outcomes import Outcome
from dialer.rejections import CampaignUnknown
from offhook.storage.dial_store import AGENT_LEASE, PostgresDialStore
from offhook.storage.inbox import PostgresInbox
from offhook.storage.pool import Pool
from tests.integration.storage.steps import (
    ALICE,
    CAPABILITIES,
    claim,
    closing,
    opening,
    started,
    take,
    write,
)
from tests.support.builders import NOW, TRUNK, Rows, at


async def state_of(pool: Pool, contact: str) -> str:
    state: str = await pool.fetchval("SELECT state FROM contacts WHERE id = $1", int(contact))
    return state


async def test_take_over_raises_the_epoch_and_keeps_the_cursors(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign()
    first = await take(store, campaign)
    await write(store, first, cursors=[("campaign:c1", 7)])
    await write(store, first, seq=2, cursors=[("switch:pbx", 9)])
    second = await take(store, campaign)
    assert (first.epoch, second.epoch) == (1, 2)
    assert dict(second.cursors) == {"campaign:c1": 7, "switch:pbx": 9}


async def test_first_lease_starts_behind_events_from_before_the_campaign(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    old = await pool.fetchval(
        "INSERT INTO inbox (channel, dedup_key, payload, received_at)"
        " VALUES ('switch:pbx', 'k', '{}', now()) RETURNING id"
    )
    lease = await take(store, campaign)
    assert dict(lease.cursors) == {"campaign:c1": 0, "switch:pbx": old}


async def test_lease_of_an_unknown_campaign_is_refused(store: PostgresDialStore) -> None:
    with pytest.raises(CampaignUnknown, match="nowhere"):
        await take(store, CampaignId("nowhere"))


async def test_fenced_off_holder_writes_nothing(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 1)
    old = await take(store, campaign)
    [contact] = await claim(store, old)
    await take(store, campaign)
    with pytest.raises(LeaseLost):
        await write(store, old, opening(contact))
    assert await pool.fetchval("SELECT count(*) FROM attempts") == 0
    assert await pool.fetchval("SELECT count(*) FROM journal") == 0
    assert await state_of(pool, contact.contact_id) == "ready"


async def test_fenced_off_holder_claims_reads_and_releases_nothing(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 1)
    old = await take(store, campaign)
    new = await take(store, campaign)
    with pytest.raises(LeaseLost):
        await claim(store, old)
    with pytest.raises(LeaseLost):
        await started(store, old)
    with pytest.raises(LeaseLost):
        await store.release_lease(old, now=NOW)
    assert len(await claim(store, new)) == 1


async def test_claim_that_waited_for_a_take_over_gets_nothing(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    [contact] = await rows.contacts(campaign, 1)
    old = await take(store, campaign)
    async with pool.acquire() as other:
        taking_over = other.transaction()
        await taking_over.start()
        await other.execute("SELECT 1 FROM leases FOR UPDATE")
        claiming = asyncio.create_task(claim(store, old))
        while not await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 - only the database knows
            await asyncio.sleep(0)
        await other.execute("UPDATE leases SET epoch = epoch + 1")
        await taking_over.commit()
    with pytest.raises(LeaseLost):
        await claiming
    assert await state_of(pool, contact) == "ready"


async def test_simultaneous_take_overs_get_different_epochs(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign()
    leases = await asyncio.gather(*(take(store, campaign) for _ in range(8)))
    assert sorted(lease.epoch for lease in leases) == list(range(1, 9))


async def test_take_over_gives_claimed_contacts_back_but_not_those_being_dialed(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 2)
    lease = await take(store, campaign)
    dialed, idle = await claim(store, lease)
    await write(store, lease, opening(dialed))
    await take(store, campaign)
    assert await state_of(pool, dialed.contact_id) == "dialing"
    assert await state_of(pool, idle.contact_id) == "ready"


async def test_take_over_finds_open_attempts_parks_and_tallies(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign(agents=await rows.agents("alice", "bob"))
    await rows.contacts(campaign, 3)
    lease = await take(store, campaign)
    await started(store, lease)
    lost, sold, open_one = await claim(store, lease)
    park = CallRef(call_id="900", leg="1")
    await write(
        store,
        lease,
        opening(lost, AttemptId("c1-1-1")),
        opening(sold, AttemptId("c1-1-2")),
        opening(open_one, AttemptId("c1-1-3")),
        SaveAgent(agent_id=ALICE, state=AgentState.ringing, at=NOW, correlator="c1-1-p1"),
    )
    await write(
        store,
        lease,
        SaveAgent(
            agent_id=ALICE, state=AgentState.parked, at=at(2), correlator="c1-1-p1", call=park
        ),
        SaveAttempt(
            attempt_id=AttemptId("c1-1-2"), state=CallState.talking, at=at(9), answered_at=at(8)
        ),
        SaveAttempt(
            attempt_id=AttemptId("c1-1-1"), state=CallState.held, at=at(9), answered_at=at(5)
        ),
        closing(lost, Outcome.abandoned, AttemptId("c1-1-1")),
        closing(sold, Outcome.answered, AttemptId("c1-1-2")),
        SaveAttempt(
            attempt_id=AttemptId("c1-1-3"),
            state=CallState.joining,
            at=at(9),
            answered_at=at(8),
            accepted_at=at(1),
            agent_id=ALICE,
            call=CallRef(call_id="5"),
        ),
        SaveAgent(
            agent_id=ALICE, state=AgentState.reserved, at=at(9), correlator="c1-1-3", call=park
        ),
        seq=2,
    )
    told = await started(store, await take(store, campaign))
    assert [agent.agent_id for agent in told.agents] == ["alice", "bob"]
    assert [trunk.trunk_id for trunk in told.trunks] == [TRUNK]
    [attempt] = told.attempts
    assert attempt.contact == replace(open_one, turn=0)
    assert (attempt.attempt_id, attempt.state, attempt.accepted) == ("c1-1-3", "joining", True)
    assert (attempt.agent_id, attempt.call) == (ALICE, CallRef(call_id="5"))
    [left] = told.parks
    assert (left.agent_id, left.correlator, left.call) == (ALICE, "c1-1-p1", park)
    assert (told.tally.placed, told.tally.answered, told.tally.abandoned) == (3, 2, 1)
    assert (told.tally.ring_seconds, told.tally.talk_seconds, told.tally.joined) == (13, 20, 1)
    assert told.tally.contacts_left == 2, "the one who was lost, and the one on the line"
    assert told.tally.hours == ((NOW.replace(minute=0, second=0, microsecond=0), 2, 1),)


async def test_agent_works_for_one_campaign_until_it_lets_go(
    store: PostgresDialStore, rows: Rows
) -> None:
    agents = await rows.agents("alice")
    first = await take(store, await rows.campaign("c1", agents=agents))
    second = await take(store, await rows.campaign("c2", agents=agents))
    assert len((await started(store, first)).agents) == 1
    assert (await started(store, second)).agents == ()
    await store.release_lease(first, now=NOW)
    assert len((await started(store, second)).agents) == 1


async def test_silent_campaign_loses_its_lease_before_its_agents(
    store: PostgresDialStore, rows: Rows
) -> None:
    agents = await rows.agents("alice")
    silent = await take(store, await rows.campaign("c1", agents=agents))
    await started(store, silent)
    later = NOW + AGENT_LEASE + timedelta(seconds=1)
    eager = await store.take_lease(await rows.campaign("c2", agents=agents), owner="w", now=later)
    assert len((await store.load_started(eager, CAPABILITIES, later)).agents) == 1
    with pytest.raises(LeaseLost):
        await write(store, silent)


async def test_released_lease_gives_contacts_back_and_may_be_released_again(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    [contact] = await rows.contacts(campaign, 1)
    lease = await take(store, campaign)
    await claim(store, lease)
    for _ in range(2):
        await store.release_lease(lease, now=NOW)
    assert await state_of(pool, contact) == "ready"


async def test_renewal_without_entries_moves_the_lease_on(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    lease = await take(store, await rows.campaign())
    await store.apply(lease, entries=[], records=[], cursors=[("switch:pbx", 4)], now=at(60))
    row = await pool.fetchrow("SELECT renewed_at, cursors ->> 'switch:pbx' FROM leases")
    assert tuple(row) == (at(60), "4")


async def test_engine_that_takes_over_a_paused_campaign_is_told_so(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    lease = await take(store, await rows.campaign())
    assert not (await started(store, lease)).paused
    await pool.execute("UPDATE campaigns SET phase = 'paused'")
    assert (await started(store, lease)).paused


async def test_order_to_drain_is_given_again_to_who_takes_over(
    store: PostgresDialStore, rows: Rows, pool: Pool, inbox: PostgresInbox
) -> None:
    campaign = await rows.campaign()
    lease = await take(store, campaign)
    await pool.execute("UPDATE campaigns SET phase = 'draining', phase_reason = 'stopped'")
    await write(store, lease, cursors=[("campaign:c1", 10**6)])
    await pool.execute("ALTER TABLE inbox ALTER COLUMN id RESTART WITH 2000000")
    lease = await take(store, campaign)
    items = await inbox.read(lease.cursors, limit=10)
    assert [item.event for item in items] == [DrainRequested(reason="stopped")]
