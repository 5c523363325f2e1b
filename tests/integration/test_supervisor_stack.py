"""A whole local stack, killed and started again; and the commands that run it and look at it."""

import asyncio
import json
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from offhook.doctor import State, diagnose
from offhook.errors import StackAlreadyRunning, StackNotRunning
from offhook.home import Home, Stack, database_url, temporal_address
from offhook.settings import DatabaseSettings, Settings, load_settings
from offhook.storage.database import Database
from offhook.supervisor import running_stack
from offhook.supervisor.ports import PortClaims, choose_ports, is_free

SERVICES = frozenset({"postgres", "temporal"})


@pytest.mark.slow
async def test_stack_keeps_data_and_addresses_over_kills_and_restarts() -> None:
    settings = load_settings()
    async with running_stack(settings.home, settings, parts=SERVICES) as stack:
        assert stack.database_url is not None
        async with Database.open(stack.database_url) as database, database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql("CREATE TABLE kept AS SELECT 42 AS n")
        for name in sorted(SERVICES):
            killed = stack.kill(name)
            await stack.wait_ready(name, not_pid=killed)
        addresses = (stack.temporal_address, stack.stack.temporal_ui_url)

    async with running_stack(settings.home, settings, parts=SERVICES) as stack:
        assert (stack.temporal_address, stack.stack.temporal_ui_url) == addresses
        assert stack.database_url is not None
        async with Database.open(stack.database_url) as database, database.transaction() as session:
            connection = await session.connection()
            kept = await connection.exec_driver_sql("SELECT n FROM kept")
            assert kept.scalar_one() == 42


async def test_stack_is_found_by_other_commands_while_it_runs_only() -> None:
    settings = load_settings()
    with pytest.raises(StackNotRunning):
        Stack.load(settings.home)
    async with running_stack(settings.home, settings, parts={"postgres"}) as stack:
        assert database_url(settings) == stack.database_url
        assert Stack.load(settings.home).parts["postgres"].pid == stack.pid("postgres")
        with pytest.raises(StackNotRunning):
            temporal_address(settings)
    with pytest.raises(StackNotRunning):
        database_url(settings)


async def test_stack_chooses_other_ports_when_another_takes_one_before_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings()
    chosen: list[int] = []
    with socket.socket() as other:

        def choose(names: Iterable[str], **options: Any) -> dict[str, int]:
            ports = choose_ports(names, **options)
            if not chosen:
                other.bind(("127.0.0.1", ports["temporal"]))
                other.listen()
            chosen.append(ports["temporal"])
            return ports

        monkeypatch.setattr("offhook.supervisor.stack.choose_ports", choose)
        async with running_stack(settings.home, settings, parts={"temporal"}) as stack:
            assert stack.stack.ports["temporal"] == chosen[1] != chosen[0]
            assert stack.temporal_address == f"127.0.0.1:{chosen[1]}"


def test_port_of_a_part_that_is_down_is_not_taken_by_another_stack(tmp_path: Path) -> None:
    ours, theirs = PortClaims(tmp_path), PortClaims(tmp_path)
    wish = choose_ports(["links"], preferred={}, remembered={})
    found = choose_ports(["links"], preferred=wish, remembered={}, may_have=ours.claim)
    assert found == wish  # nobody listens there
    other = choose_ports(["links"], preferred=wish, remembered={}, may_have=theirs.claim)
    assert other != wish
    ours.give_back()
    assert choose_ports(["links"], preferred=wish, remembered={}, may_have=theirs.claim) == wish


async def test_stack_refuses_a_home_that_has_one() -> None:
    settings = load_settings()
    async with running_stack(settings.home, settings, parts={"postgres"}) as stack:
        with pytest.raises(StackAlreadyRunning):
            async with running_stack(settings.home, settings, parts={"postgres"}):
                pass
        assert Stack.load(settings.home).supervisor_pid == os.getpid()
        assert psutil.pid_exists(stack.pid("postgres"))


async def test_stack_uses_an_external_database_and_writes_no_secret(postgres_url: str) -> None:
    database = DatabaseSettings(url=SecretStr(postgres_url.replace("@/", ":hunter2@/")))
    settings = load_settings().model_copy(update={"database": database})
    async with running_stack(settings.home, settings, parts={"postgres"}) as stack:
        assert stack.stack.parts == {}
        assert "hunter2" in database_url(settings)
    written = Home(settings.home).stack_file
    assert "hunter2" not in written.read_text()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_ports_are_remembered_then_preferred_then_any() -> None:
    chosen = choose_ports(
        ("a", "b", "c"), preferred={"a": 21, "b": 22_222}, remembered={"a": 22_221}
    )
    assert (chosen["a"], chosen["b"]) == (22_221, 22_222)
    assert is_free(chosen["c"])


async def test_ports_of_others_are_left_alone() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    taken = server.sockets[0].getsockname()[1]
    chosen = choose_ports(("a",), preferred={"a": taken}, remembered={"a": taken})
    server.close()
    assert chosen["a"] != taken


async def _offhook(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook", *arguments, stdout=asyncio.subprocess.PIPE
    )


async def _answer(*arguments: str) -> tuple[int | None, dict[str, Any]]:
    process = await _offhook(*arguments)
    output, _ = await process.communicate()
    return process.returncode, json.loads(output)


@asynccontextmanager
async def _up(*parts: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    options = [option for part in parts for option in ("--part", part)]
    process = await _offhook("up", "--json", *options)
    assert process.stdout is not None
    try:
        yield process, json.loads(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.slow
async def test_up_says_that_it_runs_already_and_stops_cleanly_when_interrupted() -> None:
    async with _up("postgres") as (process, first):
        assert first["already_running"] is False
        code, second = await _answer("up", "--json")
        assert (code, second["already_running"], second["pid"]) == (0, True, process.pid)
        postgres = first["parts"]["postgres"]["pid"]
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
        assert not psutil.pid_exists(postgres)


@pytest.mark.slow
async def test_up_starts_again_when_its_supervisor_was_killed() -> None:
    async with _up("postgres") as (process, first):
        process.kill()
        await process.wait()
        async with _up("postgres") as (_, second):
            assert second["already_running"] is False
            assert second["parts"]["postgres"]["pid"] != first["parts"]["postgres"]["pid"]


@pytest.mark.slow
async def test_doctor_fails_with_what_to_do_when_no_worker_polls() -> None:
    code, diagnosis = await _answer("doctor", "--json")
    states = {finding["check"]: finding["state"] for finding in diagnosis["findings"]}
    assert (code, diagnosis["healthy"], states["database"]) == (0, True, "skipped")

    async with _up("postgres", "temporal"):
        code, diagnosis = await _answer("doctor", "--json")
    findings = {finding["check"]: finding for finding in diagnosis["findings"]}
    assert (code, diagnosis["healthy"]) == (1, False)
    assert [name for name, found in findings.items() if found["state"] == "failed"] == ["worker"]
    assert "offhook worker" in findings["worker"]["hint"]


async def test_doctor_warns_about_variables_that_set_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OFFHOOK_DATABSE__URL", "x")
    diagnosis = await diagnose(load_settings())
    (finding,) = [found for found in diagnosis.findings if found.check == "variables"]
    assert finding.state is State.warning
    assert "OFFHOOK_DATABSE__URL" in finding.detail


async def test_doctor_reports_a_database_that_does_not_answer(tmp_path: Path) -> None:
    url = SecretStr(f"postgresql://u@/d?host={tmp_path}")
    settings = Settings(home=tmp_path, database=DatabaseSettings(url=url))
    diagnosis = await diagnose(settings)
    failed = {found.check for found in diagnosis.findings if found.state is State.failed}
    assert failed == {"database", "schema"}
    assert not diagnosis.healthy
