"""The live path under load: a campaign over a simulated PBX in which nothing waits but for us.

People answer at once and talk briefly, agents need no time after a talk, and a call is placed for
every agent who is free, so what limits the rate is the machine. Everything is what production runs:
processes of their own, real sockets, PostgreSQL and Temporal included.
"""

import asyncio
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, select, text

from activities.contracts import ImportInput
from dialer.model import CampaignId, CampaignSettings, Mode, PacingSettings
from dialer.outcomes import Outcome
from dialer.retry import RetryRules
from offhook.bench.bare import run_bare
from offhook.bench.baseline import run_baseline
from offhook.bench.meter import Meter, spent
from offhook.bench.options import BenchOptions
from offhook.bench.report import DialReport, Percentiles, with_bare, with_baseline
from offhook.demo.asterisk import AsteriskPbx
from offhook.demo.contacts import write_contacts
from offhook.demo.rehearsal import SWITCH, Cast, Rehearsal, rehearsal
from offhook.demo.truth import OurAttempt, RecordedCall, compare
from offhook.home import Home
from offhook.pbx.numbers import Behaviour, Mixture
from offhook.settings import Settings
from offhook.simulator.population import Dist, Population, RandomTime
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.tables import attempts
from offhook.temporal.campaigns import CampaignDesk

RING_S = 0.3
TALK_S = 0.3
FASTEST = 500.0
"""Originations a second when no rate is asked for: the most that settings allow."""
LINES_PER_AGENT = 2
MIXTURE = Mixture(shares={Behaviour.silent: 1.0}, rings_s=(0.2,), talks_s=(1.0,))
"""The same on a real PBX, where a talk is counted from the answer: whoever waited for all of it
has left.
"""

# An answer and the join it led to meet in the journal by the attempt. The inbox says when the
# answer was received; the command is sent right after the step's events were handled.
_ANSWER_TO_JOIN = text("""
WITH entries AS MATERIALIZED (
    SELECT at, inbox_id, convert_from(event, 'UTF8')::jsonb AS event,
        convert_from(commands, 'UTF8')::jsonb AS commands
    FROM journal WHERE campaign_id = :campaign
), answers AS (
    SELECT entries.event ->> 'correlator' AS correlator, min(inbox.received_at) AS at
    FROM entries JOIN inbox ON inbox.id = entries.inbox_id
    WHERE entries.event ->> 'kind' = 'call_answered' GROUP BY 1
), joins AS (
    SELECT command ->> 'correlator' AS correlator, min(at) AS at
    FROM entries, jsonb_array_elements(commands) AS command
    WHERE command ->> 'kind' IN ('join', 'divert') GROUP BY 1
)
SELECT extract(epoch FROM joins.at - answers.at)::float8 * 1000
FROM answers JOIN joins USING (correlator)
""")


def population() -> Population:
    """Everybody answers at once, and is done soon."""
    return Population(
        answer_probability=1.0,
        busy_probability=0.0,
        rejected_probability=0.0,
        invalid_probability=0.0,
        unavailable_probability=0.0,
        ring=RandomTime(dist=Dist.constant, mean_s=RING_S),
        talk=RandomTime(dist=Dist.constant, mean_s=TALK_S),
        patience=RandomTime(dist=Dist.constant, mean_s=30.0),
    )


def campaign_settings(options: BenchOptions) -> CampaignSettings:
    """One call for every free agent, who is free again with the end of the talk."""
    return CampaignSettings(
        name="bench",
        mode=Mode.progressive,
        switch=SWITCH,
        caller_id="+390612345678",
        wrap_up=timedelta(0),
        pacing=PacingSettings(calls_per_second=options.rate or FASTEST),
        retry=RetryRules(max_attempts=1),
    )


async def run_dial_bench(home: Home, settings: Settings, options: BenchOptions) -> DialReport:
    """Measure the live path, and the baseline beside it if asked for."""
    cast = Cast(
        agents=options.agents,
        lines=options.agents * LINES_PER_AGENT,
        seed=options.seed,
        population=population(),
        mixture=MIXTURE,
        pbx=options.pbx,
    )
    async with rehearsal(home, settings, cast) as stage:
        campaign = await prepare(stage, options)
        if isinstance(stage.pbx, AsteriskPbx):
            bare = await run_bare(stage.pbx, options)
            stage.pbx.begin_record()
            return with_bare(await measure(stage, campaign, options), bare)
        report = await measure(stage, campaign, options)
        if not options.baseline:
            return report
        return with_baseline(report, await run_baseline(stage, options))


async def prepare(stage: Rehearsal, options: BenchOptions) -> CampaignId:
    """A campaign with its contacts imported, ready to start."""
    campaign = CampaignId("bench")
    numbers = stage.pbx.numbers(options.calls, seed=options.seed)
    file = write_contacts(stage.folder / "contacts.csv", numbers, seed=options.seed)
    views = CampaignViews(stage.database)
    await views.create(campaign, campaign_settings(options), now=datetime.now(UTC))
    desk = CampaignDesk(stage.client)
    importing = await desk.start_import(
        ImportInput(
            import_id="bench-file",
            campaign_id=campaign,
            ref=str(file.path),
            refused_path=str(stage.folder / "refused.csv"),
        )
    )
    await desk.import_result(importing)
    return campaign


async def measure(stage: Rehearsal, campaign: CampaignId, options: BenchOptions) -> DialReport:
    """Run the campaign to its end between two readings of every meter."""
    meter = meter_of(stage)
    load, before = os.getloadavg()[0], meter.cpu_s()
    began = asyncio.get_running_loop().time()
    desk = CampaignDesk(stage.client)
    await desk.start(campaign, switch=SWITCH, run_key="bench")
    await desk.result(campaign)
    took = asyncio.get_running_loop().time() - began
    cpu, memory = spent(before, meter.cpu_s()), meter.memory_mb()
    failed = await _failed_commands(stage)
    ours, rate = await _attempts(stage, campaign)
    theirs = await stage.pbx.calls()
    judged = compare(theirs, ours, patience=campaign_settings(options).patience)
    unanswered = sum(attempt.outcome is not Outcome.answered for attempt in ours)
    disagreements = len(judged.mismatches) + judged.unrecorded + judged.unclaimed
    return DialReport(
        calls=len(ours),
        agents=options.agents,
        rate=options.rate,
        calls_per_s=rate,
        answer_to_agent_ms=Percentiles.of(_waits(theirs)),
        answer_to_join_command_ms=Percentiles.of(await _answer_to_join(stage, campaign)),
        cpu_s_per_call=with_total({name: s / max(1, len(ours)) for name, s in cpu.items()}, 5),
        rss_mb=with_total(memory, 1),
        errors=unanswered + disagreements,
        failed_commands=failed,
        double_dialed=judged.double_dialed,
        stranded=judged.stranded,
        left_over=sum(await stage.pbx.left_over()) if isinstance(stage.pbx, AsteriskPbx) else 0,
        duration_s=round(took, 2),
        load_average=(round(load, 2), round(os.getloadavg()[0], 2)),
    )


def meter_of(stage: Rehearsal) -> Meter:
    """Every process that takes part, this one (it supervises the others) included."""
    parts = {name: stage.stack.pid(name) for name in stage.stack.stack.parts}
    return Meter({**parts, **stage.pbx.pids})


def with_total(values: dict[str, float], digits: int) -> dict[str, float]:
    """The values rounded, their sum first."""
    total = sum(values.values())
    return {name: round(v, digits) for name, v in {"total": total, **values}.items()}


async def _attempts(stage: Rehearsal, campaign: CampaignId) -> tuple[list[OurAttempt], float]:
    """Every attempt as recorded, and how many were whole per second."""
    ours = attempts.c.campaign_id == campaign
    span = func.extract("epoch", func.max(attempts.c.ended_at) - func.min(attempts.c.opened_at))
    async with stage.database.transaction() as session:
        found = await session.execute(
            select(attempts.c.id, attempts.c.number, attempts.c.outcome).where(ours)
        )
        rows = [
            OurAttempt(attempt_id=key, number=number, outcome=Outcome(said) if said else None)
            for key, number, said in found
        ]
        seconds = await session.scalar(select(span).where(ours))
    return rows, round(len(rows) / float(seconds), 2) if seconds else 0.0


async def _answer_to_join(stage: Rehearsal, campaign: CampaignId) -> list[float]:
    async with stage.database.transaction() as session:
        return [float(ms) for ms in await session.scalars(_ANSWER_TO_JOIN, {"campaign": campaign})]


def _waits(calls: Iterable[RecordedCall]) -> list[float]:
    return [
        call.waited_s * 1000
        for call in calls
        if call.fate == "joined" and call.waited_s is not None
    ]


async def _failed_commands(stage: Rehearsal) -> int:
    """What the worker counted of commands that the PBX refused or that got lost."""
    url = urlsplit(stage.stack.stack.urls()["worker"])
    async with httpx.AsyncClient() as client:
        reply = await client.get(f"{url.scheme}://{url.netloc}/metrics", timeout=10)
    return int(
        sum(
            sample.value
            for family in text_string_to_metric_families(reply.text)
            for sample in family.samples
            if sample.name == "dialer_command_failures_total"
        )
    )
