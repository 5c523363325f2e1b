"""Lists and quotas that change while a campaign dials: a worker imports, a loop is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select, update
from temporalio.client import Client
from temporalio.worker import Worker

from activities.contracts import ImportInput
from activities.imports import ImportActivities
from dialer.events import DrainRequested
from dialer.model import CampaignSettings, Mode
from offhook.simulator.config import SimulatorConfig, make_users
from offhook.simulator.population import Behaviour, PersonKind, Population
from offhook.storage import tables
from offhook.storage.database import Database
from offhook.storage.list_store import ListChange, ListStore
from offhook.storage.pool import open_pool
from offhook.temporal.campaigns import CampaignDesk
from offhook.temporal.import_process import ImportProcess
from offhook.temporal.registration import register_search_attributes
from tests.support.campaigns import until
from tests.support.floor_stack import CAMPAIGN, SWITCH, FloorStack, floor_stack, utc_now
from workflows.contact_import import ContactImportWorkflow

ANNA, BRUNO, CARLA = "+393201112223", "+393201112224", "+393201112225"
ANSWER = [Behaviour(kind=PersonKind.answer, ring_s=0.2, talk_s=0.3)]
PEOPLE = Population(numbers=dict.fromkeys((ANNA, BRUNO, CARLA), ANSWER))
SETTINGS = CampaignSettings(name="c1", mode=Mode.progressive, switch=SWITCH, wrap_up=timedelta(0))


@asynccontextmanager
async def dialing(floor: FloorStack) -> AsyncIterator[None]:
    """A loop that dials until the end of the block."""
    loop = asyncio.create_task(floor.dial())
    try:
        yield
        await floor.order(CAMPAIGN, DrainRequested(reason="stopped"))
        async with asyncio.timeout(20):
            assert await loop == "stopped"
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def standing(database: Database) -> list[tuple[str, str]]:
    """State of each contact, and what keeps it out of the queue."""
    known = tables.contacts.c
    async with database.transaction() as session:
        found = await session.execute(select(known.state, known.held).order_by(known.id))
        return [(state, held) for state, held in found]


async def later(database: Database, number: str) -> None:
    """The contact of this number is due in an hour."""
    known = tables.numbers.c
    whose = select(known.contact_id).where(known.number == number).scalar_subquery()
    due_at = utc_now() + timedelta(hours=1)
    async with database.transaction() as session:
        change = update(tables.contacts).where(tables.contacts.c.id == whose)
        await session.execute(change.values(due_at=due_at))


async def test_contacts_at_hand_go_back_when_a_quota_is_set_and_come_again_without_it(
    database_url: str, database: Database
) -> None:
    config = SimulatorConfig(users=make_users(1), population=PEOPLE)
    async with floor_stack(database_url, config) as floor:
        await floor.create(SETTINGS, [ANNA, BRUNO, CARLA])
        await later(database, CARLA)  # or nobody would be left, and the campaign would end
        async with database.transaction() as session:
            await session.execute(update(tables.agents).values(status="not_ready"))
        pool = await open_pool(database_url, size=2)
        lists = ListStore(pool)

        async def stand(state: str, held: str) -> None:
            async def so() -> bool:
                return (await standing(database))[:2] == [(state, held)] * 2

            await until(so, limit=20)

        async with dialing(floor):
            await stand("claimed", "")
            await lists.set_quota(
                CAMPAIGN, "enough", disposition="sold", most=0, filter_text="", now=utc_now()
            )
            await stand("ready", "quota enough")
            await lists.remove_quota(CAMPAIGN, "enough", now=utc_now())
            await stand("claimed", "")
        await pool.close()
        assert await floor.attempts() == []
    async with database.transaction() as session:
        reasons = await session.scalars(select(tables.refusals.c.reason).distinct())
        assert "lists_changed" in set(reasons)


async def test_contacts_that_a_worker_imports_while_a_campaign_runs_are_dialed_as_the_filter_says(
    database_url: str, database: Database, temporal_client: Client, tmp_path: Path
) -> None:
    await register_search_attributes(temporal_client)
    file = tmp_path / "leads.csv"
    file.write_text(f"name,number,region\nAnna,{ANNA},North\nBruno,{BRUNO},South\n")
    queue = f"test-{uuid4().hex[:8]}"
    worker = Worker(
        temporal_client,
        task_queue=queue,
        workflows=[ContactImportWorkflow],
        activities=[ImportActivities(ImportProcess(database_url)).import_contacts],
    )
    config = SimulatorConfig(users=make_users(1), population=PEOPLE)
    async with worker, floor_stack(database_url, config) as floor:
        await floor.create(SETTINGS, [CARLA])
        await later(database, CARLA)
        pool = await open_pool(database_url, size=2)
        lists = ListStore(pool)
        await lists.create(CAMPAIGN, "leads", now=utc_now())
        await lists.change(CAMPAIGN, "leads", ListChange(filter='region == "North"'), now=utc_now())

        async def over() -> bool:
            return ("finished", "") in await standing(database)

        async with dialing(floor):
            desk = CampaignDesk(temporal_client, task_queue=queue)
            request = ImportInput(
                import_id=uuid4().hex, campaign_id=CAMPAIGN, ref=str(file), list_name="leads"
            )
            result = await desk.import_result(await desk.start_import(request))
            assert (result.progress.imported, result.progress.refused) == (2, 0)
            await until(over, limit=20)
        await pool.close()
        assert [(one.number, one.outcome) for one in await floor.attempts()] == [(ANNA, "answered")]
    assert await standing(database) == [("ready", "later"), ("finished", ""), ("ready", "filter")]
