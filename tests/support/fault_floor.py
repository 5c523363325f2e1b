"""A small campaign on a floor that is in trouble, and what must hold of it whatever happens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import func, select

from dialer.audit import Difference, replay
from dialer.model import CampaignSettings, Mode, PacingSettings
from dialer.outcomes import Outcome
from offhook.demo.truth import Comparison, OurAttempt, RecordedCall, compare
from offhook.simulator.config import GatewayConfig, SimulatorConfig, make_users
from offhook.simulator.population import Dist, Population, RandomTime
from offhook.simulator.record import CallRecord
from offhook.simulator.serve import Simulator
from offhook.storage import tables
from offhook.storage.journal import Journals
from offhook.storage.pool import open_pool
from tests.support.floor_stack import CAMPAIGN, SWITCH, FloorStack, floor_stack

QUICK = {"connect_timeout": "PT0.5S", "read_timeout": "PT0.4S", "total_timeout": "PT1S"}
"""A link that gives up soon, so that a silent PBX doesn't make a test slow."""

PEOPLE = Population(
    answer_probability=0.75,
    busy_probability=0.1,
    rejected_probability=0.05,
    invalid_probability=0.05,
    unavailable_probability=0.05,
    ring=RandomTime(mean_s=0.3, cv=0.3),
    failure=RandomTime(mean_s=0.1),
    talk=RandomTime(mean_s=0.4, cv=0.3),
    patience=RandomTime(dist=Dist.constant, mean_s=30),
)
"""Quick, and so patient that only offhook ends a wait."""


def make_settings(**changes: object) -> CampaignSettings:
    """A power campaign that tries everybody once."""
    values: dict[str, object] = {
        "name": "in trouble",
        "mode": Mode.power,
        "switch": SWITCH,
        "wrap_up": timedelta(0),
        "ring_timeout": timedelta(seconds=15),
        "retry": {"max_attempts": 1},
        "pacing": PacingSettings(ratio=1.3, max_lines_per_agent=3, target_abandonment=0.5),
    }
    return CampaignSettings.model_validate(values | changes)


@dataclass(kw_only=True)
class Told:
    """What both sides say of a campaign that is over."""

    reason: str
    judged: Comparison
    attempts: list[OurAttempt]
    cut: list[OurAttempt]
    """Those whose call was lost with the PBX's power; they are not judged."""
    numbers: set[str]
    """Who was called, in or out."""
    struck: dict[str, int]
    oddities: dict[str, int]
    failures: list[str]
    differences: list[Difference]

    def count(self, outcome: Outcome) -> int:
        """How many attempts had an outcome."""
        return sum(attempt.outcome == outcome for attempt in self.attempts)


@dataclass(kw_only=True)
class FaultFloor:
    """A floor, its campaign, and the faults to come."""

    stack: FloorStack
    url: str
    settings: CampaignSettings
    contacts: int

    @property
    def simulator(self) -> Simulator:
        """The PBX."""
        return self.stack.simulator

    async def tell(self, reason: str) -> Told:
        """Everything that both sides have to say."""
        stack = self.stack
        calls = [
            RecordedCall.model_validate(record.as_json())
            for record in stack.simulator.face.pbx.recorder.calls.values()
        ]
        cut = {record.extid for record in self._records() if record.outcome == "restart"}
        attempts = await stack.attempts()
        return Told(
            reason=reason,
            judged=compare(
                [call for call in calls if call.extid not in cut and call.extid],
                [attempt for attempt in attempts if attempt.attempt_id not in cut],
                patience=self.settings.patience,
            ),
            attempts=attempts,
            cut=[attempt for attempt in attempts if attempt.attempt_id in cut],
            numbers={record.number for record in self._records()},
            struck=dict(stack.simulator.faults.struck),
            oddities=await self._oddities(),
            failures=[f"{action}: {error}" for action, error in stack.observer.failures],
            differences=await self._differences(),
        )

    def _records(self) -> list[CallRecord]:
        return list(self.simulator.face.pbx.recorder.calls.values())

    async def _oddities(self) -> dict[str, int]:
        async with self.stack.database.transaction() as session:
            rows = await session.execute(
                select(tables.oddities.c.code, func.sum(tables.oddities.c.count)).group_by(
                    tables.oddities.c.code
                )
            )
            return {code: int(count) for code, count in rows}

    async def _differences(self) -> list[Difference]:
        pool = await open_pool(self.url)
        try:
            journals = Journals(pool)
            entries = [
                entry
                for epoch in await journals.epochs(CAMPAIGN)
                async for entry in journals.entries(CAMPAIGN, epoch=epoch.epoch)
            ]
        finally:
            await pool.close()
        return list(replay(entries))


@asynccontextmanager
async def fault_floor(
    database_url: str,
    *,
    contacts: int = 12,
    agents: int = 3,
    lines: int = 30,
    promised: int | None = None,
    settings: CampaignSettings | None = None,
    **simulator: object,
) -> AsyncIterator[FaultFloor]:
    """A floor whose campaign is ready to be dialed.

    `promised` lines are those that offhook knows of, `lines` those that there are.
    """
    values: dict[str, object] = {
        "users": make_users(agents),
        "gateways": (GatewayConfig(id="1", name="carrier", lines=promised or lines),),
        "population": PEOPLE,
        "ring_timeout_s": 2,
        "user_ring_timeout_s": 0.5,
        "auto_answer_s": (0.02, 0.05),
        "hand_answer_s": (0.05, 0.1),
    }
    config = SimulatorConfig.model_validate(values | simulator)
    campaign = settings or make_settings()
    async with floor_stack(database_url, config) as stack:
        stack.config = replace(stack.config, settings={**stack.config.settings, **QUICK})
        stack.simulator.face.pbx.gateways["1"].lines = lines
        await stack.create(campaign, [f"+39320{index:07}" for index in range(contacts)])
        yield FaultFloor(stack=stack, url=database_url, settings=campaign, contacts=contacts)
