"""The worker: every adapter that activities need is made here, once, and nowhere else.

A worker that is asked to stop hands its campaigns over: their dial activities end without touching
a call, and whoever polls next takes them.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.call_check import CallCheckActivities
from activities.callbacks import CallbackActivities
from activities.campaigns import CampaignActivities
from activities.dialing import DialActivities
from activities.errors import NotConfigured
from activities.imports import ImportActivities
from activities.ivr import IvrActivities
from activities.options import TASK_QUEUE
from activities.phonebook import PhonebookActivities
from activities.ports import Switch
from activities.retention import RetentionActivities
from activities.schedules import ScheduleActivities
from dialer.model import SwitchId
from offhook.errors import OffhookError
from offhook.health import Check, Health
from offhook.home import database_url
from offhook.open_switches import OpenSwitches
from offhook.recordings import RecordingEraser
from offhook.sealing import Seals
from offhook.settings import Settings
from offhook.storage.call_check_store import PostgresCallChecks
from offhook.storage.campaign_records import PostgresCampaignRecords
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.inbox import PostgresInbox
from offhook.storage.link_store import LinkStore
from offhook.storage.phonebook_store import PostgresPhonebookRecords
from offhook.storage.pool import open_pool
from offhook.storage.recordings import Recordings
from offhook.storage.retention import Retention, keep_by
from offhook.storage.watch import PostgresWatch
from offhook.switches.registry import SwitchOpener
from offhook.temporal import client as temporal
from offhook.temporal.callback_services import (
    callback_activities,
    ensure_callbacks,
    watching_leavers,
)
from offhook.temporal.callbacks import CallbackDesk
from offhook.temporal.import_process import ImportProcess
from offhook.temporal.ivr_services import ivr_activities
from offhook.temporal.observer import MeteredDialing
from offhook.temporal.pbx_services import PbxServices
from offhook.temporal.registration import WORKFLOWS, build_id, register_search_attributes
from offhook.temporal.schedule_services import schedule_activities
from offhook.temporal.schedules import ensure_retention
from offhook.webhooks.service import sending_webhooks

log = structlog.get_logger()

POOL_SIZE = 10
STICKY_TIMEOUT = timedelta(seconds=2)
"""How long a workflow task waits for a worker that died before any other may take it."""
HEARTBEAT_AT_MOST = timedelta(seconds=1)
HEARTBEAT_DEFAULT = timedelta(milliseconds=500)
PASSED_THROUGH = ("dialer", "ivr", "activities", "pydantic", "phonenumbers", "structlog")
"""Modules that workflows share with the rest of the process: pure, and costly to load again."""


def utc_now() -> datetime:
    """The clock of production."""
    return datetime.now(UTC)


def worker_name() -> str:
    """Who this worker is, in leases and in Temporal's UI: machine, process and code."""
    return f"{socket.gethostname()}:{os.getpid()}/{build_id()}"


@dataclass(frozen=True)
class Adapters:
    """What activities see of the world."""

    database: Database
    dialing: DialActivities
    campaigns: CampaignActivities
    imports: ImportActivities
    phonebooks: PhonebookActivities
    call_checks: CallCheckActivities
    retention: RetentionActivities
    callbacks: CallbackActivities
    ivr: IvrActivities
    schedules: ScheduleActivities


@dataclass(frozen=True)
class _Switches:
    """A switch that can't be opened as configured is for a person to mend, so it isn't retried."""

    opener: SwitchOpener

    async def open(self, switch: SwitchId) -> Switch:
        try:
            return await self.opener.open(switch)
        except OffhookError as error:
            raise NotConfigured(str(error), code=error.code) from error


@asynccontextmanager
async def adapters(
    settings: Settings, client: Client, *, task_queue: str = TASK_QUEUE
) -> AsyncIterator[Adapters]:
    """Everything on PostgreSQL and the configured switches, closed at the end."""
    url = database_url(settings)
    async with AsyncExitStack() as stack:
        pool = await open_pool(url, size=POOL_SIZE, application="offhook-worker")
        stack.push_async_callback(pool.close)
        database = await stack.enter_async_context(
            Database.open(
                url,
                pool_size=settings.database.pool_size,
                application="offhook-worker",
                seals=Seals.of(settings),
            )
        )
        inbox = await stack.enter_async_context(PostgresInbox(pool, url))
        watch = await stack.enter_async_context(PostgresWatch(url))
        records = PostgresCampaignRecords(database)
        services = PbxServices(LinkStore(database).get)
        switches = OpenSwitches(LinkStore(database).get)
        stack.push_async_callback(switches.aclose)
        eraser = RecordingEraser(Recordings(pool), LinkStore(database).get)
        ivr = await stack.enter_async_context(
            ivr_activities(settings, client, database, pool, task_queue=task_queue)
        )
        yield Adapters(
            database=database,
            dialing=DialActivities(
                store=PostgresDialStore(pool),
                inbox=inbox,
                switches=_Switches(SwitchOpener(LinkStore(database).get)),
                clock=utc_now,
                observer=MeteredDialing(),
                owner=worker_name(),
                watch=watch,
            ),
            campaigns=CampaignActivities(records=records, inbox=inbox, clock=utc_now),
            imports=ImportActivities(importer=ImportProcess(url)),
            phonebooks=PhonebookActivities(
                records=PostgresPhonebookRecords(database), phonebooks=services, clock=utc_now
            ),
            call_checks=CallCheckActivities(
                records=PostgresCallChecks(database), reports=services, clock=utc_now
            ),
            retention=RetentionActivities(
                pruner=lambda alive: Retention(
                    pool, keep_by(settings.retention), alive, eraser.erase
                ),
                clock=utc_now,
            ),
            callbacks=callback_activities(
                client, database, pool, switches, settings.callbacks, task_queue=task_queue
            ),
            ivr=ivr,
            schedules=schedule_activities(client, database, task_queue=task_queue),
        )


def build_worker(
    client: Client,
    made: Adapters,
    settings: Settings,
    *,
    threads: ThreadPoolExecutor,
    task_queue: str = TASK_QUEUE,
) -> Worker:
    """A worker of every workflow and activity."""
    worker = settings.worker
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=[
            made.dialing.dial,
            made.campaigns.begin_campaign,
            made.campaigns.order_campaign,
            made.imports.import_contacts,
            made.phonebooks.sync_phonebook,
            made.call_checks.check_calls,
            made.retention.prune,
            made.callbacks.begin,
            made.callbacks.record,
            made.callbacks.permit,
            made.callbacks.call,
            made.callbacks.wake,
            made.callbacks.drive,
            made.callbacks.mirror,
            *made.ivr.all(),
            made.schedules.order,
        ],
        activity_executor=threads,
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        identity=f"offhook-worker@{worker_name()}",
        max_cached_workflows=worker.max_cached_workflows,
        max_concurrent_workflow_tasks=worker.max_workflow_tasks,
        max_concurrent_activities=worker.max_activities,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        max_heartbeat_throttle_interval=HEARTBEAT_AT_MOST,
        default_heartbeat_throttle_interval=HEARTBEAT_DEFAULT,
        graceful_shutdown_timeout=timedelta(seconds=worker.graceful_shutdown_s),
    )


async def run_worker(settings: Settings, *, stop: asyncio.Event) -> None:
    """Serve workflows and activities until `stop` is set; then hand over and end."""
    client = await temporal.connect(settings, role="worker")
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(adapters(settings, client))
        threads = stack.enter_context(ThreadPoolExecutor(4, thread_name_prefix="activity"))
        await register_search_attributes(client)
        await ensure_retention(client)
        await ensure_callbacks(client, made.database, task_queue=TASK_QUEUE)
        await stack.enter_async_context(watching_leavers(CallbackDesk(client), made.database))
        await stack.enter_async_context(sending_webhooks(settings, made.database))
        worker = build_worker(client, made, settings, threads=threads)
        health = Health("worker", {"temporal": _temporal(client), "database": _database(made)})
        port = await stack.enter_async_context(
            health.serving(settings.worker.health_host, settings.worker.health_port)
        )
        running = asyncio.create_task(worker.run(), name="worker")
        asked = asyncio.create_task(stop.wait())
        log.info("worker_started", build_id=build_id(), task_queue=TASK_QUEUE, port=port)
        await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if running.done():
            await running
        await worker.shutdown()
        await running
        log.info("worker_stopped")


def _temporal(client: Client) -> Check:
    async def check() -> str | None:
        return None if await client.service_client.check_health() else "not serving"

    return check


def _database(made: Adapters) -> Check:
    async def check() -> str | None:
        async with made.database.transaction() as session:
            await session.execute(text("SELECT 1"))
        return None

    return check
