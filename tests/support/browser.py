"""A real Chromium, and the one small stack that every test of the console shares."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from playwright.sync_api import Browser, Page, Playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STARTS_S, STOPS_S = 180.0, 60.0
WIDE, NARROW = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


class NoChromium(Exception):
    """There is no Chromium, and none can be installed."""


def chromium() -> str:
    """The path of Chromium; Debian's is installed where CI has none and may install it."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if not os.environ.get("CI") or os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NoChromium("install Debian's package chromium")
    with locked(Path("/tmp/offhook-chromium.lock")):  # noqa: S108 - one for all workers
        if shutil.which("chromium") is None:
            for command in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
                subprocess.run(["apt-get", *command], check=True, stdout=subprocess.DEVNULL)
    return "/usr/bin/chromium"


@contextmanager
def browser(playwright: Playwright) -> Iterator[Browser]:
    """A browser without windows and without a profile."""
    found = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
    try:
        yield found
    finally:
        found.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's lock."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Stage:
    """Where the stack is, and who may log in."""

    url: str
    folder: Path
    password: str
    agents: tuple[str, ...]


@dataclass
class SharedStage:
    """The stack of all workers of a test run: the first starts it, the last ends it."""

    root: Path
    _told: Path = field(init=False)
    _started: "subprocess.Popen[bytes] | None" = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._told = self.root / "console-stage.json"

    def take(self) -> Stage:
        """The stage; it is started if nobody has it."""
        with locked(self.root / "console-stage.lock"):
            told: dict[str, Any] = (
                json.loads(self._told.read_text()) if self._told.exists() else self._start()
            )
            told["users"] += 1
            self._told.write_text(json.dumps(told))
        return Stage(told["url"], Path(told["folder"]), told["password"], tuple(told["agents"]))

    def give_back(self) -> None:
        """End it, if nobody else has it."""
        with locked(self.root / "console-stage.lock"):
            told = json.loads(self._told.read_text())
            told["users"] -= 1
            self._told.write_text(json.dumps(told))
            if told["users"] == 0:
                self._told.unlink()
                _end(told["pid"])
                shutil.rmtree(told["home"], ignore_errors=True)
        if self._started is not None:
            # Whoever ended it, its parent hears of it; another worker may still need it.
            self._started.poll()
            self._started.returncode = self._started.returncode or 0

    def _start(self) -> dict[str, Any]:
        home = self.root / "console-home"
        output, errors = self.root / "console-stage.out", self.root / "console-stage.err"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OFFHOOK_")}
        with output.open("w") as out, errors.open("w") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.console_stage", str(home), _run()],
                cwd=Path(__file__).parents[2],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self._started = process
        deadline = time.monotonic() + STARTS_S
        while time.monotonic() < deadline and process.poll() is None:
            if (text := output.read_text()).endswith("\n"):
                return {**json.loads(text), "pid": process.pid, "home": str(home), "users": 0}
            time.sleep(0.2)
        process.kill()
        raise RuntimeError(f"the stage did not start: {errors.read_text()[-2000:]}")


def _run() -> str:
    """The process that outlives no test: the controller of the workers, or this one."""
    return str(os.getppid() if os.environ.get("PYTEST_XDIST_WORKER") else os.getpid())


def _end(pid: int) -> None:
    """End a process that another worker may have started: that one hears of its end, not this."""
    deadline = time.monotonic() + STOPS_S
    try:
        process = psutil.Process(pid)
        process.send_signal(signal.SIGTERM)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the stack (process {pid}) did not stop in {STOPS_S} s")
            time.sleep(0.1)
    except psutil.NoSuchProcess:
        return


def cookies_of(stage: Stage, login: str) -> list[dict[str, str]]:
    """The cookies of somebody who has logged in, for a browser."""
    form = {"login": login, "password": stage.password, "next": "/"}
    answer = httpx.post(f"{stage.url}/login", data=form, timeout=30)
    return [{"name": n, "value": v, "url": stage.url} for n, v in answer.cookies.items()]


def log_in(page: Page, stage: Stage, login: str) -> None:
    """Log in as somebody, and wait for the first page."""
    page.goto(f"{stage.url}/login")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(stage.password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector("nav[aria-label=Main]")
