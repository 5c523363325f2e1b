"""A dial loop whose record does not agree to a call."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select

from activities.ports import JournalEntry, Lease
from dialer.commands import OpenAttemptRecord, RecordCommand
from dialer.events import CallForbidden
from dialer.model import CampaignSettings, Mode
from offhook.simulator.config import SimulatorConfig, make_users
from offhook.simulator.population import Behaviour, PersonKind, Population
from offhook.storage import tables
from offhook.storage.database import Database
from tests.support.floor_stack import SWITCH, floor_stack

ANNA, BRUNO = "+393201112223", "+393201112224"


async def test_number_listed_between_the_decision_and_its_commit_never_rings(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = [Behaviour(kind=PersonKind.answer, ring_s=0.2, talk_s=0.3)]
    people = Population(numbers={ANNA: answer, BRUNO: answer})
    settings = CampaignSettings(
        name="listed", mode=Mode.progressive, switch=SWITCH, wrap_up=timedelta(0)
    )
    async with floor_stack(
        database_url, SimulatorConfig(users=make_users(1), population=people)
    ) as floor:
        quick = floor.store.apply

        async def listed_first(
            lease: Lease,
            *,
            entries: Sequence[JournalEntry],
            records: Sequence[RecordCommand],
            cursors: Sequence[tuple[str, int]],
            now: datetime,
        ) -> Sequence[CallForbidden]:
            if any(isinstance(r, OpenAttemptRecord) and r.number == ANNA for r in records):
                async with database.transaction() as session:
                    entry = insert(tables.do_not_call).values(number=ANNA, scope="", added_at=now)
                    await session.execute(entry)
            return await quick(lease, entries=entries, records=records, cursors=cursors, now=now)

        monkeypatch.setattr(floor.store, "apply", listed_first)
        await floor.create(settings, [ANNA, BRUNO])
        async with asyncio.timeout(20):
            assert await floor.dial() == "exhausted"
        assert [attempt.number for attempt in await floor.attempts()] == [BRUNO]
        assert (await floor.judge(settings)).clean
    async with database.transaction() as session:
        told = await session.scalars(select(tables.refusals.c.reason))
        assert list(told) == ["do_not_call"]
        ended = await session.scalars(select(tables.contacts.c.state))
        assert set(ended) == {"finished"}
