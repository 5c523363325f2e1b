"""`offhook simulator voispeed` as a process: it says where it is, serves, and leaves cleanly."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from offhook.switches.voispeed import wire

RUN = [sys.executable, "-c", "from offhook.cli.simulator_cmd import app; app()", "voispeed"]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command and the first line it printed; killed if it does not leave by itself."""
    process = subprocess.Popen([*RUN, "--port", "0", *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def test_command_tells_its_addresses_serves_and_leaves_on_interrupt() -> None:
    with running("--json", "--agents", "3", "--lines", "7", "--token", "t0ken") as (process, line):
        told = json.loads(line)
        assert told["users"] == ["101", "102", "103"]
        params = {"service": "get_entities", "entity_type": "2", "token": "t0ken"}
        body = httpx.get(told["url"], params=params).content
        (gateway,) = wire.parse_entities(body, wire.EntityType.gateway)  # type: ignore[misc]  # a refusal would fail the unpacking
        assert isinstance(gateway, wire.Gateway)
        assert gateway.lines == 7
        assert httpx.get(f"{told['control_url']}/config").json()["seed"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_command_prints_an_address_to_try() -> None:
    with running() as (_, line):
        url = line.split(": ", 1)[1].strip()
        assert url.startswith("http://127.0.0.1:")
        assert "service=get_entities" in url


def test_command_says_what_is_wrong_with_its_options(tmp_path: Path) -> None:
    people = tmp_path / "people.toml"
    people.write_text("colour = 1\n")
    for options in (("--population", str(people)), ("--events-url", "ftp://x"), ("--speed", "0")):
        done = subprocess.run([*RUN, "--port", "0", *options], capture_output=True, text=True)
        assert done.returncode == 2
        assert options[0] in done.stderr


def test_command_says_which_address_is_taken() -> None:
    with running("--json") as (_, line):
        port = str(json.loads(line)["port"])
        done = subprocess.run([*RUN, "--port", port], capture_output=True, text=True)
        assert done.returncode == 1
        assert "choose --port" in done.stderr
