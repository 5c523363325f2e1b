"""The folder of a local stack, and how any command finds the stack that runs from it.

The truth about "is it running" is a lock that the supervisor holds for as long as it lives, not a
process id in a file: the kernel drops the lock however the supervisor ends. `stack.json` then says
where things are. It holds no secrets: an external database's URL stays in the settings.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from offhook.errors import StackError, StackNotRunning
from offhook.settings import Settings


class PartState(StrEnum):
    """Where a supervised process is in its life."""

    starting = "starting"
    ready = "ready"
    backing_off = "backing_off"
    stopping = "stopping"
    stopped = "stopped"


class PartStatus(BaseModel):
    """What `stack.json` says about one supervised process."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: PartState
    pid: int | None = None
    process_started: float | None = None
    restarts: int = 0
    since: AwareDatetime
    url: str | None = None


class Stack(BaseModel):
    """A local stack as its supervisor last wrote it down."""

    model_config = ConfigDict(frozen=True)

    home: Path
    supervisor_pid: int
    started_at: AwareDatetime
    parts: dict[str, PartStatus] = {}
    ports: dict[str, int] = {}
    embedded_database_url: str | None = None
    embedded_temporal_address: str | None = None
    temporal_ui_url: str | None = None
    api_url: str | None = None
    console_url: str | None = None
    """The console is served beside the API, unless a setting turns it off."""
    links_url: str | None = None
    worker_url: str | None = None

    @classmethod
    def load(cls, home: "Home | Path") -> "Stack":
        """The stack that runs from `home`; `StackNotRunning` when none does."""
        place = home if isinstance(home, Home) else Home(home)
        stack = cls.last(place)
        if stack is None or not place.is_locked():
            raise StackNotRunning(place.path)
        return stack

    @classmethod
    def last(cls, home: "Home") -> "Stack | None":
        """What was written down last, whether or not it still runs; None when there is nothing."""
        try:
            return cls.model_validate_json(home.stack_file.read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def urls(self) -> dict[str, str]:
        """The addresses that a person can open, by what they are."""
        named = {
            "console": self.console_url,
            "api": self.api_url,
            "links": self.links_url,
            "worker": self.worker_url,
            "temporal_ui": self.temporal_ui_url,
        }
        return {name: url for name, url in named.items() if url is not None}


class Home:
    """The folder that holds a local stack's data, keys, logs and status."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    @property
    def postgres(self) -> Path:
        """Data folder of the embedded PostgreSQL."""
        return self.path / "postgres"

    @property
    def temporal(self) -> Path:
        """Folder of the embedded Temporal server's database."""
        return self.path / "temporal"

    @property
    def logs(self) -> Path:
        """One file per supervised process."""
        return self.path / "logs"

    @property
    def keys(self) -> Path:
        """Key rings, readable by the owner only."""
        return self.path / "keys"

    @property
    def stack_file(self) -> Path:
        """The status that other commands read."""
        return self.path / "stack.json"

    @property
    def lock_file(self) -> Path:
        """Held by the supervisor for as long as it lives."""
        return self.path / "lock"

    def ensure(self) -> "Home":
        """Create the folder with rights for its owner only, and return it."""
        # Run by root, PostgreSQL is another account and has to pass through; what is inside stays
        # closed.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if self.path.stat().st_uid == os.geteuid():
                self.path.chmod(mode)
            for folder in (self.logs, self.keys, self.temporal):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"the home {self.path} can't be used: {error.strerror}",
                hint="set OFFHOOK_HOME to a folder that you may write to",
            ) from error
        return self

    def is_locked(self) -> bool:
        """Whether a supervisor holds this home."""
        try:
            handle = os.open(self.lock_file, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Hold this home; yields False, and holds nothing, when another supervisor does already."""
        handle = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _take(handle)
        finally:
            os.close(handle)

    def write_stack(self, stack: Stack) -> None:
        """Replace the status in one step, so that a reader never sees half of it."""
        partial = self.stack_file.with_suffix(".partial")
        partial.write_text(json.dumps(stack.model_dump(mode="json"), indent=2) + "\n")
        partial.chmod(0o600)
        partial.replace(self.stack_file)


def _take(handle: int) -> bool:
    """Whether the lock was got; a command that only looks holds it for an instant, so try again."""
    for pause in (0.01, 0.05, 0.2, 0.0):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return True
    return False


def database_url(settings: Settings) -> str:
    """Where the database is: the setting, else the embedded one of the running stack."""
    if settings.database.url is not None:
        return settings.database.url.get_secret_value()
    url = Stack.load(settings.home).embedded_database_url
    if url is None:
        raise StackNotRunning(settings.home)
    return url


def temporal_address(settings: Settings) -> str:
    """Where Temporal is: the setting, else the embedded server of the running stack."""
    if settings.temporal.address is not None:
        return settings.temporal.address
    address = Stack.load(settings.home).embedded_temporal_address
    if address is None:
        raise StackNotRunning(settings.home)
    return address


def age(status: PartStatus, now: datetime) -> float:
    """Seconds since the part's state last changed."""
    return (now - status.since).total_seconds()
