"""The development PBX of a home: started once, there until it is ended, found by any command."""

import asyncio
import csv
import os
import shutil
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, Field

from offhook.pbx.asterisk import AsteriskFailed, make_plan, prepare
from offhook.pbx.configuration import APPLICATION, TRUNK
from offhook.pbx.install import Installed
from offhook.pbx.numbers import Behaviour, Mixture, Person, crowd, number
from offhook.pbx.people import gather

LINES = 30
PEOPLE = 100
"""In the contact file, of all kinds, who ring and talk briefly."""
_STOP_S = 3.0
_LONGEST = 80
"""Letters of a folder's path: a control socket's is limited to a hundred or so."""


class PbxProcess(BaseModel):
    """A process, told from a later one with the same id by when it began."""

    model_config = ConfigDict(frozen=True)

    pid: int
    began: float

    @classmethod
    def of(cls, pid: int) -> "PbxProcess":
        """The process that has this id now."""
        return cls(pid=pid, began=psutil.Process(pid).create_time())

    def found(self) -> psutil.Process | None:
        """The process, while it is there."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if process.create_time() == self.began and process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None


class DevelopmentPbx(BaseModel):
    """What is needed to use a development PBX, and to end it."""

    model_config = ConfigDict(frozen=True)

    folder: Path
    ari_url: str
    user: str
    password: str = Field(repr=False)
    application: str = APPLICATION
    trunk: str = TRUNK
    lines: int = LINES
    agents: tuple[str, ...]
    processes: dict[str, PbxProcess]

    @property
    def contacts(self) -> Path:
        """A contact file of people who answer here, for `offhook campaign create --contacts`."""
        return self.folder / "contacts.csv"

    @property
    def running(self) -> bool:
        """Whether all of it is there."""
        return all(process.found() for process in self.processes.values())


def state_file(folder: Path) -> Path:
    """Where a development PBX is written down."""
    return folder / "pbx.json"


def load(folder: Path) -> DevelopmentPbx | None:
    """The one that was started in `folder`, running or not."""
    try:
        return DevelopmentPbx.model_validate_json(state_file(folder).read_bytes())
    except (FileNotFoundError, ValueError):
        return None


async def start(installed: Installed, folder: Path, *, agents: int) -> DevelopmentPbx:
    """Start one in an absolute `folder` that outlives this process; an earlier one is ended."""
    if len(str(folder)) > _LONGEST:
        raise AsteriskFailed(
            f"the folder's path is longer than {_LONGEST} letters, too long for a control socket",
            hint="choose a home with a shorter path: OFFHOOK_HOME",
        )
    if (old := load(folder)) is not None:
        await stop(old)
    plan = make_plan(folder, agents=agents)
    asterisk = prepare(installed, plan, detached=True)
    people = gather(installed, plan, detached=True)
    await asterisk.start()
    try:
        await people.start()
    except BaseException:
        await people.stop()
        await asterisk.stop()
        raise
    made = DevelopmentPbx(
        folder=folder,
        ari_url=asterisk.ari_url,
        user=asterisk.user,
        password=asterisk.password,
        agents=tuple(plan.agents),
        processes={
            "asterisk": PbxProcess.of(asterisk.pid),
            "people": PbxProcess.of(people.called.pid),
            "agents": PbxProcess.of(people.agents.pid),
        },
    )
    write_people(made.contacts)
    _write(state_file(folder), made)
    return made


async def stop(pbx: DevelopmentPbx) -> list[str]:
    """End it and remove its folder; the names of what was still running."""
    found = {name: process.found() for name, process in pbx.processes.items()}
    running = {name: process for name, process in found.items() if process is not None}
    for process in running.values():
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = await asyncio.to_thread(psutil.wait_procs, list(running.values()), timeout=_STOP_S)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    shutil.rmtree(pbx.folder, ignore_errors=True)
    return sorted(running)


def example_numbers() -> dict[str, str]:
    """A number for each behaviour, to try things with."""
    return {kind.name: number(kind, 1, ring_s=1.0, talk_s=20.0) for kind in Behaviour}


def write_people(path: Path, count: int = PEOPLE) -> None:
    """Write a contact file: a name that says what the person does, and the number that he has."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("external_id", "name", "phone"))
        for index, phone in enumerate(crowd(count, Mixture(), seed=1), start=1):
            person = Person.of(phone)
            writer.writerow((f"P{index:04}", person.behaviour.name if person else "", phone))


def _write(path: Path, pbx: DevelopmentPbx) -> None:
    half = path.with_suffix(".half")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(pbx.model_dump_json(indent=2) + "\n")
    half.replace(path)
