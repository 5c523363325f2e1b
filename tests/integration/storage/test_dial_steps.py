"""The dial store on a real PostgreSQL: what steps write, and who is claimed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.commands import (
    NoteOddity,
    NotePacing,
    ReturnContact,
    SaveAgent,
    SaveAttempt,
    SaveDisposition,
)
from dialer.lists.next_number import in_turn
from dialer.model import AttemptId, CallRef
from dialer.outcomes import Outcome
from dialer.retry import RetryRules
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.pool import Pool
from tests.integration.storage.steps import (
    ALICE,
    ATTEMPT,
    claim,
    closing,
    opening,
    started,
    take,
    write,
)
from tests.support.builders import NOW, Rows, at


async def state_of(pool: Pool, contact: str) -> str:
    state: str = await pool.fetchval("SELECT state FROM contacts WHERE id = $1", int(contact))
    return state


async def test_step_applied_again_changes_nothing(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 1)
    lease = await take(store, campaign)
    [contact] = await claim(store, lease)
    for _ in range(2):
        await write(store, lease, opening(contact), closing(contact, Outcome.busy))
    row = await pool.fetchrow("SELECT state, attempts, tried, due_at FROM contacts")
    assert tuple(row) == ("ready", 1, '{"busy": 1}', at(300))
    assert await pool.fetchval("SELECT count(*) FROM journal") == 1


async def test_attempt_moves_through_steps_and_keeps_what_is_not_said_again(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 1)
    lease = await take(store, campaign)
    [contact] = await claim(store, lease)
    saved = SaveAttempt(attempt_id=ATTEMPT, state=CallState.dialing, at=at(1), accepted_at=at(1))
    held = replace(
        saved,
        state=CallState.held,
        accepted_at=None,
        answered_at=at(9),
        call=CallRef(call_id="77", leg="2"),
    )
    talking = replace(held, state=CallState.talking, call=None, joined_at=at(10), agent_id=ALICE)
    await write(store, lease, opening(contact), saved)
    await write(store, lease, held, seq=2)
    await write(store, lease, talking, seq=3)
    said = SaveDisposition(attempt_id=ATTEMPT, agent_id=ALICE, code="sold", at=at(40))
    await write(store, lease, closing(contact, Outcome.answered), said, seq=4)
    row = await pool.fetchrow(
        "SELECT state, accepted_at, answered_at, joined_at, agent_id, outcome, talk, disposition,"
        " call_id, call_leg, epoch FROM attempts"
    )
    assert tuple(row) == (
        "ended",
        at(1),
        at(9),
        at(10),
        "alice",
        "answered",
        timedelta(seconds=20),
        "sold",
        "77",
        "2",
        1,
    )
    assert await state_of(pool, contact.contact_id) == "finished"


async def test_outcome_stays_when_an_attempt_is_closed_again(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 1)
    lease = await take(store, campaign)
    [contact] = await claim(store, lease)
    await write(store, lease, opening(contact), closing(contact, Outcome.busy))
    late = SaveAttempt(attempt_id=ATTEMPT, state=CallState.ringing, at=at(31))
    await write(store, lease, late, closing(contact, Outcome.no_answer), seq=2)
    assert tuple(await pool.fetchrow("SELECT state, outcome FROM attempts")) == ("ended", "busy")


async def test_machines_do_not_count_as_answered(store: PostgresDialStore, rows: Rows) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 1)
    lease = await take(store, campaign)
    [contact] = await claim(store, lease)
    await write(store, lease, opening(contact), closing(contact, Outcome.machine))
    tally = (await started(store, lease)).tally
    assert (tally.placed, tally.answered) == (1, 0)


async def test_park_is_forgotten_once_the_agent_is_idle(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign(agents=await rows.agents("alice"))
    lease = await take(store, campaign)
    await started(store, lease)
    parked = SaveAgent(agent_id=ALICE, state=AgentState.parked, at=NOW, correlator="c1-1-p1")
    await write(store, lease, parked)
    assert len((await started(store, lease)).parks) == 1
    await write(store, lease, replace(parked, state=AgentState.idle, correlator=""), seq=2)
    assert (await started(store, lease)).parks == ()


async def test_time_in_each_state_adds_up_over_steps(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign(agents=await rows.agents("alice"))
    lease = await take(store, campaign)
    await started(store, lease)

    def agent(state: AgentState, second: int) -> SaveAgent:
        return SaveAgent(agent_id=ALICE, state=state, at=at(second))

    await write(store, lease, agent(AgentState.parked, 0), agent(AgentState.reserved, 10))
    await write(
        store,
        lease,
        agent(AgentState.talking, 11),
        agent(AgentState.wrap_up, 41),
        agent(AgentState.idle, 50),
        seq=2,
    )
    await store.release_lease(lease, now=at(55))
    row = await pool.fetchrow(
        "SELECT parked_s, reserved_s, talking_s, wrap_up_s, idle_s, talks FROM agent_activity"
    )
    assert tuple(row) == (10, 1, 30, 9, 5, 1)


async def test_claims_go_by_priority_then_by_who_waits_longest(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign()
    late = await rows.contact(campaign, due_at=at(-1))
    early = await rows.contact(campaign, due_at=at(-9))
    urgent = await rows.contact(campaign, priority=5)
    await rows.contact(campaign, due_at=at(60), priority=9)
    lease = await take(store, campaign)
    contacts, exhausted, next_due_at = await store.claim_contacts(lease, limit=9, now=NOW)
    assert [contact.contact_id for contact in contacts] == [urgent, early, late]
    assert (exhausted, next_due_at) == (False, at(60))


async def test_list_is_exhausted_when_nobody_waits_however_many_are_held(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 2)
    lease = await take(store, campaign)
    assert len(await claim(store, lease, 2)) == 2
    assert await store.claim_contacts(lease, limit=2, now=NOW) == ((), True, None)


async def test_concurrent_claims_never_share_a_contact(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 40)
    lease = await take(store, campaign)
    claims = await asyncio.gather(*(claim(store, lease, 7) for _ in range(8)))
    claimed = [contact.contact_id for contacts in claims for contact in contacts]
    assert len(claimed) == len(set(claimed)) == 40


async def test_claim_offers_untried_numbers_first_and_spent_ones_never(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign()
    await rows.contact(campaign, numbers=("+3901", "+3902", "+3903"))
    lease = await take(store, campaign)
    [contact] = await claim(store, lease)
    retry = replace(closing(contact, Outcome.busy), due_at=NOW)
    spent = replace(closing(contact, Outcome.invalid, AttemptId("c1-1-2"), 1), due_at=NOW)
    await write(store, lease, opening(contact), retry)
    await write(store, lease, opening(contact, AttemptId("c1-1-2")), spent, seq=2)
    [again] = await claim(store, lease)
    turns = in_turn(again, RetryRules())
    assert [number.number for number in turns] == ["+3903", "+3901"]
    assert again.tried == ((Outcome.busy, 1), (Outcome.invalid, 1))
    assert again.attempts == 2


async def test_contact_without_a_usable_number_is_finished_instead_of_claimed(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    contact = await rows.contact(campaign, numbers=())
    lease = await take(store, campaign)
    assert await store.claim_contacts(lease, limit=5, now=NOW) == ((), True, None)
    assert await state_of(pool, contact) == "finished"


async def test_two_tries_of_a_contact_in_one_step_are_both_counted(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 1)
    lease = await take(store, campaign)
    [contact] = await claim(store, lease)
    again = AttemptId("c1-1-2")
    await write(
        store,
        lease,
        opening(contact),
        closing(contact, Outcome.busy),
        opening(contact, again),
        closing(contact, Outcome.no_answer, again),
    )
    row = await pool.fetchrow("SELECT attempts, tried FROM contacts")
    assert tuple(row) == (2, '{"busy": 1, "no_answer": 1}')


async def test_calls_not_placed_are_counted_per_reason(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 1)
    lease = await take(store, campaign)
    [contact] = await claim(store, lease)
    back = ReturnContact(contact_id=contact.contact_id, reason="outside_hours", at=NOW)
    await write(store, lease, back, replace(back, at=at(5), due_at=at(60)))
    await write(store, lease, replace(back, at=at(9)), seq=2)
    row = await pool.fetchrow("SELECT reason, count, first_at, last_at FROM refusals")
    assert tuple(row) == ("outside_hours", 3, NOW, at(9))
    assert await pool.fetchval("SELECT due_at FROM contacts") == at(60)
    assert await state_of(pool, contact.contact_id) == "ready"


async def test_oddities_are_counted_and_pacing_keeps_its_last_word(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    lease = await take(store, await rows.campaign())
    odd = NoteOddity(code="late_duplicate", correlator="x", detail="d" * 900)
    pacing = NotePacing(
        place=2,
        wanted=3,
        reason="lines",
        free=1,
        ringing=4,
        waiting=0,
        talking=5,
        abandonment=0.01,
    )
    await write(store, lease, odd, odd, pacing)
    await write(store, lease, odd, seq=2)
    assert await pool.fetchval("SELECT count FROM oddities") == 3
    assert await pool.fetchval("SELECT pacing ->> 'reason' FROM leases") == "lines"


async def test_records_without_a_journal_entry_are_refused(
    store: PostgresDialStore, rows: Rows
) -> None:
    lease = await take(store, await rows.campaign())
    with pytest.raises(ValueError, match="journal"):
        await store.apply(lease, entries=[], records=[NoteOddity(code="x")], cursors=[], now=NOW)
