"""What a dial loop does while one of its commits is under way."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from activities.ports import JournalEntry, Lease
from dialer.commands import RecordCommand, SaveAttempt
from dialer.events import CallForbidden
from dialer.model import CampaignSettings, Mode
from dialer.outcomes import Outcome
from offhook.simulator.config import SimulatorConfig, make_users
from offhook.simulator.population import Behaviour, PersonKind, Population
from tests.support.floor_stack import SWITCH, floor_stack

ANNA = "+393201112223"


async def test_join_leaves_while_the_step_of_the_answer_is_still_being_committed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = Population(numbers={ANNA: [Behaviour(kind=PersonKind.answer, ring_s=0.2, talk_s=0.3)]})
    settings = CampaignSettings(
        name="slow disk", mode=Mode.progressive, switch=SWITCH, wrap_up=timedelta(0)
    )
    async with floor_stack(
        database_url, SimulatorConfig(users=make_users(1), population=people)
    ) as floor:
        quick = floor.store.apply
        joined_before_commit: list[bool] = []

        async def slow(
            lease: Lease,
            *,
            entries: Sequence[JournalEntry],
            records: Sequence[RecordCommand],
            cursors: Sequence[tuple[str, int]],
            now: datetime,
        ) -> Sequence[CallForbidden]:
            answered = any(isinstance(r, SaveAttempt) and r.answered_at for r in records)
            if answered and not joined_before_commit:
                for _ in range(500):
                    await asyncio.sleep(0.01)
                    if "join" in floor.observer.lags:
                        break
                joined_before_commit.append("join" in floor.observer.lags)
            return await quick(lease, entries=entries, records=records, cursors=cursors, now=now)

        monkeypatch.setattr(floor.store, "apply", slow)
        await floor.create(settings, [ANNA])
        async with asyncio.timeout(20):
            assert await floor.dial() == "exhausted"
        assert joined_before_commit == [True]
        assert [attempt.outcome for attempt in await floor.attempts()] == [Outcome.answered]
        assert (await floor.judge(settings)).clean
