"""Child processes: brought back when they die, told apart when they can't start, never left
behind.
"""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from offhook.errors import PartDidNotStart, PortTaken, StackError
from offhook.home import PartState
from offhook.launch import guarded
from offhook.supervisor import Backoff, EventKind, PartSpec, Supervisor
from tests.support.stack import free_ports

QUICK = Backoff(first=timedelta(milliseconds=10), longest=timedelta(milliseconds=50))
SERVE = "import signal; open({ready!r}, 'w').write(str(__import__('os').getpid())); signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SERVE

MakeSpec = Callable[..., PartSpec]


@pytest.fixture
def part(tmp_path: Path) -> MakeSpec:
    """Builds a part that is ready once it wrote its process id to a file."""

    def make(name: str, code: str = SERVE, **options: object) -> PartSpec:
        ready_file = tmp_path / f"{name}.ready"

        async def ready(pid: int) -> bool:
            return ready_file.exists() and ready_file.read_text() == str(pid)

        command = guarded([sys.executable, "-c", code.format(ready=str(ready_file))])
        spec = PartSpec(name=name, command=lambda: command, ready=ready)
        return spec if not options else PartSpec(**{**vars(spec), **options})

    return make


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    made = Supervisor(tmp_path, backoff=QUICK)
    yield made
    await made.stop()


async def test_part_comes_back_as_another_process_when_killed(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    await supervisor.start(part("one"))
    for expected in (1, 2, 3):
        killed = supervisor.kill("one")
        assert await supervisor.wait_ready("one", not_pid=killed) != killed
        assert supervisor.restarts("one") == expected


async def test_part_comes_back_when_it_ends_by_itself(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    await supervisor.start(part("one"))
    ended = supervisor.kill("one", signal.SIGTERM)
    await supervisor.wait_ready("one", not_pid=ended)
    died = [event for event in supervisor.events if event.kind is EventKind.died]
    assert [event.exit_code for event in died] == [-signal.SIGTERM]
    assert died[0].restart_in is not None


async def test_part_that_is_held_stays_down_until_it_is_released(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    await supervisor.start(part("one"), part("two"))
    supervisor.hold("one")
    killed = supervisor.kill("one")
    for _ in range(3):  # time enough for another part to die and come back
        other = supervisor.kill("two")
        await supervisor.wait_ready("two", not_pid=other)
    assert supervisor.restarts("one") == 0
    assert supervisor.statuses()["one"].pid is None
    supervisor.release("one")
    assert await supervisor.wait_ready("one", not_pid=killed) != killed


async def test_part_that_is_held_can_be_stopped(supervisor: Supervisor, part: MakeSpec) -> None:
    await supervisor.start(part("one"))
    supervisor.hold("one")
    supervisor.kill("one")
    await supervisor.stop()
    assert supervisor.statuses()["one"].state is PartState.stopped


async def test_other_parts_go_on_when_one_is_killed(supervisor: Supervisor, part: MakeSpec) -> None:
    await supervisor.start(part("one"), part("two"))
    untouched = supervisor.pid("two")
    killed = supervisor.kill("one")
    await supervisor.wait_ready("one", not_pid=killed)
    assert supervisor.pid("two") == untouched


async def test_start_fails_with_the_parts_own_words_when_it_never_comes_up(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    with pytest.raises(PartDidNotStart, match="the disk is on fire") as failed:
        await supervisor.start(part("one", "raise SystemExit('the disk is on fire')"))
    assert "one.log" in str(failed.value.hint)
    assert len([e for e in supervisor.events if e.kind is EventKind.started]) == 3


async def test_start_fails_at_once_when_a_part_can_not_be_prepared(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    def refuse() -> None:
        raise StackError("no room")

    with pytest.raises(StackError, match="no room"):
        await supervisor.start(part("one", prepare=refuse))


async def test_part_that_never_gets_ready_is_killed_and_started_again(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    spec = part("one", "import signal; signal.pause()", start_timeout=timedelta(seconds=0.2))
    with pytest.raises(PartDidNotStart):
        await supervisor.start(spec)
    assert [e.kind for e in supervisor.events].count(EventKind.unready) == 3


async def test_parts_stop_in_the_reverse_of_their_order(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    await supervisor.start(part("one"))
    await supervisor.start(part("two"), part("three"))
    await supervisor.stop()
    stopped = [event.part for event in supervisor.events if event.kind is EventKind.stopped]
    assert stopped == ["three", "two", "one"]
    assert {status.state for status in supervisor.statuses().values()} == {PartState.stopped}


async def test_part_that_ignores_the_request_to_stop_is_killed(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    await supervisor.start(part("deaf", DEAF, stop_grace=timedelta(seconds=0.2)))
    pid = supervisor.pid("deaf")
    await supervisor.stop()
    assert not psutil.pid_exists(pid)
    assert supervisor.events[-1].exit_code == -signal.SIGKILL


async def test_waiting_for_a_part_ends_when_the_supervisor_stops(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    await supervisor.start(part("one"))
    waiting = asyncio.create_task(supervisor.wait_ready("one", not_pid=supervisor.pid("one")))
    await asyncio.sleep(0)
    await supervisor.stop()
    with pytest.raises(StackError, match="stopped"):
        await waiting


async def test_part_output_is_kept_in_its_log(
    supervisor: Supervisor, part: MakeSpec, tmp_path: Path
) -> None:
    await supervisor.start(part("one", "print('hello', flush=True);" + SERVE))
    assert (tmp_path / "one.log").read_text() == "hello\n"


def test_children_die_with_their_parent_when_it_is_killed() -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, signal\n"
            "from offhook.launch import guarded\n"
            "code = 'import signal; print(1, flush=True); signal.pause()'\n"
            "child = subprocess.Popen(guarded([sys.executable, '-c', code]),"
            " stdout=subprocess.PIPE, start_new_session=True)\n"
            "child.stdout.readline()\n"
            "print(child.pid, flush=True)\n"
            "signal.pause()",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
    child.wait(timeout=20)


def test_backoff_grows_to_its_limit_and_never_to_nothing() -> None:
    backoff = Backoff()
    delays = [backoff.delay(failures) for failures in (1, 2, 5, 50)]
    assert all(delay > timedelta(0) for delay in delays)
    assert delays[0] <= backoff.first
    assert backoff.longest / 2 <= delays[-1] <= backoff.longest


async def until_gone(pid: int) -> None:
    while psutil.pid_exists(pid):  # noqa: ASYNC110 - another program's end
        await asyncio.sleep(0.01)


@contextmanager
def another_program(port: int = 0) -> Iterator[int]:
    """Somebody else listens on a port of this machine."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
        yield listening.getsockname()[1]


async def test_start_names_the_port_that_another_program_has_and_starts_nothing(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    with (
        another_program() as port,
        pytest.raises(PortTaken, match=f"one can't listen on port {port}") as failed,
    ):
        await supervisor.start(part("one", ports=(port,)))
    assert f":{port}" in str(failed.value.hint)
    assert supervisor.events == []


async def test_part_whose_port_was_taken_comes_back_once_the_port_is_free(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    port = free_ports("one")["one"]
    await supervisor.start(part("one", ports=(port,)))
    supervisor.hold("one")
    killed = supervisor.kill("one")
    await until_gone(killed)
    with another_program(port):
        supervisor.release("one")
        while [event.kind for event in supervisor.events].count(EventKind.died) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await supervisor.wait_ready("one", not_pid=killed) != killed


async def test_part_whose_port_stays_taken_is_given_up_and_says_why(
    supervisor: Supervisor, part: MakeSpec
) -> None:
    port = free_ports("one")["one"]
    await supervisor.start(part("one", ports=(port,)), part("two"))
    supervisor.hold("one")
    killed = supervisor.kill("one")
    await until_gone(killed)
    with another_program(port):
        supervisor.release("one")
        with pytest.raises(PortTaken):
            await supervisor.wait_ready("one", not_pid=killed)
    assert supervisor.restarts("one") == 0
    assert supervisor.statuses()["one"].state is PartState.stopped
    assert supervisor.statuses()["two"].state is PartState.ready
