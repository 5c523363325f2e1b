"""A whole small stack for tests of the console, in a process of its own.

`python -m tests.support.console_stage HOME PID` prints one JSON object when everything is there
(where the console is, who may log in). It ends on SIGTERM, and when the process PID is gone.
The people of the PBX talk long enough to be seen, and agents but one say by themselves what came of
their talks.
"""

import asyncio
import json
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import psutil

from activities.contracts import ImportInput
from dialer.appointments import Period
from dialer.callbacks import CallbackListId, CallbackRules
from dialer.model import (
    AgentId,
    CampaignId,
    CampaignSettings,
    DeskSettings,
    Mode,
    PacingSettings,
    PreviewSettings,
)
from dialer.retry import OutcomeRule, RetryRules
from ivr.tree import plant
from offhook.accounts import Role, Scope
from offhook.accounts.service import Accounts
from offhook.callbacks import CallbackOffice, NewCallback
from offhook.demo.contacts import write_contacts
from offhook.demo.rehearsal import SWITCH, Cast, Rehearsal, rehearsal
from offhook.demo.run import agents_at_work
from offhook.home import Home
from offhook.logging import configure_logging
from offhook.settings import (
    ApiSettings,
    LinksSettings,
    LogLevel,
    LogSettings,
    Settings,
    WorkerSettings,
)
from offhook.settings_access import AccessSettings
from offhook.simulator.population import Population, RandomTime
from offhook.storage.agent_store import AgentStore
from offhook.storage.callback_lists import CallbackLists, CallbackListView
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.ivr_store import IvrStore
from offhook.storage.pool import open_pool
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.campaigns import CampaignDesk
from tests.support.stack import free_ports

PASSWORD = "four quiet herons waiting"
AGENTS = 8
RUNNING = CampaignId("spring")
RESTING = CampaignId("autumn")
READING = CampaignId("winter")
MENU = Path("docs/tutorial/ivr-pin/support.yaml").read_text()
LIST = CallbackListId("cl-support")
SCRIPT = "Good morning {name}, this is Anna of Herons & Co.\n\nYou are one of our {tier} customers."


def people() -> Population:
    """Who answers: most, and they talk for ten seconds."""
    return Population(
        answer_probability=0.7,
        machine_probability=0.05,
        busy_probability=0.1,
        ring=RandomTime(mean_s=3.0, cv=0.4),
        failure=RandomTime(mean_s=0.8, cv=0.4),
        talk=RandomTime(mean_s=10.0, cv=0.4),
        patience=RandomTime(mean_s=9.0, cv=0.4),
        machine_talk=RandomTime(mean_s=8.0, cv=0.3),
    )


def settings_of(name: str, mode: Mode) -> CampaignSettings:
    """A campaign of this stage."""
    soon = OutcomeRule(delay=timedelta(minutes=5), attempts=2)
    return CampaignSettings(
        name=name,
        mode=mode,
        switch=SWITCH,
        caller_id="+390612345678",
        wrap_up=timedelta(seconds=4),
        ring_timeout=timedelta(seconds=15),
        pacing=PacingSettings(max_lines_per_agent=4),
        preview=PreviewSettings(dial_after=None, limit=timedelta(minutes=4)),
        desk=DeskSettings(script=SCRIPT, dispositions=("sale", "not_interested", "call_back")),
        retry=RetryRules(max_attempts=2, busy=soon, no_answer=soon, machine=soon),
    )


def stage_settings(home: Path) -> Settings:
    """Ports that nobody has, and passwords that are looked at quickly."""
    ports = free_ports("api", "links", "worker")
    return Settings(
        home=home,
        access=AccessSettings(argon2_memory_kib=64, argon2_passes=1, argon2_lanes=1),
        api=ApiSettings(port=ports["api"]),
        links=LinksSettings(port=ports["links"]),
        worker=WorkerSettings(health_port=ports["worker"]),
    )


async def main(home: Path, watched: int) -> None:
    """Run the stage until it is told to end, or until nobody needs it any more."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    configure_logging(LogSettings(level=LogLevel.warning), process="stage")
    settings = stage_settings(home)
    cast = Cast(
        agents=AGENTS,
        lines=AGENTS * 4,
        seed=7,
        population=people(),
        ring_timeout=timedelta(seconds=8),
    )
    async with rehearsal(Home(home), settings, cast) as stage:
        agents = await _agents(stage)
        await _people(stage, settings.access, agents)
        await _campaign(stage, RUNNING, "Spring renewals", agents[:-1], start=True)
        await _campaign(stage, RESTING, "Autumn survey", agents[:-1], start=False)
        await _campaign(stage, READING, "Winter calls", agents[-1:], mode=Mode.preview)
        await _callbacks(stage)
        await _menu(stage)
        async with agents_at_work(stage, RUNNING):
            told = {
                "url": stage.stack.stack.api_url,
                "folder": str(stage.folder),
                "database_url": stage.stack.database_url,
                "agents": agents,
                "password": PASSWORD,
            }
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
            while not asked.is_set() and psutil.pid_exists(watched):
                with suppress(TimeoutError):
                    await asyncio.wait_for(asked.wait(), 1)


async def _agents(stage: Rehearsal) -> list[str]:
    pool = await open_pool(stage.stack.database_url or "", size=1)
    try:
        return [row.agent_id for row in await AgentStore(pool).all()]
    finally:
        await pool.close()


async def _people(stage: Rehearsal, access: AccessSettings, agents: list[str]) -> None:
    """An administrator, supervisors of everything and of nothing, and the last of the agents."""
    accounts = Accounts(stage.database, access)
    now = datetime.now(UTC)
    nothing = Scope(campaigns=("none",), queues=("none",), groups=("none",))
    for login, role, agent, scope in (
        ("ada", Role.admin, None, Scope()),
        ("sam", Role.supervisor, None, Scope()),
        ("nora", Role.supervisor, None, nothing),
        ("gina", Role.agent, agents[-1], Scope()),
    ):
        name = login.capitalize()
        await accounts.add_user(login, role, now=now, agent_id=agent, name=name, scope=scope)
        await accounts.set_password(login, PASSWORD, now=now)


async def _campaign(
    stage: Rehearsal,
    campaign: CampaignId,
    name: str,
    agents: list[str],
    *,
    mode: Mode = Mode.predictive,
    start: bool = True,
) -> None:
    settings = settings_of(name, mode)
    members = tuple(AgentId(one) for one in agents)
    await CampaignViews(stage.database).create(
        campaign, settings, agent_ids=members, now=datetime.now(UTC)
    )
    numbers = stage.pbx.numbers(3_000 if start else 40, seed=len(name))
    file = write_contacts(stage.folder / f"{campaign}.csv", numbers, seed=1)
    desk = CampaignDesk(stage.client)
    handle = await desk.start_import(
        ImportInput(import_id=f"{campaign}-file", campaign_id=campaign, ref=str(file.path))
    )
    await desk.import_result(handle)
    if start:
        await desk.start(campaign, switch=SWITCH, run_key="first")


async def _menu(stage: Rehearsal) -> None:
    """A published menu."""
    pool = await open_pool(stage.stack.database_url or "", size=1)
    try:
        forest = plant([("support.yaml", MENU)])
        await IvrStore(pool).publish("support", forest, now=datetime.now(UTC))
    finally:
        await pool.close()


async def _callbacks(stage: Rehearsal) -> None:
    """A list with two promises."""
    now = datetime.now(UTC)
    morning = Period(period_id="morning", name="morning", start=time(9), end=time(12), default=True)
    evening = Period(period_id="all-day", name="all day", start=time(0), end=time(23, 59))
    await CallbackLists(stage.database).create(
        CallbackListView(
            list_id=LIST,
            name="Support",
            queue="support",
            campaign_id=None,
            switch_id=None,
            external_id="",
            rules=CallbackRules(),
            periods=(morning, evening),
        ),
        now=now,
    )
    office = CallbackOffice(stage.database, CallbackDesk(stage.client))
    tomorrow = (now + timedelta(days=1)).date()
    for first, last, due_on, period in (
        ("Elena", "Conti", None, "all-day"),
        ("Dario", "Ferri", tomorrow, "morning"),
    ):
        new = NewCallback(
            numbers=(stage.pbx.numbers(1, seed=len(first))[0],),
            first_name=first,
            last_name=last,
            description="Wants to know about the contract",
            due_on=due_on,
            period=period,
        )
        await office.book(LIST, new, now=now)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
