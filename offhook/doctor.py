"""`offhook doctor`: what works, what doesn't, and what to do about each.

A check never raises: whatever it meets becomes a finding. A stack that isn't running is no
failure, since a new installation has none; what can't be checked without it is reported as
skipped.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import asyncpg
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, DescribeTaskQueueRequest

from activities.ports import StoreUnavailable
from offhook.errors import OffhookError
from offhook.health import is_ready
from offhook.home import Home, Stack, database_url
from offhook.settings import Settings, unknown_variables
from offhook.storage import migrate
from offhook.storage.database import Database, asyncpg_dsn
from offhook.storage.embedded import EmbeddedPostgres
from offhook.storage.link_store import LinkStore
from offhook.storage.watch import watched_now
from offhook.supervisor.parts import PROCESSES, process_address
from offhook.supervisor.ports import is_free
from offhook.temporal.client import connect
from offhook.temporal.codec import KeyRing
from offhook.temporal.embedded import PORTS, EmbeddedTemporal

_OLDEST_PYTHON = (3, 11)
_OLDEST_POSTGRES = 14
_DISK_WANTED = 2_000_000_000
_DISK_NEEDED = 300_000_000
_CLOCK_TOLERANCE = timedelta(seconds=2)
_TIMEOUT = timedelta(seconds=10)


class State(StrEnum):
    """How a check came out."""

    ok = "ok"
    warning = "warning"
    failed = "failed"
    skipped = "skipped"


class Finding(BaseModel):
    """The result of one check."""

    model_config = ConfigDict(frozen=True)

    check: str
    state: State
    detail: str
    hint: str | None = None


class Diagnosis(BaseModel):
    """Every finding of one run."""

    model_config = ConfigDict(frozen=True)

    findings: tuple[Finding, ...]
    healthy: bool


class Trouble(Exception):
    """A check's own way to end with a finding that isn't `ok`."""

    def __init__(
        self, detail: str, hint: str | None = None, *, state: State = State.failed
    ) -> None:
        super().__init__(detail)
        self.hint = hint
        self.state = state


_Check = Callable[["Patient"], Awaitable[str]]


class Patient:
    """What the checks look at."""

    def __init__(self, settings: Settings, task_queues: Sequence[str]) -> None:
        self.settings = settings
        self.home = Home(settings.home)
        self.task_queues = task_queues
        try:
            self.stack: Stack | None = Stack.load(self.home)
        except OffhookError:
            self.stack = None

    def need_stack(self, external: object, what: str) -> None:
        """End the check as skipped when `what` is embedded and nothing runs."""
        if external is None and self.stack is None:
            raise Trouble(
                f"{what} is the embedded one, and no stack is running",
                "start it with `offhook up`",
                state=State.skipped,
            )


async def diagnose(settings: Settings, *, task_queues: Sequence[str] = ()) -> Diagnosis:
    """Run every check; slow ones side by side."""
    patient = Patient(settings, task_queues)
    findings = await asyncio.gather(*(_run(name, check, patient) for name, check in CHECKS.items()))
    return Diagnosis(
        findings=tuple(findings),
        healthy=all(finding.state is not State.failed for finding in findings),
    )


async def _run(name: str, check: _Check, patient: Patient) -> Finding:
    try:
        detail = await asyncio.wait_for(check(patient), _TIMEOUT.total_seconds())
    except Trouble as trouble:
        return Finding(check=name, state=trouble.state, detail=str(trouble), hint=trouble.hint)
    except TimeoutError:
        text = f"no answer within {_TIMEOUT.total_seconds():g} s"
        return Finding(check=name, state=State.failed, detail=text, hint=_HINTS.get(name))
    except Exception as error:
        hint = getattr(error, "hint", None) or _HINTS.get(name)
        text = str(error) or type(error).__name__
        return Finding(check=name, state=State.failed, detail=text, hint=hint)
    return Finding(check=name, state=State.ok, detail=detail)


async def _python(_patient: Patient) -> str:
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < _OLDEST_PYTHON:
        raise Trouble(f"Python {found} is too old", "install Python 3.11 or newer")
    return f"Python {found}"


async def _variables(_patient: Patient) -> str:
    unknown = unknown_variables(os.environ)
    if unknown:
        raise Trouble(
            f"these variables set nothing: {', '.join(unknown)}",
            "correct the names; docs/reference/settings.md lists every setting",
            state=State.warning,
        )
    return "every OFFHOOK_ variable is a setting"


async def _postgres_program(patient: Patient) -> str:
    if patient.settings.database.url is not None:
        return "not needed: OFFHOOK_DATABASE__URL is set"
    server = EmbeddedPostgres(patient.home.postgres, user=patient.settings.database.embedded_user)
    version = await _output(str(server.binaries / "postgres"), "--version")
    return version + (f", run by {server.run_as}" if server.run_as else "")


async def _temporal_program(patient: Patient) -> str:
    if patient.settings.temporal.address is not None:
        return "not needed: OFFHOOK_TEMPORAL__ADDRESS is set"
    server = EmbeddedTemporal(
        patient.home.temporal / "temporal.db",
        ports=dict.fromkeys(PORTS, 0),
        namespace=patient.settings.temporal.namespace,
    )
    return await _output(str(server.binary), "--version")


async def _home(patient: Patient) -> str:
    path = patient.home.path
    above = next(folder for folder in (path, *path.parents) if folder.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        raise Trouble(f"{above} can't be written to", "set OFFHOOK_HOME to a folder of your own")
    if not path.exists():
        return f"{path} will be made by `offhook up`"
    KeyRing.load(patient.settings)
    return f"{path} is writable and its keys are readable by their owner only"


async def _disk(patient: Patient) -> str:
    path = patient.home.path
    above = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(above).free
    text = f"{free / 1e9:.1f} GB free at {above}"
    if free < _DISK_WANTED:
        state = State.failed if free < _DISK_NEEDED else State.warning
        raise Trouble(text, "free some space: a full disk stops the database", state=state)
    return text


async def _ports(patient: Patient) -> str:
    if patient.stack is not None:
        return "in use by the running stack"
    wanted = {name: process_address(name, patient.settings)[1] for name in PROCESSES}
    taken = [f"{name} {port}" for name, port in wanted.items() if port and not is_free(port)]
    if taken:
        raise Trouble(
            f"taken by another program: {', '.join(taken)}",
            "`offhook up` will take free ones; set OFFHOOK_API__PORT and the like to choose",
            state=State.warning,
        )
    return ", ".join(f"{name} {port}" for name, port in wanted.items()) + " are free"


async def _stack(patient: Patient) -> str:
    if patient.stack is None:
        raise Trouble(
            f"no stack is running in {patient.home.path}",
            "start it with `offhook up`",
            state=State.skipped,
        )
    parts = patient.stack.parts.values()
    down = [f"{part.name} is {part.state}" for part in parts if part.state != "ready"]
    if down:
        raise Trouble(", ".join(down), f"read the logs in {patient.home.logs}")
    restarts = sum(part.restarts for part in parts)
    return (
        f"{len(parts)} parts ready, {restarts} restarts since {patient.stack.started_at:%F %T} UTC"
    )


async def _database(patient: Patient) -> str:
    patient.need_stack(patient.settings.database.url, "the database")
    url = database_url(patient.settings)
    connection = await asyncpg.connect(asyncpg_dsn(url), timeout=_TIMEOUT.total_seconds())
    try:
        version = connection.get_server_version()
        before = datetime.now(UTC)
        there: datetime = await connection.fetchval("SELECT clock_timestamp()")
        after = datetime.now(UTC)
    finally:
        await connection.close()
    if version.major < _OLDEST_POSTGRES:
        raise Trouble(f"PostgreSQL {version.major} is too old", f"use {_OLDEST_POSTGRES} or newer")
    skew = there - (before + (after - before) / 2)
    if abs(skew) > _CLOCK_TOLERANCE:
        raise Trouble(
            f"its clock is {skew.total_seconds():+.1f} s from this machine's",
            "synchronise both with NTP: calling hours and lockouts depend on it",
        )
    milliseconds = (after - before).total_seconds() * 1000
    return f"PostgreSQL {version.major}, {milliseconds:.1f} ms away, clocks agree"


async def _schema(patient: Patient) -> str:
    patient.need_stack(patient.settings.database.url, "the database")
    at, newest = await migrate.current(database_url(patient.settings)), migrate.newest()
    if at != newest:
        raise Trouble(
            f"the schema is at {at or 'nothing'}, and this version needs {newest}",
            "run `offhook db upgrade`; `offhook up` does it by itself when it starts",
        )
    return f"the schema is at {at}, as this version needs"


async def _temporal(patient: Patient) -> str:
    patient.need_stack(patient.settings.temporal.address, "Temporal")
    client = await connect(patient.settings, role="doctor")
    started = time.perf_counter()
    await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace)
    )
    milliseconds = (time.perf_counter() - started) * 1000
    return f"namespace {client.namespace} answers in {milliseconds:.1f} ms"


async def _worker(patient: Patient) -> str:
    patient.need_stack(patient.settings.temporal.address, "Temporal")
    client = await connect(patient.settings, role="doctor")
    lonely, count = [], 0
    for queue in patient.task_queues:
        request = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        pollers = (await client.workflow_service.describe_task_queue(request)).pollers
        count += len(pollers)
        if not pollers:
            lonely.append(queue)
    if lonely:
        raise Trouble(
            f"no worker polls {', '.join(lonely)}",
            "start one with `offhook worker`, or everything with `offhook up`",
        )
    return f"{count} pollers on {', '.join(patient.task_queues) or 'no queue'}"


async def _processes(patient: Patient) -> str:
    stack = patient.stack
    running = [name for name in PROCESSES if stack is not None and name in stack.parts]
    if stack is None or not running:
        raise Trouble("no stack is running", "start it with `offhook up`", state=State.skipped)
    unready = []
    for name in running:
        host, _port = process_address(name, patient.settings)
        if not await is_ready(host, stack.ports[name]):
            unready.append(name)
    if unready:
        raise Trouble(
            f"not ready: {', '.join(unready)}",
            f"open /readyz of each for the reason, and read the logs in {patient.home.logs}",
        )
    return f"{', '.join(running)} are ready"


async def _watch(patient: Patient) -> str:
    patient.need_stack(patient.settings.database.url, "the database")
    url = database_url(patient.settings)
    try:
        async with Database.open(url, pool_size=1) as database:
            switches = await LinkStore(database).switches()
    except (StoreUnavailable, SQLAlchemyError) as error:
        raise Trouble("the database can't be asked for switches", state=State.skipped) from error
    watched = await watched_now(url, {one.switch_id for one in switches})
    alone = [one.name for one in switches if one.switch_id not in watched]
    if alone:
        raise Trouble(
            f"nobody watches the events of {', '.join(alone)}: campaigns on them wait",
            "start `offhook links`, or everything with `offhook up`; `offhook switch list` says "
            "how each link is",
        )
    if not switches:
        return "there is no switch yet"
    return f"the events of {', '.join(one.name for one in switches)} are watched"


async def _output(*command: str) -> str:
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=10, check=False
    )
    if done.returncode != 0:
        raise Trouble(
            f"{command[0]} does not run: {done.stderr.strip()}",
            "this machine's system may be too old or of another kind; use external services",
        )
    return done.stdout.strip()


CHECKS: dict[str, _Check] = {
    "python": _python,
    "variables": _variables,
    "postgres program": _postgres_program,
    "temporal program": _temporal_program,
    "home": _home,
    "disk": _disk,
    "ports": _ports,
    "stack": _stack,
    "database": _database,
    "schema": _schema,
    "temporal": _temporal,
    "worker": _worker,
    "processes": _processes,
    "watch": _watch,
}

_HINTS = {
    "database": "check OFFHOOK_DATABASE__URL, the server, and the way to it",
    "schema": "check OFFHOOK_DATABASE__URL, the server, and the way to it",
    "temporal": "check OFFHOOK_TEMPORAL__ADDRESS, its namespace, and the way to it",
    "worker": "check OFFHOOK_TEMPORAL__ADDRESS, its namespace, and the way to it",
}
