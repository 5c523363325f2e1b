"""Imports in a process of their own, so that a worker that also dials never computes for one.

`ImportProcess` is the worker's side. The other side is this module run as a program: it gets the
request on its standard input and says what happens on its standard output, one JSON object a line.
It dies with its parent.
"""

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel
from temporalio.exceptions import ApplicationError

from activities.contracts import ImportInput, ImportProgress, ImportResult
from activities.errors import coded_errors
from activities.imports import ContactImporter, Report
from offhook.launch import guarded
from offhook.logging import configure_logging
from offhook.settings import LogSettings
from offhook.storage.contact_imports import PostgresContactImports
from offhook.storage.pool import open_pool
from offhook.temporal.contact_files import LocalContactFiles

LINE_LIMIT = 1 << 20
DIED = "import_process_died"
NICENESS = 2
"""Somebody on the phone comes first."""


class Task(BaseModel):
    """What the child is asked."""

    database_url: str
    request: ImportInput


class Said(BaseModel):
    """One line of the child: how far it is, and at the end what came of it."""

    progress: ImportProgress | None = None
    result: ImportResult | None = None
    code: str = ""
    message: str = ""
    final: bool = False


@dataclass(frozen=True)
class ImportProcess:
    """Implements `activities.imports.Importer` with a child for each import."""

    database_url: str

    async def run(self, request: ImportInput, *, report: Report) -> ImportResult:
        """Import the file; a cancellation kills the child between two batches or within one."""
        child = await asyncio.create_subprocess_exec(
            *guarded([sys.executable, "-m", "offhook.temporal.import_process"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=LINE_LIMIT,
        )
        if child.stdin is None or child.stdout is None:
            raise RuntimeError("a child has the pipes it was started with")
        try:
            task = Task(database_url=self.database_url, request=request)
            child.stdin.write(task.model_dump_json().encode() + b"\n")
            child.stdin.close()
            async for line in child.stdout:
                said = Said.model_validate_json(line)
                if said.progress is not None:
                    report(said.progress)
                elif said.result is not None:
                    return said.result
                else:
                    raise ApplicationError(said.message, type=said.code, non_retryable=said.final)
            # What was merged stays; the next attempt goes on behind it.
            raise ApplicationError("the import's process has died", type=DIED)
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()


async def _import(task: Task) -> Said:
    """Do the work of the child; whatever goes wrong is said, not raised."""
    try:
        with coded_errors(patient=False):
            pool = await open_pool(task.database_url, size=2, application="offhook-import")
            try:
                importer = ContactImporter(
                    imports=PostgresContactImports(pool),
                    blobs=LocalContactFiles(),
                    clock=lambda: datetime.now(UTC),
                )
                return Said(result=await importer.run(task.request, report=_report))
            finally:
                await pool.close()
    except ApplicationError as error:
        return Said(code=error.type or "failed", message=error.message, final=error.non_retryable)


def _report(progress: ImportProgress) -> None:
    _say(Said(progress=progress))


def _say(said: Said) -> None:
    sys.stdout.write(said.model_dump_json(exclude_defaults=True) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Be the child."""
    os.nice(NICENESS)
    configure_logging(LogSettings(), process="import")
    _say(asyncio.run(_import(Task.model_validate_json(sys.stdin.buffer.readline()))))


if __name__ == "__main__":
    main()
