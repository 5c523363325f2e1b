"""Campaigns during which parts are killed, and what became of everybody who was called."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from activities.ports import StoreUnavailable
from dialer.audit import replay
from dialer.model import CampaignId, CampaignPhase, CampaignSettings, Mode, PacingSettings
from dialer.retry import OutcomeRule, RetryRules
from offhook.demo.pbx import StagePbx
from offhook.demo.rehearsal import Cast, Rehearsal, rehearsal
from offhook.demo.run import (
    DemoOptions,
    agents_at_work,
    campaign_settings,
    our_attempts,
    population,
    start_campaign,
)
from offhook.demo.truth import Comparison, Outage, RecordedCall, compare
from offhook.home import Home
from offhook.settings import load_settings
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.journal import Journals
from offhook.storage.pool import open_pool
from offhook.storage.tables import attempts, journal
from offhook.supervisor.supervisor import EventKind

LOOK_EVERY = 0.05
LIVELY_WITHIN = 8.0
"""Seconds to wait for a moment at which a kill hurts: calls ringing and somebody waiting."""
CALM = 8
"""Attempts between the return of a part and the next blow."""
MISSED = timedelta(seconds=4)
"""Of heartbeats, after which Temporal starts the dial activity again."""
DIAL_TAKE_OVER = timedelta(seconds=10)
"""How long after the return of Temporal that may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """Kill parts at once; they stay away this long before anybody starts them again."""

    parts: tuple[str, ...]
    away: timedelta = timedelta(0)

    def __str__(self) -> str:
        away = f", gone for {self.away.total_seconds():.0f} s" if self.away else ""
        return f"{' and '.join(self.parts)}{away}"


@dataclass(slots=True, kw_only=True)
class Struck:
    """A blow, what it hit, and when it was over."""

    blow: Blow
    at: datetime
    attempts: int
    in_flight: int
    """Calls that the PBX had in progress."""
    waiting: int
    """People among them who had answered and heard no agent yet."""
    back_at: datetime
    """The part served again."""
    over_at: datetime
    """The dialing was taken over, where that was needed; else the same."""

    @property
    def outage(self) -> Outage:
        """The time in which people had to bear with us."""
        return Outage(began=self.at, ended=self.over_at)


@dataclass(slots=True, kw_only=True)
class KilledCampaign:
    """A campaign that was struck, and how it ended."""

    phase: CampaignPhase
    blows: list[Struck]
    calls: Sequence[RecordedCall]
    verdict: Comparison
    unclosed: int
    """Attempts without an outcome."""
    contacts: int
    attempts: int
    journal_entries: int
    differences: int
    """Commands that a second engine, given the campaign's journal, did not want."""
    longest_waits: dict[int, float] = field(default_factory=dict)
    """By blow: seconds that anybody who was waiting in it waited after it was over."""

    @property
    def lost(self) -> int:
        """Outcomes that are nowhere: open attempts, unclaimed calls, calls never recorded."""
        return self.unclosed + self.verdict.unclaimed + self.verdict.unrecorded


def killing_settings(base: DemoOptions) -> CampaignSettings:
    """More calls than agents can take, so that somebody waits at any moment, and soon retried."""
    soon = OutcomeRule(delay=timedelta(seconds=4), attempts=2)
    rules = dict.fromkeys(
        ("busy", "no_answer", "rejected", "unavailable", "failed", "machine", "abandoned"), soon
    )
    return campaign_settings(base).model_copy(
        update={
            "name": "kills",
            "mode": Mode.power,
            "pacing": PacingSettings(ratio=3.0, max_lines_per_agent=4.0, target_abandonment=1.0),
            "patience": timedelta(seconds=3),
            "retry": RetryRules(max_attempts=2, **rules),
        }
    )


async def killed_campaign(
    home: Home,
    blows: Sequence[Blow],
    *,
    contacts: int,
    agents: int = 6,
    seed: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> KilledCampaign:
    """Run a campaign on a stack of its own, deal the blows in turn, and judge what came of it."""
    options = DemoOptions(contacts=contacts, agents=agents, seed=seed)
    settings = killing_settings(options)
    cast = Cast(agents=agents, lines=agents * 4, seed=seed, population=population())
    async with rehearsal(home, load_settings(), cast) as stage:
        campaign = await start_campaign(stage, options, settings, lambda text, _: tell(text))
        async with agents_at_work(stage, campaign):
            struck = []
            due = CALM
            for blow in blows:
                if not await _reached(stage, campaign, due):
                    tell(f"the campaign was over before {blow} could be killed")
                    break
                hit = await _strike(stage, campaign, blow)
                struck.append(hit)
                tell(_told(hit))
                due = await _attempts(stage, campaign) + CALM
            phase = await _ended(stage, campaign)
        return await _judged(stage, campaign, settings, phase, struck)


async def _reached(stage: Rehearsal, campaign: CampaignId, count: int) -> bool:
    """Wait for so many attempts; False when the campaign ends before."""
    while await _attempts(stage, campaign) < count:
        if await _phase(stage, campaign) in _OVER:
            return False
        await asyncio.sleep(LOOK_EVERY)
    return True


async def _strike(stage: Rehearsal, campaign: CampaignId, blow: Blow) -> Struck:
    """Kill the part at a moment that hurts, and see it back."""
    tried = await _attempts(stage, campaign)
    live = await _lively(stage.pbx)
    epoch = await _epoch(stage, campaign)
    at = datetime.now(UTC)
    killed = {}
    for part in blow.parts:
        stage.stack.hold(part)
        killed[part] = stage.stack.kill(part)
    await asyncio.sleep(blow.away.total_seconds())
    for part in blow.parts:
        stage.stack.release(part)
    async with asyncio.timeout(120):
        for part, pid in killed.items():
            await stage.stack.wait_ready(part, not_pid=pid)
    back_at = max(_ready_at(stage, part) for part in blow.parts)
    over_at = back_at
    if "worker" in blow.parts:
        over_at = await _taken_over(stage, campaign, epoch, timedelta(seconds=120)) or back_at
    elif "temporal" in blow.parts and blow.away > MISSED:
        over_at = await _taken_over(stage, campaign, epoch, DIAL_TAKE_OVER) or back_at
    return Struck(
        blow=blow,
        at=at,
        attempts=tried,
        in_flight=len(live),
        waiting=sum(call.fate == "waiting" for call in live),
        back_at=back_at,
        over_at=max(back_at, over_at),
    )


def _ready_at(stage: Rehearsal, part: str) -> datetime:
    """When the part last came to serve."""
    return max(
        event.at
        for event in stage.stack.events
        if event.part == part and event.kind is EventKind.ready
    )


async def _lively(pbx: StagePbx) -> list[RecordedCall]:
    """Calls in progress, once there are some that ring and somebody waits; or after a while."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LIVELY_WITHIN
    while True:
        live = [call for call in await pbx.calls() if call.ended_at is None]
        waits = any(call.fate == "waiting" for call in live)
        if (waits and len(live) > 2) or loop.time() > deadline:
            return live
        await asyncio.sleep(LOOK_EVERY)


async def _taken_over(
    stage: Rehearsal, campaign: CampaignId, epoch: int, patience: timedelta
) -> datetime | None:
    """When an engine after `epoch` began, or None if none did in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    first = select(func.min(journal.c.at)).where(
        journal.c.campaign_id == campaign, journal.c.epoch > epoch
    )
    while loop.time() < deadline:
        async with stage.database.transaction() as session:
            found: datetime | None = await session.scalar(first)
        if found is not None:
            return found
        if await _phase(stage, campaign) in _OVER:
            return None
        await asyncio.sleep(LOOK_EVERY)
    return None


_OVER = frozenset({CampaignPhase.completed, CampaignPhase.stopped, CampaignPhase.failed})


async def _ended(stage: Rehearsal, campaign: CampaignId) -> CampaignPhase:
    """The campaign's last phase."""
    while True:
        with suppress(StoreUnavailable):
            phase = await _phase(stage, campaign)
            if phase in _OVER:
                return phase
        await asyncio.sleep(0.2)


async def _phase(stage: Rehearsal, campaign: CampaignId) -> CampaignPhase:
    return (await CampaignViews(stage.database).find(campaign)).phase


async def _attempts(stage: Rehearsal, campaign: CampaignId) -> int:
    async with stage.database.transaction() as session:
        count = select(func.count()).where(attempts.c.campaign_id == campaign)
        return await session.scalar(count) or 0


async def _epoch(stage: Rehearsal, campaign: CampaignId) -> int:
    async with stage.database.transaction() as session:
        newest = select(func.max(journal.c.epoch)).where(journal.c.campaign_id == campaign)
        return await session.scalar(newest) or 0


async def _judged(
    stage: Rehearsal,
    campaign: CampaignId,
    settings: CampaignSettings,
    phase: CampaignPhase,
    struck: list[Struck],
) -> KilledCampaign:
    ours = await our_attempts(stage, campaign)
    calls = await stage.pbx.calls()
    entries, differences = await replayed(stage, campaign)
    return KilledCampaign(
        phase=phase,
        blows=struck,
        calls=calls,
        verdict=compare(
            calls, ours, patience=settings.patience, outages=[hit.outage for hit in struck]
        ),
        unclosed=sum(attempt.outcome is None for attempt in ours),
        contacts=(await CampaignViews(stage.database).view(campaign)).contacts["total"],
        attempts=len(ours),
        journal_entries=entries,
        differences=differences,
        longest_waits={
            place: max((waited_after(call, hit.outage) for call in calls), default=0.0)
            for place, hit in enumerate(struck)
        },
    )


def waited_after(call: RecordedCall, outage: Outage) -> float:
    """Seconds that somebody who was waiting in an outage went on waiting after its end."""
    if call.answered_at is None or not call.waited_s:
        return 0.0
    heard_at = call.answered_at + timedelta(seconds=call.waited_s)
    if call.answered_at > outage.ended or heard_at < outage.began:
        return 0.0
    return max(0.0, (heard_at - outage.ended).total_seconds())


async def replayed(stage: Rehearsal, campaign: CampaignId) -> tuple[int, int]:
    """Entries of the journal, and how many commands a second engine decides otherwise."""
    entries = 0
    differences = 0
    async with _journals(stage) as journals:
        for epoch in await journals.epochs(campaign):
            found = [entry async for entry in journals.entries(campaign, epoch=epoch.epoch)]
            entries += len(found)
            differences += sum(1 for _ in replay(found))
    return entries, differences


@asynccontextmanager
async def _journals(stage: Rehearsal) -> AsyncIterator[Journals]:
    pool = await open_pool(stage.stack.database_url or "", size=1, application="offhook-audit")
    try:
        yield Journals(pool)
    finally:
        await pool.close()


def _told(hit: Struck) -> str:
    back = (hit.back_at - hit.at).total_seconds()
    over = (hit.over_at - hit.at).total_seconds()
    return (
        f"killed {hit.blow} after {hit.attempts} attempts: {hit.in_flight} calls, "
        f"{hit.waiting} waiting; back after {back:.1f} s, taken over after {over:.1f} s"
    )
