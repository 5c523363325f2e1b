"""The demonstration: a contact file, a predictive campaign, and a report held against the PBX."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from activities.contracts import ImportInput
from dialer.audit import Replay
from dialer.model import CampaignId, CampaignSettings, Mode, PacingSettings
from dialer.outcomes import Outcome
from dialer.retry import OutcomeRule, RetryRules
from offhook.accounts.service import Accounts
from offhook.demo.contacts import write_contacts
from offhook.demo.desk import AgentDesk
from offhook.demo.kinds import PbxKind
from offhook.demo.rehearsal import SWITCH, Cast, Rehearsal, rehearsal
from offhook.demo.truth import OurAttempt, Outage, compare
from offhook.home import Home
from offhook.settings import Settings
from offhook.simulator.population import Population, RandomTime
from offhook.storage.campaign_views import CampaignView, CampaignViews
from offhook.storage.inbox import PostgresInbox
from offhook.storage.journal import Journals
from offhook.storage.pool import open_pool
from offhook.storage.reports import Reports
from offhook.storage.tables import attempts, leases
from offhook.temporal.campaigns import CampaignDesk

LOOK_EVERY = timedelta(milliseconds=500)
WAIT_FOR_EVENTS = timedelta(seconds=10)

_PBX_WORDS = {
    PbxKind.voispeed: "a simulated VOIspeed PBX",
    PbxKind.asterisk: "an Asterisk with people to call",
}

Show = Callable[[str, CampaignView | None], None]
"""Told what happens, and how the campaign does."""


class Latency(BaseModel):
    """Milliseconds between an answer and an agent, over all customers who got one."""

    model_config = ConfigDict(frozen=True)

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0


class DemoReport(BaseModel):
    """What `offhook demo --json` prints."""

    model_config = ConfigDict(frozen=True)

    contacts: int
    refused_lines: int
    attempts: int
    answered: int
    connected: int
    abandoned: int
    abandonment_rate: float
    abandonment_cap: float
    agent_utilisation: float
    outcomes: dict[str, int]
    dispositions: dict[str, int]
    answer_to_agent_ms: Latency
    double_dialed: int
    stranded: int
    mismatches: list[str]
    """Attempts of which offhook and the PBX tell different stories."""
    unrecorded: int
    unclaimed: int
    decisions: int
    """Steps of the engine in the journal, all computed again."""
    decisions_different: int
    take_over_s: float | None = None
    """From the kill of the worker to the next holder of the lease, where one was asked for."""
    duration_s: float
    campaign: str
    home: str

    @property
    def sound(self) -> bool:
        """Nobody wronged, nothing lost, and the cap kept."""
        wrongs = self.double_dialed + self.stranded + self.unrecorded + self.unclaimed
        wrongs += self.decisions_different
        return not wrongs and not self.mismatches and self.abandonment_rate <= self.abandonment_cap


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What a demonstration is to show."""

    contacts: int = 300
    agents: int = 12
    mode: Mode = Mode.predictive
    seed: int = 1
    pbx: PbxKind = PbxKind.voispeed
    kill_worker: bool = False
    """Kill the worker with SIGKILL when a third of the contacts has been dialed."""


def population() -> Population:
    """People who live fast, so that a demonstration of minutes shows what takes hours."""
    return Population(
        answer_probability=0.36,
        machine_probability=0.05,
        busy_probability=0.1,
        ring=RandomTime(mean_s=2.0, cv=0.4),
        failure=RandomTime(mean_s=0.8, cv=0.4),
        talk=RandomTime(mean_s=3.0, cv=0.5),
        patience=RandomTime(mean_s=9.0, cv=0.4),
        machine_talk=RandomTime(mean_s=8.0, cv=0.3),
    )


def campaign_settings(options: DemoOptions) -> CampaignSettings:
    """The campaign of the demonstration: everybody is tried twice, soon after each other.

    Whoever was abandoned would be let alone for days; here he isn't called again, so that it ends.
    """
    soon = OutcomeRule(delay=timedelta(seconds=6), attempts=2)
    once = OutcomeRule(delay=timedelta(days=3), attempts=1)
    return CampaignSettings(
        name="demo",
        mode=options.mode,
        switch=SWITCH,
        caller_id="+390612345678",
        wrap_up=timedelta(seconds=1),
        ring_timeout=timedelta(seconds=15),
        pacing=PacingSettings(max_lines_per_agent=4),
        retry=RetryRules(
            max_attempts=2,
            busy=soon,
            no_answer=soon,
            machine=soon,
            rejected=soon,
            unavailable=soon,
            failed=soon,
            abandoned=once,
        ),
    )


async def run_demo(
    home: Home, settings: Settings, options: DemoOptions, *, show: Show
) -> DemoReport:
    """Run the whole job and return what came of it; everything ends with the call."""
    began = datetime.now(UTC)
    cast = Cast(
        agents=options.agents,
        lines=options.agents * 4,
        seed=options.seed,
        population=population(),
        pbx=options.pbx,
        ring_timeout=timedelta(seconds=6),
    )
    show(f"starting PostgreSQL, Temporal, worker, links, API and {_PBX_WORDS[options.pbx]}", None)
    async with rehearsal(home, settings, cast) as stage:
        for name, url in stage.stack.stack.urls().items():
            show(f"{name}: {url}", None)
        await _say_how_to_log_in(stage, show)
        campaign = await start_campaign(stage, options, campaign_settings(options), show)
        take_over = await _dial(stage, campaign, options, show)
        return await _report(stage, campaign, options, began=began, take_over=take_over)


async def _say_how_to_log_in(stage: Rehearsal, show: Show) -> None:
    """Show the link with which somebody gets into the console of this demonstration."""
    stack = stage.stack.stack
    accounts = Accounts(stage.database, stage.stack.settings.access)
    link = await accounts.first_link(now=datetime.now(UTC))
    if stack.console_url is not None and link is not None:
        show(f"see it in a browser: {link.url(stack.console_url)}", None)


async def start_campaign(
    stage: Rehearsal, options: DemoOptions, settings: CampaignSettings, show: Show
) -> CampaignId:
    """Create, fill and start a campaign as the commands of those names do."""
    now = datetime.now(UTC)
    campaign = CampaignId(f"demo-{now:%Y%m%d-%H%M%S}")
    numbers = stage.pbx.numbers(options.contacts, seed=options.seed)
    file = write_contacts(stage.folder / "contacts.csv", numbers, seed=options.seed)
    await CampaignViews(stage.database).create(campaign, settings, now=now)
    desk = CampaignDesk(stage.client)
    handle = await desk.start_import(
        ImportInput(
            import_id=f"{campaign}-file",
            campaign_id=campaign,
            ref=str(file.path),
            refused_path=str(stage.folder / "refused.csv"),
        )
    )
    done = (await desk.import_result(handle)).progress
    show(f"imported {done.imported} contacts, refused {done.rows - done.imported} lines", None)
    await desk.start(campaign, switch=SWITCH, run_key="demo")
    return campaign


@asynccontextmanager
async def agents_at_work(stage: Rehearsal, campaign: CampaignId) -> AsyncIterator[None]:
    """Agents dispose their talks for the length of the block."""
    url = stage.stack.database_url or ""
    pool = await open_pool(url, size=2, application="offhook-demo-desk")
    try:
        async with PostgresInbox(pool, url) as inbox:
            desk = AgentDesk(stage.database, inbox, campaign)
            working = asyncio.create_task(desk.work(), name="agents at their desks")
            try:
                yield
            finally:
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working
    finally:
        await pool.close()


async def _dial(
    stage: Rehearsal, campaign: CampaignId, options: DemoOptions, show: Show
) -> Outage | None:
    """Watch the campaign to its end; kill the worker on the way if asked to."""
    views = CampaignViews(stage.database)
    take_over: asyncio.Task[Outage] | None = None
    async with agents_at_work(stage, campaign):
        ended = asyncio.create_task(CampaignDesk(stage.client).result(campaign))
        while not ended.done():
            await asyncio.wait({ended}, timeout=LOOK_EVERY.total_seconds())
            view = await views.view(campaign)
            show("", view)
            if options.kill_worker and take_over is None and view.attempts >= options.contacts // 3:
                take_over = asyncio.create_task(kill_and_watch(stage, campaign))
                show("worker killed with SIGKILL", None)
        await ended
        show("", await views.view(campaign))
    return await take_over if take_over is not None else None


async def kill_and_watch(stage: Rehearsal, campaign: CampaignId) -> Outage:
    """Kill the worker; return when, and when somebody else held the campaign's lease."""
    before = await _epoch(stage, campaign)
    stage.stack.kill("worker")
    began = datetime.now(UTC)
    async with asyncio.timeout(120):
        while await _epoch(stage, campaign) == before:  # noqa: ASYNC110 - a row of another process
            await asyncio.sleep(0.05)
    return Outage(began=began, ended=datetime.now(UTC))


async def _epoch(stage: Rehearsal, campaign: CampaignId) -> int:
    async with stage.database.transaction() as session:
        found = await session.scalar(select(leases.c.epoch).where(leases.c.campaign_id == campaign))
    return int(found or 0)


async def _report(
    stage: Rehearsal,
    campaign: CampaignId,
    options: DemoOptions,
    *,
    began: datetime,
    take_over: Outage | None,
) -> DemoReport:
    view = await CampaignViews(stage.database).view(campaign)
    ours = await our_attempts(stage, campaign)
    judged = compare(
        await stage.pbx.calls(),
        ours,
        patience=campaign_settings(options).patience,
        outages=() if take_over is None else (take_over,),
    )
    decisions, different = await recompute(stage, campaign)
    return DemoReport(
        contacts=view.contacts["total"],
        refused_lines=options.contacts + 3 - view.contacts["total"],
        attempts=view.attempts,
        answered=view.answered,
        connected=view.connected,
        abandoned=view.abandoned,
        abandonment_rate=round(view.abandonment_rate, 4),
        abandonment_cap=view.abandonment_cap,
        agent_utilisation=round(view.agent_utilisation, 4),
        outcomes=view.outcomes,
        dispositions=view.dispositions,
        answer_to_agent_ms=await latency(stage, campaign),
        double_dialed=judged.double_dialed,
        stranded=judged.stranded,
        mismatches=list(judged.mismatches),
        unrecorded=judged.unrecorded,
        unclaimed=judged.unclaimed,
        decisions=decisions,
        decisions_different=different,
        take_over_s=_seconds(take_over),
        duration_s=round((datetime.now(UTC) - began).total_seconds(), 1),
        campaign=campaign,
        home=str(stage.stack.home.path),
    )


async def our_attempts(stage: Rehearsal, campaign: CampaignId) -> list[OurAttempt]:
    """Every attempt as offhook recorded it."""
    async with stage.database.transaction() as session:
        found = await session.execute(
            select(
                attempts.c.id, attempts.c.number, attempts.c.outcome, attempts.c.opened_at
            ).where(attempts.c.campaign_id == campaign)
        )
        return [
            OurAttempt(
                attempt_id=key,
                number=number,
                outcome=Outcome(said) if said else None,
                opened_at=opened_at,
            )
            for key, number, said, opened_at in found
        ]


async def recompute(stage: Rehearsal, campaign: CampaignId) -> tuple[int, int]:
    """Run the engine over the campaign's journal again; how many steps, and how many differ."""
    pool = await open_pool(stage.stack.database_url or "", size=1, application="offhook-demo")
    try:
        journals = Journals(pool)
        steps = different = 0
        for epoch in await journals.epochs(campaign):
            again = Replay()
            async for entry in journals.entries(campaign, epoch=epoch.epoch):
                steps += 1
                different += bool(again.step(entry))
    finally:
        await pool.close()
    return steps, different


async def latency(stage: Rehearsal, campaign: CampaignId) -> Latency:
    """How long customers who got an agent had waited for him."""
    waits = await Reports(stage.database).answer_to_agent(campaign)
    return Latency(p50=waits.p50, p95=waits.p95, p99=waits.p99, max=waits.max)


def _seconds(outage: Outage | None) -> float | None:
    return None if outage is None else round((outage.ended - outage.began).total_seconds(), 2)
