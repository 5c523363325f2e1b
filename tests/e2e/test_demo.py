"""The commands that a new user types first, as processes: the demo, and everything up."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from dialer.model import CampaignId, CampaignSettings, SwitchId
from offhook.home import Home, Stack
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.switches.inventory import Inventory
from offhook.switches.registry import SwitchConfig

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROMISED = {
    "contacts", "attempts", "answered", "connected", "abandoned", "abandonment_rate",
    "agent_utilisation", "outcomes", "dispositions", "answer_to_agent_ms", "double_dialed",
    "stranded", "duration_s",
}  # fmt: skip
WHOLE = {"postgres", "temporal", "links", "worker", "api"}


async def _offhook(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "offhook",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


def _processes_of(folder: Path) -> list[str]:
    """Every process whose command line, folder or environment names the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            seen = [*process.cmdline(), process.cwd(), *process.environ().values()]
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(str(folder) in word for word in seen):
            found.append(f"{process.pid} {' '.join(process.cmdline()[:6])}")
    return found


async def _none_left(folder: Path) -> list[str]:
    """The folder's processes, once there are none, or those that stay for some seconds."""
    for _ in range(100):
        found = _processes_of(folder)
        if not found:
            break
        await asyncio.sleep(0.1)
    return found


def _assert_clean(report: dict[str, Any]) -> None:
    assert report.keys() >= PROMISED
    assert report["answer_to_agent_ms"].keys() >= {"p50", "p95", "p99", "max"}
    assert sum(report["outcomes"].values()) == report["attempts"] >= report["contacts"]
    assert 0 < report["connected"] <= report["answered"] <= report["attempts"]
    assert sum(report["dispositions"].values()) <= report["connected"]
    wrongs = ("double_dialed", "stranded", "unrecorded", "unclaimed")
    assert {name: report[name] for name in wrongs} == dict.fromkeys(wrongs, 0)
    assert report["mismatches"] == []


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where child processes put what is temporary; names them, too."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


async def test_demo_reports_what_it_promises_and_leaves_nothing_behind(temporary: Path) -> None:
    process = await _offhook("demo", "--contacts", "40", "--agents", "5", "--json")
    output, _ = await process.communicate()
    report = json.loads(output)
    _assert_clean(report)
    assert report["contacts"] == 40
    assert process.returncode == (0 if report["abandonment_rate"] <= 0.03 else 1)
    assert await _none_left(temporary) == []
    assert os.listdir(temporary) == []


async def test_demo_survives_the_kill_of_its_worker(temporary: Path) -> None:
    process = await _offhook("demo", "--contacts", "24", "--agents", "5", "--kill-worker", "--json")
    output, _ = await process.communicate()
    report = json.loads(output)
    _assert_clean(report)
    assert report["take_over_s"] > 0


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_demo_leaves_nothing_behind_when_it_is_interrupted(
    temporary: Path, sign: signal.Signals
) -> None:
    process = await _offhook("demo", "--contacts", "40", "--agents", "5", "--json")
    reading = asyncio.create_task(process.communicate())
    while not any("simulator" in line for line in _processes_of(temporary)):
        assert not reading.done()
        await asyncio.sleep(0.2)
    process.send_signal(sign)
    await reading
    assert process.returncode != 0
    assert await _none_left(temporary) == []
    assert os.listdir(temporary) == []


@asynccontextmanager
async def _up() -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    process = await _offhook("up", "--json")
    assert process.stdout is not None
    try:
        yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_up_runs_everything_once_and_finds_its_data_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    async with _up() as (process, first):
        assert {part["state"] for part in first["parts"].values()} == {"ready"}
        assert first["parts"].keys() == WHOLE
        secret = first["first_login"].partition("/link#")[2]
        assert len(secret) == 43
        assert not [log.name for log in home.logs.iterdir() if secret in log.read_text()]
        second = await _offhook("up", "--json")
        output, _ = await second.communicate()
        assert (second.returncode, json.loads(output)["already_running"]) == (0, True)
        assert Stack.load(home.path).parts.keys() == WHOLE
        await _create_campaign(home)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert await _none_left(home.path) == []

    async with _up() as (process, _):
        async with _database(home) as database:
            assert (await CampaignViews(database).find("kept")).name == "kept"
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert await _none_left(home.path) == []


def _database(home: Home) -> Database:
    return Database.open(Stack.load(home.path).embedded_database_url or "")


async def _create_campaign(home: Home) -> None:
    switch = SwitchId("pbx")
    config = SwitchConfig(
        switch_id=switch,
        family="voispeed",
        name=switch,
        settings={"base_url": "http://127.0.0.1:9", "reception_ivr": "1", "hold_ivr": "2"},
        secret="token",
        hook_secret="s3cret-of-the-hook",
    )
    now = datetime.now(UTC)
    async with _database(home) as database:
        nothing = Inventory(seats=(), trunks=())
        await LinkStore(database).save(config, nothing, replace=True, now=now)
        settings = CampaignSettings(name="kept", switch=switch)
        await CampaignViews(database).create(CampaignId("kept"), settings, now=now)
