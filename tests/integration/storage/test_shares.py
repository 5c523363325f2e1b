"""The exchange of shares on a real PostgreSQL: who holds what, and who is fenced off."""

from datetime import timedelta

import orjson
import pytest

from activities.ports import Lease, LeaseLost
from dialer.agent import AgentState
from dialer.commands import ReleaseAgent, SaveAgent
from dialer.events import AgentChanged
from dialer.model import AgentStatus, CampaignId, SwitchId, Trunk
from dialer.sharing import ENDLESS, Demand, TrunkDemand
from offhook.storage.agent_store import (
    AgentElsewhere,
    AgentNotMember,
    AgentStore,
    AmbiguousAgent,
)
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.errors import AgentNotFound
from offhook.storage.inbox import PostgresInbox
from offhook.storage.pool import Pool
from offhook.storage.sharing import SILENT
from tests.integration.storage.steps import ALICE, claim, opening, started, take, write
from tests.support.builders import NOW, TRUNK, Rows, at

A, B = CampaignId("ca"), CampaignId("cb")


def demand(
    *, held: int = 0, used: int = 0, wanted: int = 0, agents: int = ENDLESS, active: bool = True
) -> Demand:
    own = TrunkDemand(trunk_id=TRUNK, held=held, used=used, wanted=wanted)
    return Demand(trunks=(own,), agents=agents, active=active)


def lines(trunks: tuple[Trunk, ...]) -> int:
    return trunks[0].lines


async def begin(store: PostgresDialStore, campaign: CampaignId) -> tuple[Lease, int]:
    """A lease, and the lines that its engine starts with."""
    lease = await take(store, campaign)
    return lease, lines((await started(store, lease)).trunks)


async def holder(pool: Pool) -> str | None:
    return await pool.fetchval("SELECT campaign_id FROM agent_leases WHERE agent_id = $1", ALICE)  # type: ignore[no-any-return]  # asyncpg's own


async def test_campaign_alone_starts_with_every_line(store: PostgresDialStore, rows: Rows) -> None:
    _, first = await begin(store, await rows.campaign(A))
    assert first == 30


async def test_second_campaign_gets_lines_once_the_first_goes_by_less(
    store: PostgresDialStore, rows: Rows
) -> None:
    a, first = await begin(store, await rows.campaign(A))
    b, second = await begin(store, await rows.campaign(B))
    assert (first, second) == (30, 0)
    shares = await store.share(a, demand(held=30, wanted=50), now=NOW)
    assert lines(shares.trunks) == 15 + 14  # of b is only known that it needs one
    assert shares.unsettled
    shares = await store.share(b, demand(wanted=50), now=NOW)
    assert (lines(shares.trunks), shares.unsettled) == (0, True)
    shares = await store.share(a, demand(held=29, wanted=50), now=NOW)
    assert lines(shares.trunks) == 15
    shares = await store.share(b, demand(wanted=50), now=NOW)
    assert lines(shares.trunks) == 1
    await store.share(a, demand(held=15, wanted=50), now=NOW)
    shares = await store.share(b, demand(held=1, wanted=50), now=NOW)
    assert (lines(shares.trunks), shares.unsettled) == (15, False)


async def test_released_lease_gives_its_lines_back(store: PostgresDialStore, rows: Rows) -> None:
    a, _ = await begin(store, await rows.campaign(A))
    b, _ = await begin(store, await rows.campaign(B))
    await store.release_lease(a, now=NOW)
    assert lines((await store.share(b, demand(), now=NOW)).trunks) == 30


async def test_silent_holder_is_fenced_off_and_its_open_calls_keep_their_lines(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign(A)
    await rows.contacts(campaign, 1)
    a, _ = await begin(store, campaign)
    (contact,) = await claim(store, a)
    await write(store, a, opening(contact))
    b, _ = await begin(store, await rows.campaign(B))
    later = NOW + SILENT + timedelta(seconds=1)
    shares = await store.share(b, demand(wanted=50), now=later)
    assert lines(shares.trunks) == 29
    with pytest.raises(LeaseLost):
        await store.share(a, demand(held=30), now=later)
    with pytest.raises(LeaseLost):
        await write(store, a, seq=2)


async def test_take_over_keeps_the_lines_that_open_calls_use(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await rows.campaign(A)
    await rows.contacts(campaign, 1)
    a, _ = await begin(store, campaign)
    (contact,) = await claim(store, a)
    await write(store, a, opening(contact))
    b, _ = await begin(store, await rows.campaign(B))
    await begin(store, campaign)
    shares = await store.share(b, demand(wanted=50), now=NOW)
    assert lines(shares.trunks) <= 29
    with pytest.raises(LeaseLost):
        await store.share(a, demand(held=30), now=NOW)


async def test_exchange_renews_the_lease(store: PostgresDialStore, rows: Rows, pool: Pool) -> None:
    a, _ = await begin(store, await rows.campaign(A))
    await store.share(a, demand(), now=at(9))
    assert await pool.fetchval("SELECT renewed_at FROM leases") == at(9)


async def test_agent_goes_to_another_campaign_only_when_his_own_has_released_him(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    await rows.agents(ALICE)
    for campaign in (A, B):
        await rows.campaign(campaign, agents=[ALICE])
    a, _ = await begin(store, A)
    b, _ = await begin(store, B)
    assert await holder(pool) == A
    shares = await store.share(b, demand(), now=NOW)
    assert shares.agents == ()
    shares = await store.share(a, demand(agents=0, active=False), now=NOW)
    assert shares.leaving == ((ALICE, "needed elsewhere"),)
    assert await holder(pool) == A
    idle = SaveAgent(agent_id=ALICE, state=AgentState.idle, at=NOW)
    await write(store, a, idle, ReleaseAgent(agent_id=ALICE, at=NOW, reason="needed elsewhere"))
    assert await holder(pool) is None
    shares = await store.share(b, demand(), now=NOW)
    assert [agent.agent_id for agent in shares.agents] == [ALICE]
    assert await holder(pool) == B


async def test_fenced_off_campaign_can_not_release_an_agent_who_is_not_its_own(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    await rows.agents(ALICE)
    await rows.campaign(A, agents=[ALICE])
    old, _ = await begin(store, A)
    await begin(store, A)
    with pytest.raises(LeaseLost):
        await write(store, old, ReleaseAgent(agent_id=ALICE, at=NOW, reason="removed"))
    assert await holder(pool) == A


async def test_removed_agent_leaves_and_added_one_comes(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    await rows.agents(ALICE)
    await rows.campaign(A, agents=[ALICE])
    a, _ = await begin(store, A)
    agents = AgentStore(pool)
    alice = await agents.find(ALICE)
    await agents.remove(alice, campaign=A)
    assert (await store.share(a, demand(), now=NOW)).leaving == ((ALICE, "removed"),)
    with pytest.raises(AgentNotMember):
        await agents.remove(alice, campaign=A)
    await write(store, a, ReleaseAgent(agent_id=ALICE, at=NOW, reason="removed"))
    await agents.add(alice, campaign=A, now=NOW)
    (back,) = (await store.share(a, demand(), now=NOW)).agents
    assert back.agent_id == ALICE


async def test_agent_of_another_switch_can_not_be_added(rows: Rows, pool: Pool) -> None:
    await rows.campaign(A)
    await rows.switch(SwitchId("pbx2"))
    await pool.execute(
        "INSERT INTO agents (id, switch_id, address) VALUES ('zed', 'pbx2', '9'),"
        " ('yan', 'pbx2', 'zed')"
    )
    agents = AgentStore(pool)
    with pytest.raises(AgentElsewhere):
        await agents.add(await agents.find("zed"), campaign=A, now=NOW)
    with pytest.raises(AgentNotFound):
        await agents.find("nobody")
    await pool.execute("UPDATE agents SET name = 'same'")
    with pytest.raises(AmbiguousAgent):
        await agents.find("same")
    assert [row.agent_id for row in await agents.all(switch="pbx2")] == ["yan", "zed"]


async def test_chosen_status_is_stored_and_posted_to_the_switch(
    rows: Rows, pool: Pool, inbox: PostgresInbox
) -> None:
    await rows.agents(ALICE)
    await rows.campaign(A, agents=[ALICE])
    agents = AgentStore(pool)
    alice = await agents.find(ALICE)
    await agents.set_status(alice, AgentStatus.not_ready, reason="lunch", now=NOW)
    stored = await agents.find(ALICE)
    assert (stored.status, stored.status_reason) == (AgentStatus.not_ready, "lunch")
    (item,) = await inbox.read([("switch:pbx", 0)], limit=10)
    assert isinstance(item.event, AgentChanged)
    assert item.event.agent.status is AgentStatus.not_ready
    assert item.event.agent.status_reason == "lunch"
    (fact,) = await pool.fetch("SELECT payload FROM inbox WHERE channel = 'facts'")
    said = {"agent_id": ALICE, "status": "not_ready", "status_reason": "lunch"}
    assert orjson.loads(fact["payload"]) == {
        "kind": "agent.status", "campaign_id": None, "data": said,
    }  # fmt: skip
