"""On a real Asterisk: who is heard to answer, what a recording holds, and who hears whom."""

import asyncio
import io
import itertools
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from pydantic import SecretStr

from dialer.commands import Join, ParkAgent, PlaceCall, PlayMessage, RecordCall
from dialer.events import (
    CallEnded,
    CallHeld,
    CallJoined,
    MachineDetected,
    PersonDetected,
    SwitchEvent,
)
from dialer.media import RecordingAction
from dialer.model import AgentId, AttemptId, ContactId, TrunkId
from dialer.switching import RawEvent
from offhook.pbx.configuration import AMD_CONTEXT
from offhook.pbx.install import Installed
from offhook.pbx.numbers import Behaviour, Keys, number
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.media import AsteriskMedia
from offhook.switches.asterisk.recordings import AsteriskRecordings
from offhook.switches.asterisk.settings import AsteriskSettings, TrunkLine
from offhook.switches.asterisk.stream import AsteriskStream
from offhook.switches.asterisk.supervision import AsteriskSupervision
from offhook.switches.asterisk.switch import PAYLOAD, AsteriskSwitch
from offhook.switches.base import Supervision
from tests.support.asterisk import RealPbx, real_pbx

TRUNK = "PJSIP/{number}@carrier"
PARK = "media-1-p1"
WAIT_S = 20.0
QUIET, LOUD = 30.0, 300.0
"""RMS of 16-bit samples: below is silence, above is a voice."""

E = TypeVar("E", bound=SwitchEvent)
_attempts = itertools.count(1)


@dataclass
class Line:
    """One Asterisk as the engine would use it, and everything it told."""

    pbx: RealPbx
    switch: AsteriskSwitch
    recordings: AsteriskRecordings
    supervision: AsteriskSupervision
    media: AsteriskMedia
    told: list[SwitchEvent] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)

    async def call(
        self, behaviour: Behaviour, *, listen: bool = False, keys: Keys = Keys.none
    ) -> AttemptId:
        """Dial somebody."""
        attempt = AttemptId(f"media-1-{next(_attempts)}")
        await self.switch.place(
            PlaceCall(
                attempt_id=attempt,
                contact_id=ContactId("1"),
                number=f"+39{number(behaviour, ring_s=0.2, talk_s=20.0, keys=keys)[-10:]}",
                trunk_id=TrunkId("carrier"),
                trunk_address=TRUNK,
                caller_id="",
                ring_timeout=timedelta(seconds=20),
                detect_machine=listen,
                listen_limit=timedelta(seconds=4),
            )
        )
        return attempt

    async def event(self, kind: type[E], correlator: str) -> E:
        """Wait for an event."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for event in self.told:
                    if isinstance(event, kind) and getattr(event, "correlator", "") == correlator:
                        return event
                await asyncio.sleep(0.02)

    async def talk(self, behaviour: Behaviour) -> AttemptId:
        """Have an agent on the line and join somebody with him."""
        await self.switch.park(
            ParkAgent(agent_id=AgentId("a"), correlator=PARK, address="PJSIP/agent1", number="")
        )
        agent = (await self.event(CallHeld, PARK)).call
        attempt = await self.call(behaviour)
        customer = (await self.event(CallHeld, attempt)).call
        await self.switch.join(
            Join(
                correlator=attempt,
                agent_id=AgentId("a"),
                address="PJSIP/agent1",
                customer=customer,
                agent=agent,
            )
        )
        await self.event(CallJoined, attempt)
        return attempt

    async def record(self, attempt: AttemptId, action: RecordingAction) -> None:
        """Order something of the attempt's first recording."""
        await self.switch.record_call(
            RecordCall(correlator=attempt, call=None, name=f"{attempt}.1", action=action)
        )


@asynccontextmanager
async def open_line(installed: Installed, *, agents_speak: bool = False) -> AsyncIterator[Line]:
    async with real_pbx(installed, agents=2, phones=0, agents_speak=agents_speak) as pbx:
        asterisk = pbx.asterisk
        settings = AsteriskSettings(
            base_url=asterisk.ari_url,
            username=asterisk.user,
            password=SecretStr(asterisk.password),
            app=asterisk.plan.application,
            trunks=(TrunkLine(address=TRUNK, lines=30),),
            amd_context=AMD_CONTEXT,
        )
        client = AriClient(settings, "media")
        switch = AsteriskSwitch(settings, link="media", client=client)
        line = Line(
            pbx,
            switch,
            AsteriskRecordings(client, link="media"),
            AsteriskSupervision(client, link="media"),
            AsteriskMedia(client, link="media"),
        )

        async def listen() -> None:
            async with AsteriskStream(client, link="media").connect() as events:
                async for arrived in events:
                    raw = RawEvent(
                        inbox_id=0,
                        channel="switch:media",
                        payload=arrived.payload,
                        received_at=datetime.now(UTC),
                    )
                    line.told.extend(switch.translate(raw))
                    key = line.media.digit(arrived.payload[PAYLOAD])
                    line.keys += [] if key is None else [key]

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0.3)
        try:
            yield line
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await switch.aclose()


def samples(path: Path) -> np.ndarray:
    """A recording's samples."""
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)


def level(sound: np.ndarray) -> float:
    """RMS of samples."""
    return float(np.sqrt(np.mean(sound**2)))


@pytest.mark.slow
async def test_answers_of_people_machines_and_silence_are_told_apart(
    asterisk_installed: Installed,
) -> None:
    async with open_line(asterisk_installed) as line:
        human = await line.call(Behaviour.human, listen=True)
        machine = await line.call(Behaviour.machine, listen=True)
        silent = await line.call(Behaviour.silent, listen=True)

        assert not (await line.event(PersonDetected, human)).unsure
        assert "MACHINE" in (await line.event(MachineDetected, machine)).cause
        assert (await line.event(PersonDetected, silent)).unsure
        held = await line.event(CallHeld, machine)

        await line.switch.play_message(
            PlayMessage(
                correlator=machine, customer=held.call, prompt="hello-world", after_beep=True
            )
        )
        ended = await line.event(CallEnded, machine)
        assert ended.at - held.at > timedelta(seconds=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("customer", "agents_speak", "heard"),
    [
        (Behaviour.talker, False, True),
        (Behaviour.silent, True, True),
        (Behaviour.silent, False, False),
    ],
)
async def test_recording_holds_the_voices_of_both_sides_and_no_others(
    asterisk_installed: Installed,
    tmp_path: Path,
    customer: Behaviour,
    agents_speak: bool,
    heard: bool,
) -> None:
    async with open_line(asterisk_installed, agents_speak=agents_speak) as line:
        attempt = await line.talk(customer)
        await line.record(attempt, RecordingAction.start)
        await asyncio.sleep(3)
        await line.record(attempt, RecordingAction.stop)

        assert f"{attempt}.1" in await line.recordings.stored()
        file = tmp_path / "talk.wav"
        await line.recordings.download(f"{attempt}.1", file)
        sound = samples(file)
        assert 2.5 * 8000 < len(sound) < 3.6 * 8000
        assert (level(sound) > LOUD) is heard
        assert (level(sound) < QUIET) is not heard

        assert await line.recordings.delete(f"{attempt}.1")
        assert not await line.recordings.delete(f"{attempt}.1")


@pytest.mark.slow
async def test_pause_leaves_what_is_said_meanwhile_out_of_the_recording(
    asterisk_installed: Installed, tmp_path: Path
) -> None:
    async with open_line(asterisk_installed) as line:
        attempt = await line.talk(Behaviour.talker)
        await line.record(attempt, RecordingAction.start)
        await asyncio.sleep(1)
        await line.record(attempt, RecordingAction.pause)
        await asyncio.sleep(2)
        await line.record(attempt, RecordingAction.resume)
        await asyncio.sleep(1)
        await line.record(attempt, RecordingAction.stop)
        file = tmp_path / "talk.wav"
        await line.recordings.download(f"{attempt}.1", file)
        assert 1.5 * 8000 < len(samples(file)) < 2.8 * 8000


@pytest.mark.slow
@pytest.mark.parametrize("how", list(Supervision))
async def test_supervisor_is_with_the_talk_and_is_gone_when_told(
    asterisk_installed: Installed, how: Supervision
) -> None:
    async with open_line(asterisk_installed) as line:
        attempt = await line.talk(Behaviour.talker)
        await line.supervision.supervise(attempt, address="PJSIP/agent2", how=how)
        assert "PJSIP/agent2" in await line.pbx.asterisk.cli("core show channels concise")
        await line.supervision.end(attempt)
        await asyncio.sleep(0.3)
        channels = await line.pbx.asterisk.cli("core show channels concise")
        assert "PJSIP/agent2" not in channels
        assert "PJSIP/agent1" in channels


@pytest.mark.slow
async def test_caller_hears_prompts_until_he_presses_a_key(asterisk_installed: Installed) -> None:
    async with open_line(asterisk_installed) as line:
        attempt = await line.call(Behaviour.human, keys=Keys.info)
        await line.event(CallHeld, attempt)
        await line.media.play(attempt, ["hello-world", "tone:ring"], playback="menu")
        async with asyncio.timeout(WAIT_S):
            while not line.keys:  # noqa: ASYNC110 - word comes from another process
                await asyncio.sleep(0.02)
        assert line.keys[0] == (attempt, "5")
        await line.media.stop(attempt, playback="menu")
        await line.media.stop(attempt, playback="menu")
        await line.media.hang_up(attempt)
        await line.event(CallEnded, attempt)
