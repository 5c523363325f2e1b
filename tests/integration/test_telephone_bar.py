"""The telephone bar example, run as a person would, against the simulator."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from offhook.simulator.config import SimulatorConfig, make_users
from offhook.simulator.model import Entity, EntityKind
from offhook.simulator.population import Behaviour, PersonKind, Population
from offhook.simulator.serve import Simulator, running_simulator
from offhook.switches.voispeed import wire

EXAMPLE = Path(__file__).parents[2] / "examples" / "telephone_bar.py"
ANNA = "+393201112223"
BRUNO = "+393201112224"
PEOPLE = Population(
    numbers={
        ANNA: [Behaviour(kind=PersonKind.answer, ring_s=0.05, talk_s=60)],
        BRUNO: [Behaviour(kind=PersonKind.busy, ring_s=0.05)],
    }
)


@dataclass
class Bar:
    """The program, its keyboard and its screen."""

    process: asyncio.subprocess.Process
    simulator: Simulator

    def type(self, line: str) -> None:
        """Type a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())

    async def shows(self, text: str) -> str:
        """Read the screen until a line holds `text`."""
        assert self.process.stdout is not None
        seen = []
        try:
            async with asyncio.timeout(15):
                while line := (await self.process.stdout.readline()).decode():
                    seen.append(line)
                    if text in line:
                        return line
        except TimeoutError:
            pass
        raise AssertionError(f"never showed {text!r}, only {''.join(seen)}")

    def ring(self, number: str, user_id: str = "101") -> None:
        """Let somebody outside call a user."""
        self.simulator.face.pbx.inbound(
            number,
            gateway="1",
            called=Entity(EntityKind.user, user_id),
            called_number="201",
        )


@pytest.fixture
async def bar() -> AsyncIterator[Bar]:
    """The program of extension 201, at a PBX that knows Anna."""
    config = SimulatorConfig(
        users=make_users(2),
        population=PEOPLE,
        user_events_for_all=True,
        hand_answer_s=(0.3, 0.4),
    )
    async with running_simulator(config) as simulator:
        simulator.face.phonebook.add(
            wire.AddPhonebook(name="Anna", surname="Verdi", company="Works", mobile=ANNA)
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLE),
            *("--url", simulator.url, "--ext", "201", "--token", simulator.config.token),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        bar = Bar(process, simulator)
        try:
            line = await bar.shows("events to: ")
            await simulator.set_events_urls([line.removeprefix("events to: ").strip()])
            yield bar
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_user_calls_holds_takes_back_and_hangs_up(bar: Bar) -> None:
    bar.type(f"call {ANNA}")
    await bar.shows(f"calling {ANNA}")
    await bar.shows(f"talking with {ANNA}")
    bar.type("hold")
    await bar.shows(f"hold: {ANNA}")
    bar.type("calls")
    await bar.shows(f"{ANNA}: on hold")
    bar.type("back")
    await bar.shows(f"back: {ANNA}")
    bar.type("hangup")
    await bar.shows("is over")
    bar.type("history")
    await bar.shows(ANNA)
    bar.type("quit")
    assert await bar.process.wait() == 0


async def test_card_of_who_calls_pops_up_before_the_call_is_taken(bar: Bar) -> None:
    bar.ring(ANNA)
    await bar.shows(f"{ANNA} is calling")
    await bar.shows("Anna Verdi")
    await bar.shows("Works")
    await bar.shows(f"talking with {ANNA}")


async def test_stranger_has_no_card(bar: Bar) -> None:
    bar.ring("+390000000001")
    await bar.shows("nobody in the phonebook is +390000000001")


async def test_call_is_sent_on_to_a_colleague(bar: Bar) -> None:
    bar.ring(ANNA)
    await bar.shows(f"talking with {ANNA}")
    bar.type("divert 202")
    await bar.shows(f"divert: {ANNA}")
    colleague = Entity(EntityKind.user, "102")
    async with asyncio.timeout(10):
        while not _rings(bar.simulator, colleague):  # noqa: ASYNC110 - the simulator tells nobody
            await asyncio.sleep(0.02)


def _rings(simulator: Simulator, who: Entity) -> bool:
    calls = simulator.face.pbx.calls.values()
    return any(leg.entity == who for call in calls for leg in call.legs())


async def test_number_that_is_busy_is_told(bar: Bar) -> None:
    bar.type(f"call {BRUNO}")
    await bar.shows("not taken")
    bar.type("hangup")
    await bar.shows("there is no call")


async def test_status_mode_reaches_the_pbx(bar: Bar) -> None:
    bar.type("mode dnd")
    await bar.shows("mode: dnd")
    bar.type("mode divert 202")
    await bar.shows("mode: divert")
    user = bar.simulator.face.pbx.users["101"]
    assert (user.mode.name, user.divert_to) == ("divert", "202")


async def test_what_the_bar_can_not_do_is_answered_with_what_it_can(bar: Bar) -> None:
    bar.type("juggle")
    await bar.shows("call NUMBER")
    bar.type("who Verdi")
    await bar.shows("Anna Verdi")
