"""A predictive campaign of real SIP calls, disturbed or not, and the other end's record of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

import aiohttp
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from dialer.media import AmdSettings
from dialer.model import CampaignId, CampaignSettings
from dialer.retry import RetryRules
from offhook.demo.asterisk import AsteriskPbx
from offhook.demo.kinds import PbxKind
from offhook.demo.rehearsal import Cast, Rehearsal, rehearsal
from offhook.demo.run import (
    DemoOptions,
    Latency,
    agents_at_work,
    campaign_settings,
    kill_and_watch,
    latency,
    our_attempts,
    population,
    start_campaign,
)
from offhook.demo.truth import Outage, RecordedCall, compare
from offhook.home import Home
from offhook.pbx.asterisk import RunningAsterisk
from offhook.pbx.numbers import Mixture, Person
from offhook.settings import Settings
from offhook.storage import tables
from offhook.storage.campaign_views import CampaignViews
from offhook.temporal.campaigns import CampaignDesk

CUTS = 20
AWAY_S = 30.0
_CUTS_OFF = frozenset({"websocket", "links", "links_away"})
"""Faults in which nobody is connected for the application."""
_LIMIT_S = 900.0
_TALKS_WITH_AMD_S = (8.0, 12.0)
"""A call lasts from its answer; listening takes up to four seconds of it."""


class Fault(StrEnum):
    """What is done to a campaign a third through its contacts."""

    none = "none"
    asterisk = "asterisk"
    """Asterisk is killed and started again."""
    websocket = "websocket"
    """The event socket is taken away twenty times."""
    links = "links"
    """The process that holds the event socket is killed."""
    links_away = "links_away"
    """It is killed, and stays away for half a minute."""
    worker = "worker"
    """The worker is killed."""


class CampaignResult(BaseModel):
    """What came of it."""

    model_config = ConfigDict(frozen=True)

    fault: Fault
    contacts: int
    calls: int
    answered: int
    connected: int
    abandoned: int
    abandonment_rate: float
    outcomes: dict[str, int]
    table: dict[str, dict[str, int]]
    """Who was at the other end, to what offhook says."""
    heard: dict[str, dict[str, int]]
    """Who answered, to what Asterisk heard him to be."""
    wait_ms: Latency
    """From the answer to the agent, listening included."""
    double_dialed: int
    stranded: int
    mismatches: list[str]
    unrecorded: int
    unclaimed: int
    guessed: int
    cut_off: int
    """People whose calls were ended from our side while no application was connected."""
    channels_left: int
    bridges_left: int
    duration_s: float

    @property
    def sound(self) -> bool:
        """Nobody called twice or left alone, both sides agree, and nothing is left over."""
        wrongs = self.double_dialed + self.stranded + self.unrecorded + self.unclaimed
        wrongs += self.cut_off
        left = self.channels_left + self.bridges_left
        return not (wrongs or self.mismatches or left)


async def run_campaign(
    home: Home,
    settings: Settings,
    options: DemoOptions,
    fault: Fault = Fault.none,
    *,
    amd: bool = False,
    attempts: int = 2,
    away_s: float = AWAY_S,
) -> CampaignResult:
    """Run one on a stack and an Asterisk of its own; with `amd` it listens for machines."""
    wanted = campaign_settings(options)
    if attempts == 1:
        wanted = wanted.model_copy(update={"retry": RetryRules(max_attempts=1)})
    if amd:
        wanted = wanted.model_copy(update={"amd": AmdSettings(enabled=True)})
    began = datetime.now(UTC)
    cast = Cast(
        agents=options.agents,
        lines=options.agents * 4,
        seed=options.seed,
        population=population(),
        mixture=Mixture(talks_s=_TALKS_WITH_AMD_S) if amd else Mixture(),
        pbx=PbxKind.asterisk,
    )
    async with rehearsal(home, settings, cast) as stage:
        campaign = await start_campaign(stage, options, wanted, lambda _line, _view: None)
        outages = await _watch(stage, campaign, options, fault, away_s)
        return await _result(stage, campaign, wanted, fault, outages=outages, began=began)


def _without_cut_off(
    calls: Sequence[RecordedCall], fault: Fault, outages: Sequence[Outage]
) -> tuple[list[RecordedCall], int]:
    """The calls, those that ended with the event socket away taken as hung up; how many."""
    if fault not in _CUTS_OFF:
        return list(calls), 0
    lost = {
        id(call)
        for call in calls
        for outage in outages
        if call.fate == "dropped"
        and call.ended_at
        and outage.began <= call.ended_at <= outage.ended
    }
    kept = [
        call.model_copy(update={"fate": "abandoned"}) if id(call) in lost else call
        for call in calls
    ]
    return kept, len(lost)


def _asterisk(stage: Rehearsal) -> AsteriskPbx:
    if not isinstance(stage.pbx, AsteriskPbx):
        raise TypeError("this campaign needs a real Asterisk")
    return stage.pbx


async def _watch(
    stage: Rehearsal, campaign: CampaignId, options: DemoOptions, fault: Fault, away_s: float
) -> list[Outage]:
    """Wait for the campaign's end, and disturb it on the way."""
    views = CampaignViews(stage.database)
    disturb: Mapping[Fault, Callable[[Rehearsal, CampaignId], Awaitable[Outage]]] = {
        Fault.asterisk: _crash,
        Fault.websocket: _cut,
        Fault.links: _kill_links,
        Fault.links_away: lambda stage, _campaign: _keep_links_away(stage, away_s),
        Fault.worker: kill_and_watch,
    }
    disturbing: asyncio.Future[Outage] | None = None
    async with asyncio.timeout(_LIMIT_S), agents_at_work(stage, campaign):
        ended = asyncio.create_task(CampaignDesk(stage.client).result(campaign))
        while not ended.done():
            await asyncio.wait({ended}, timeout=0.5)
            attempts = (await views.view(campaign)).attempts
            due = fault in disturb and attempts >= options.contacts // 3
            if due and disturbing is None:
                disturbing = asyncio.ensure_future(disturb[fault](stage, campaign))
        await ended
    return [await disturbing] if disturbing is not None else []


async def _crash(stage: Rehearsal, _campaign: CampaignId) -> Outage:
    began = datetime.now(UTC)
    await _asterisk(stage).crash()
    return Outage(began=began, ended=datetime.now(UTC) + timedelta(seconds=5))


async def _cut(stage: Rehearsal, _campaign: CampaignId) -> Outage:
    """Whoever connects with an application's name takes the socket of who had it."""
    asterisk = _asterisk(stage).asterisk
    began = datetime.now(UTC)
    url = f"{asterisk.ari_url}/events?app={asterisk.plan.application}"
    async with aiohttp.ClientSession(headers=_authorization(asterisk)) as session:
        for _ in range(CUTS):
            with suppress(aiohttp.ClientError):
                async with session.ws_connect(url):
                    pass
            await asyncio.sleep(0.7)
    return Outage(began=began, ended=datetime.now(UTC))


async def _kill_links(stage: Rehearsal, _campaign: CampaignId) -> Outage:
    began = datetime.now(UTC)
    stage.stack.kill("links")
    return await _until_connected(_asterisk(stage).asterisk, began)


async def _keep_links_away(stage: Rehearsal, away_s: float) -> Outage:
    began = datetime.now(UTC)
    stage.stack.hold("links")
    stage.stack.kill("links")
    await asyncio.sleep(away_s)
    stage.stack.release("links")
    return await _until_connected(_asterisk(stage).asterisk, began)


async def _until_connected(asterisk: RunningAsterisk, began: datetime) -> Outage:
    """The outage ends when somebody is connected for the application again."""
    url = f"{asterisk.ari_url}/applications/{asterisk.plan.application}"
    await asyncio.sleep(1.0)  # the killed process's connection is gone by then
    async with aiohttp.ClientSession(headers=_authorization(asterisk)) as session:
        while True:
            async with session.get(url) as reply:
                if reply.status == HTTPStatus.OK:
                    return Outage(began=began, ended=datetime.now(UTC))
            await asyncio.sleep(0.05)


def _authorization(asterisk: RunningAsterisk) -> dict[str, str]:
    return {"Authorization": aiohttp.encode_basic_auth(asterisk.user, asterisk.password)}


async def _result(
    stage: Rehearsal,
    campaign: CampaignId,
    wanted: CampaignSettings,
    fault: Fault,
    *,
    outages: Sequence[Outage],
    began: datetime,
) -> CampaignResult:
    view = await CampaignViews(stage.database).view(campaign)
    ours = await our_attempts(stage, campaign)
    calls, cut_off = _without_cut_off(await stage.pbx.calls(), fault, outages)
    judged = compare(calls, ours, patience=wanted.patience, outages=outages)
    said = {attempt.attempt_id: str(attempt.outcome) for attempt in ours}
    verdicts = await _verdicts(stage, campaign)
    channels, bridges = await _asterisk(stage).left_over()
    return CampaignResult(
        fault=fault,
        contacts=view.contacts["total"],
        calls=view.attempts,
        answered=view.answered,
        connected=view.connected,
        abandoned=view.abandoned,
        abandonment_rate=round(view.abandonment_rate, 4),
        outcomes=view.outcomes,
        table=_table(calls, said),
        heard=_table([call for call in calls if call.answered_at], verdicts),
        wait_ms=await latency(stage, campaign),
        double_dialed=judged.double_dialed,
        stranded=judged.stranded,
        mismatches=list(judged.mismatches),
        unrecorded=judged.unrecorded,
        unclaimed=judged.unclaimed,
        guessed=judged.guessed,
        cut_off=cut_off,
        channels_left=channels,
        bridges_left=bridges,
        duration_s=round((datetime.now(UTC) - began).total_seconds(), 1),
    )


async def _verdicts(stage: Rehearsal, campaign: CampaignId) -> dict[str, str]:
    """What was heard on each attempt that was listened to."""
    rows = tables.attempts.c
    async with stage.database.transaction() as session:
        found = await session.execute(
            select(rows.id, rows.verdict).where(rows.campaign_id == campaign)
        )
        return {key: verdict or "not listened to" for key, verdict in found}


def _table(calls: Sequence[RecordedCall], said: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """What was said of each kind of person, by the numbers they have."""
    rows: dict[str, Counter[str]] = {}
    for call in calls:
        person = Person.of(call.number)
        kind = person.behaviour.name if person else "stranger"
        rows.setdefault(kind, Counter())[said.get(call.extid or "", "unclaimed")] += 1
    return {kind: dict(found) for kind, found in sorted(rows.items())}
