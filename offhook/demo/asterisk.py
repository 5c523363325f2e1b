"""A real Asterisk to rehearse on, and what its called people say of their calls.

Two records are made by programs that know nothing of offhook: SIPp's, of what the people did, and
an onlooker's, of who was brought together. Neither knows attempts: calls are given to attempts by
number and time, so one call too many stays without one.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dialer.model import SwitchId
from offhook.demo.truth import RecordedCall
from offhook.pbx.asterisk import RunningAsterisk, make_plan, running_asterisk
from offhook.pbx.configuration import AMD_CONTEXT, APPLICATION, HOLD_CONTEXT, MESSAGE, TRUNK
from offhook.pbx.install import Installed
from offhook.pbx.numbers import Behaviour, Mixture, Person, crowd
from offhook.pbx.onlooker import Onlooker, SeenChannel
from offhook.pbx.people import People, people_of
from offhook.pbx.record import CalledCall, Ending
from offhook.switches.registry import Family, SwitchConfig

_OURS = f"{APPLICATION}."
_SAME_CALL = timedelta(seconds=1)
_CLEAR = timedelta(seconds=10)
_LOOK_EVERY = timedelta(milliseconds=300)
_PERSONS = {
    Behaviour.human: "answer",
    Behaviour.silent: "answer",
    Behaviour.talker: "answer",
}


@dataclass
class AsteriskPbx:
    """A running Asterisk, its people, and somebody who watches both."""

    asterisk: RunningAsterisk
    people: People
    onlooker: Onlooker
    lines: int
    mixture: Mixture
    recorded_from: datetime | None = None

    crashes: list[datetime] = field(default_factory=list)

    async def crash(self) -> None:
        """Kill Asterisk and start it again; calls end without anybody being told."""
        self.crashes.append(datetime.now(UTC))
        await self.asterisk.restart()

    def begin_record(self) -> None:
        """Leave out of the record what was called until now."""
        self.recorded_from = datetime.now(UTC)

    @property
    def pids(self) -> Mapping[str, int]:
        """Asterisk, and SIPp twice."""
        return {
            "asterisk": self.asterisk.pid,
            "sipp_people": self.people.called.pid,
            "sipp_agents": self.people.agents.pid,
        }

    def config(self, switch: SwitchId) -> SwitchConfig:
        """What a person would say with `offhook switch add asterisk`."""
        return SwitchConfig(
            switch_id=switch,
            family=Family.asterisk,
            name=switch,
            settings={
                "base_url": self.asterisk.ari_url,
                "username": self.asterisk.user,
                "app": self.asterisk.plan.application,
                "trunks": [{"address": f"PJSIP/{{number}}@{TRUNK}", "lines": self.lines}],
                "agents": [f"PJSIP/{name}" for name in self.asterisk.plan.agents],
                "message_media": MESSAGE,
                "amd_context": AMD_CONTEXT,
                "hold_context": HOLD_CONTEXT,
            },
            secret=self.asterisk.password,
            hook_secret="",
        )

    def numbers(self, count: int, *, seed: int) -> Sequence[str]:
        """People whose numbers say what they do."""
        return crowd(count, self.mixture, seed=seed)

    async def send_events_to(self, url: str) -> None:
        """Nothing: events of an Asterisk are fetched."""

    async def calls(self) -> Sequence[RecordedCall]:
        """SIPp's record, with what the onlooker saw of the same calls."""
        began = self.recorded_from
        since = [call for call in self.people.calls() if not began or call.invited_at >= began]
        return recorded([self._cut_off(call) for call in since], self.onlooker.channels)

    def _cut_off(self, call: CalledCall) -> CalledCall:
        """The call as a crash left it: SIPp goes on talking into a line that is dead."""
        for at in self.crashes:
            if call.invited_at <= at and (call.ended_at is None or call.ended_at > at):
                answered = call.answered_at is not None and call.answered_at <= at
                return call.model_copy(
                    update={
                        "ended_at": at,
                        "answered_at": call.answered_at if answered else None,
                        "ending": Ending.called_hung_up if answered else Ending.cancelled,
                    }
                )
        return call

    async def leftovers(self) -> int:
        """Channels that are still there; each is somebody who was forgotten."""
        said = await self.asterisk.cli("core show channels count")
        return int(said.split()[0])

    async def empty_rooms(self) -> int:
        """Bridges that are still there; each is memory that nobody gives back."""
        said = await self.asterisk.cli("bridge show all")
        return len(said.strip().splitlines()) - 1  # the first line is the heading

    async def left_over(self, *, patience: timedelta = _CLEAR) -> tuple[int, int]:
        """Channels and bridges that are there although all is over; agents may take a moment."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience.total_seconds()
        while True:
            left = await self.leftovers(), await self.empty_rooms()
            if not any(left) or loop.time() > until:
                return left
            await asyncio.sleep(_LOOK_EVERY.total_seconds())


@asynccontextmanager
async def asterisk_pbx(
    installed: Installed,
    run: Path,
    *,
    agents: int,
    lines: int,
    mixture: Mixture,
    agents_speak: bool = False,
) -> AsyncIterator[AsteriskPbx]:
    """Run one for the length of the block."""
    plan = make_plan(run, agents=agents)
    async with (
        running_asterisk(installed, plan) as asterisk,
        people_of(installed, plan, agents_speak=agents_speak) as people,
    ):
        onlooker = Onlooker(asterisk)
        async with onlooker.listening():
            yield AsteriskPbx(
                asterisk=asterisk, people=people, onlooker=onlooker, lines=lines, mixture=mixture
            )


def recorded(
    calls: Sequence[CalledCall], channels: Mapping[str, SeenChannel]
) -> list[RecordedCall]:
    """The calls to people, in the judge's words; a call of a channel nobody saw has no attempt."""
    dialled: dict[str, list[tuple[str, SeenChannel]]] = {}
    for name, seen in channels.items():
        if name.startswith(_OURS) and seen.number is not None:
            dialled.setdefault(seen.number, []).append((name.removeprefix(_OURS), seen))
    return [_recorded(call, _channel_of(call, dialled.get(call.number, []))) for call in calls]


def _channel_of(
    call: CalledCall, channels: list[tuple[str, SeenChannel]]
) -> tuple[str | None, SeenChannel]:
    """Takes the channel that was dialled when the call came in out of `channels`."""
    for index, (attempt, seen) in enumerate(channels):
        at = seen.dialled_at
        if at is not None and abs(call.invited_at - at) < _SAME_CALL:
            del channels[index]
            return attempt, seen
    return None, SeenChannel()


def _recorded(call: CalledCall, found: tuple[str | None, SeenChannel]) -> RecordedCall:
    attempt, seen = found
    return RecordedCall(
        extid=attempt,
        number=call.number,
        person=_person(call.person),
        fate=_fate(call, seen),
        dialled_at=call.invited_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        waited_s=_waited(call, seen),
    )


def _person(person: Person | None) -> str:
    if person is None:
        return "answer"
    return _PERSONS.get(person.behaviour, person.behaviour.name)


def _fate(call: CalledCall, seen: SeenChannel) -> str:
    if call.answered_at is None:
        return "unanswered"
    if seen.joined_at is not None:
        return "joined"
    if call.ending is Ending.open:
        return "waiting"
    if seen.message_at is not None:
        return "message"
    return "abandoned" if call.ending is Ending.called_hung_up else "dropped"


def _waited(call: CalledCall, seen: SeenChannel) -> float | None:
    """Seconds from the answer until something was done for the person, or it ended."""
    began = seen.up_at or call.answered_at
    until = seen.joined_at or seen.message_at or call.ended_at
    if began is None or until is None:
        return None
    return (until - began).total_seconds()
