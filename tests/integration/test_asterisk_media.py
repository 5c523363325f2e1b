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
from offhook.pbx.asterisk import RunningAsterisk
from offhook.pbx.configuration import AMD_CONTEXT, APPLICATION
from offhook.pbx.numbers import Behaviour, Keys, number
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.media import AsteriskMedia
from offhook.switches.asterisk.recordings import AsteriskRecordings
from offhook.switches.asterisk.settings import AsteriskSettings, TrunkLine
from offhook.switches.asterisk.stream import AsteriskStream
from offhook.switches.asterisk.supervision import AsteriskSupervision
from offhook.switches.asterisk.switch import PAYLOAD, AsteriskSwitch
from offhook.switches.base import CheckResult, Supervision
from tests.support.asterisk import RealPbx, end_every_call
from tests.support.sip_phones import Phone, SipPhones, sip_phones
from tests.support.sip_sound import Samples, Sound, hears

TRUNK = "PJSIP/{number}@carrier"
PARK = "media-1-p1"
WAIT_S = 20.0
CUSTOMER, AGENT, SUPERVISOR, CARD = 440, 700, 1300, 1900
"""Voices, in hertz; the last is what a customer says while nothing may be recorded."""

E = TypeVar("E", bound=SwitchEvent)
_attempts = itertools.count(1)
_apps = itertools.count(1)


@dataclass
class Line:
    """One Asterisk as the engine would use it, and everything it told."""

    asterisk: RunningAsterisk
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


def settings_of(
    asterisk: RunningAsterisk, *, app: str, amd_context: str = AMD_CONTEXT
) -> AsteriskSettings:
    return AsteriskSettings(
        base_url=asterisk.ari_url,
        username=asterisk.user,
        password=SecretStr(asterisk.password),
        app=app,
        trunks=(TrunkLine(address=TRUNK, lines=30),),
        amd_context=amd_context,
    )


@asynccontextmanager
async def open_line(asterisk: RunningAsterisk, *, app: str = APPLICATION) -> AsyncIterator[Line]:
    """Commands and events of an Asterisk, whoever has its telephones."""
    client = AriClient(settings_of(asterisk, app=app), "media")
    switch = AsteriskSwitch(client.settings, link="media", client=client)
    line = Line(
        asterisk,
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
        await end_every_call(asterisk)


@dataclass
class Talk:
    """A customer and an agent who talk, each with a voice of their own."""

    line: Line
    attempt: AttemptId
    carrier: SipPhones
    desks: SipPhones

    @property
    def customer(self) -> Sound:
        return sound_at(self.carrier, self.carrier.calls[-1].user)

    def heard_by(self, phone: str) -> set[int]:
        """The voices that an agent's or supervisor's telephone heard in the last half second."""
        return voices(sound_at(self.desks, phone))


def sound_at(phones: SipPhones, user: str) -> Sound:
    sound = phones.live(user)[-1].sound
    assert sound is not None
    return sound


def voices(sound: Sound) -> set[int]:
    return {hz for hz in (CUSTOMER, AGENT, SUPERVISOR) if sound.hears(hz, last_s=0.5)}


@asynccontextmanager
async def talking(asterisk: RunningAsterisk) -> AsyncIterator[Talk]:
    async with (
        sip_phones(asterisk.plan.carrier_port) as carrier,
        sip_phones(asterisk.plan.agents_port) as desks,
        open_line(asterisk, app=f"media{next(_apps)}") as line,
    ):
        carrier.default = Phone(tone=CUSTOMER)
        desks.scripts = {"agent1": Phone(tone=AGENT), "agent2": Phone(tone=SUPERVISOR)}
        yield Talk(line, await line.talk(Behaviour.human), carrier, desks)


def samples(path: Path) -> Samples:
    """A recording's samples."""
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)


@pytest.mark.slow
async def test_answers_of_people_machines_and_silence_are_told_apart(
    asterisk_people: RealPbx,
) -> None:
    async with open_line(asterisk_people.asterisk) as line:
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
async def test_recording_holds_both_voices_and_nothing_of_what_was_said_in_a_pause(
    asterisk_pbx: RunningAsterisk, tmp_path: Path
) -> None:
    async with talking(asterisk_pbx) as talk:
        line, attempt = talk.line, talk.attempt
        await line.record(attempt, RecordingAction.start)
        await asyncio.sleep(1.5)
        await line.record(attempt, RecordingAction.pause)
        talk.customer.tone = CARD
        await asyncio.sleep(1)
        talk.customer.tone = CUSTOMER
        await asyncio.sleep(0.3)
        await line.record(attempt, RecordingAction.resume)
        await asyncio.sleep(1)
        await line.record(attempt, RecordingAction.stop)

        assert f"{attempt}.1" in await line.recordings.stored()
        file = tmp_path / "talk.wav"
        await line.recordings.download(f"{attempt}.1", file)
        sound = samples(file)
        assert 2.0 * 8000 < len(sound) < 3.3 * 8000
        voices = {hz for hz in (CUSTOMER, AGENT, SUPERVISOR, CARD) if hears(sound, hz)}
        assert voices == {CUSTOMER, AGENT}

        assert await line.recordings.delete(f"{attempt}.1")
        assert not await line.recordings.delete(f"{attempt}.1")


@pytest.mark.slow
async def test_supervisor_hears_both_and_is_heard_by_whom_he_should_be(
    asterisk_pbx: RunningAsterisk,
) -> None:
    hearing_him = {
        Supervision.listen: (set[int](), set[int]()),
        Supervision.whisper: ({SUPERVISOR}, set[int]()),
        Supervision.barge: ({SUPERVISOR}, {SUPERVISOR}),
    }
    async with talking(asterisk_pbx) as talk:
        supervision, attempt = talk.line.supervision, talk.attempt
        for how, (by_agent, by_customer) in hearing_him.items():
            await supervision.supervise(attempt, address="PJSIP/agent2", how=how)
            await asyncio.sleep(1)
            assert talk.heard_by("agent2") >= {CUSTOMER, AGENT}, how
            assert talk.heard_by("agent1") == {CUSTOMER} | by_agent, how
            assert voices(talk.customer) == {AGENT} | by_customer, how

        assert await supervision.end(attempt)
        await asyncio.sleep(0.8)
        assert not talk.desks.live("agent2")
        assert talk.heard_by("agent1") == {CUSTOMER}
        assert voices(talk.customer) == {AGENT}
        assert not await supervision.end(attempt)


@pytest.mark.slow
async def test_caller_hears_prompts_until_he_presses_a_key(asterisk_people: RealPbx) -> None:
    async with open_line(asterisk_people.asterisk) as line:
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


async def test_check_looks_for_the_context_that_listens_and_for_what_records(
    asterisk_pbx: RunningAsterisk,
) -> None:
    asked: dict[str, dict[str, CheckResult]] = {}
    async with open_line(asterisk_pbx, app="media-check"):
        for context in (AMD_CONTEXT, "nowhere"):
            settings = settings_of(asterisk_pbx, app="media-check", amd_context=context)
            switch = AsteriskSwitch(settings, link="media")
            asked[context] = {result.name: result for result in await switch.check()}
            await switch.aclose()
    assert "0 active channels" in await asterisk_pbx.cli("core show channels")

    there, nowhere = asked[AMD_CONTEXT], asked["nowhere"]
    assert there["detection"].ok
    assert there["detection"].detail == f"{AMD_CONTEXT} is in the dialplan"
    assert not nowhere["detection"].ok
    assert "nowhere,s,1, nowhere,beep,1" in nowhere["detection"].detail
    assert "extensions.conf" in nowhere["detection"].advice
    assert all(there[name].ok for name in ("media", "recording", "supervision"))
    assert not there["device_state"].advice
