"""What the console reads, on a real PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.commands import NotePacing, SaveAgent, SaveAttempt
from dialer.model import AgentStatus, AttemptId, CampaignPhase
from dialer.outcomes import Outcome
from offhook.storage.contact_search import ContactSearch
from offhook.storage.database import Database
from offhook.storage.desk_reads import DeskReads
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.floor_reads import BUCKET, FloorReads, Totals
from offhook.storage.tables import campaigns
from tests.integration.storage.steps import (
    ALICE,
    ATTEMPT,
    CAPABILITIES,
    claim,
    closing,
    opening,
    take,
    write,
)
from tests.support.builders import NOW, Rows, at


@pytest.fixture
def floor(database: Database) -> FloorReads:
    return FloorReads(database)


async def _run(database: Database, phase: CampaignPhase = CampaignPhase.running) -> None:
    async with database.transaction() as session:
        await session.execute(update(campaigns).values(phase=phase, started_at=NOW))


async def test_the_floor_tells_campaigns_under_way_their_calls_and_the_pacers_word(
    store: PostgresDialStore, rows: Rows, database: Database, floor: FloorReads
) -> None:
    campaign = await rows.campaign()
    await rows.contact(campaign)
    lease = await take(store, campaign)
    [claimed] = await claim(store, lease)
    word = NotePacing(
        place=1, wanted=2, reason="one each", free=3, ringing=0, waiting=1, talking=0,
        abandonment=0.01,
    )  # fmt: skip
    held = SaveAttempt(attempt_id=ATTEMPT, state=CallState.held, at=at(5), answered_at=at(4))
    await write(store, lease, opening(claimed), held, word)
    assert (await floor.floor(now=NOW)).campaigns == ()

    await _run(database)
    [seen] = (await floor.floor(now=at(6))).campaigns
    assert (seen.campaign_id, seen.calls, seen.waiting_since) == (
        campaign, {CallState.held: 1}, at(4)
    )  # fmt: skip
    assert (seen.pacer.reason, seen.pacer.free, seen.owner) == ("one each", 3, "worker")


async def test_the_floor_tells_what_agents_chose_and_do(
    store: PostgresDialStore, rows: Rows, floor: FloorReads
) -> None:
    await rows.agents(ALICE, "bob")
    campaign = await rows.campaign(agents=[ALICE])
    lease = await take(store, campaign)
    await store.load_started(lease, CAPABILITIES, NOW)
    talking = SaveAgent(agent_id=ALICE, state=AgentState.talking, at=at(3), correlator=ATTEMPT)
    await write(store, lease, talking)
    found = {one.agent_id: one for one in (await floor.floor(now=NOW)).agents}
    alice, bob = found[ALICE], found["bob"]
    assert (alice.status, bob.status) == (AgentStatus.available, AgentStatus.available)
    assert (bob.state, bob.works_for) == (None, "")
    assert alice.groups == ()


async def test_totals_and_history_count_calls_by_what_they_came_to(
    store: PostgresDialStore, rows: Rows, floor: FloorReads
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 3)
    lease = await take(store, campaign)
    claimed = await claim(store, lease)
    names = [AttemptId(f"c1-1-{n}") for n in range(3)]
    outcomes = (Outcome.answered, Outcome.abandoned, Outcome.busy)
    records = [
        record
        for contact, name, outcome in zip(claimed, names, outcomes, strict=True)
        for record in (replace(opening(contact), attempt_id=name), closing(contact, outcome, name))
    ]
    await write(store, lease, *records)
    assert await floor.totals([campaign]) == {
        campaign: Totals(attempts=3, answered=2, connected=0, abandoned=1)
    }
    [step] = await floor.history(campaign, since=NOW - timedelta(minutes=1))
    assert (step.dials, step.answers, step.abandoned) == (3, 2, 1)
    assert step.at <= NOW < step.at + BUCKET


async def test_people_are_found_by_number_key_id_and_name_in_the_campaigns_one_sees(
    rows: Rows, database: Database
) -> None:
    campaign, other = await rows.campaign(), await rows.campaign("c2")
    contact = await rows.contact(campaign, external_id="CRM-7", numbers=("+390551",))
    await rows.contact(other, external_id="CRM-7", numbers=("+390552",))
    search = ContactSearch(database)
    for key, number in (("+390551", ""), ("055 1", "+390551"), (str(contact), "")):
        assert [one.contact_id for one in await search.find(key, number=number)] == [contact]
    assert len(await search.find("CRM-7")) == 2
    assert [one.contact_id for one in await search.find("CRM-7", campaigns=[campaign])] == [contact]
    assert len(await search.find("")) == 2
    assert await search.find("100%") == []


async def test_a_desk_shows_the_talk_then_what_is_wrapped_up(
    store: PostgresDialStore, rows: Rows, database: Database
) -> None:
    await rows.agents(ALICE)
    campaign = await rows.campaign(agents=[ALICE])
    await rows.contact(campaign, external_id="CRM-7")
    lease = await take(store, campaign)
    desk = DeskReads(database)
    assert await desk.call(ALICE) is None
    await store.load_started(lease, CAPABILITIES, NOW)
    [claimed] = await claim(store, lease)
    talk = SaveAttempt(
        attempt_id=ATTEMPT, state=CallState.talking, at=at(5), joined_at=at(5), agent_id=ALICE
    )
    working = SaveAgent(agent_id=ALICE, state=AgentState.talking, at=at(5), correlator=ATTEMPT)
    await write(store, lease, opening(claimed), talk, working)
    shown = await desk.call(ALICE)
    assert shown is not None
    assert (shown.attempt_id, shown.external_id, shown.state) == (
        ATTEMPT, "CRM-7", AgentState.talking
    )  # fmt: skip
    wrap = SaveAgent(agent_id=ALICE, state=AgentState.wrap_up, at=at(30))
    await write(store, lease, closing(claimed, Outcome.answered), wrap, seq=2)
    after = await desk.call(ALICE)
    assert after is not None
    assert (after.attempt_id, after.state, after.since) == (ATTEMPT, AgentState.wrap_up, at(30))
    free = SaveAgent(agent_id=ALICE, state=AgentState.idle, at=at(40))
    await write(store, lease, free, seq=3)
    assert await desk.call(ALICE) is None
