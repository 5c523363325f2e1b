"""A campaign on a real Asterisk that records its talk: what the file holds, and what ends it."""

import asyncio
import io
import sys
import tempfile
import wave
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest
from sqlalchemy import select, update

from dialer.media import RecordingPolicy, RecordingSettings, RecordingState
from dialer.model import AgentStatus, CampaignId, CampaignSettings, Mode, SwitchId
from offhook.demo.rehearsal import SWITCH, Rehearsal
from offhook.demo.run import DemoOptions, agents_at_work, campaign_settings, start_campaign
from offhook.demo.truth import RecordedCall
from offhook.home import Home
from offhook.pbx.asterisk import RunningAsterisk
from offhook.settings import load_settings
from offhook.storage import tables
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.recording_tables import recordings
from offhook.supervisor.stack import running_stack
from offhook.switches.registry import Family, SwitchConfig, open_switch
from offhook.temporal.campaigns import CampaignDesk
from offhook.temporal.client import connect
from tests.support.asterisk import end_every_call
from tests.support.sip_phones import Phone, SipPhones, sip_phones
from tests.support.sip_sound import hears

CUSTOMER, AGENT, CARD = 440, 700, 1900
"""Voices, in hertz; the last is what must not be recorded."""
NUMBER = "+390733000001"
PATIENCE_S = 60.0


@dataclass
class OneCustomer:
    """A real Asterisk with one customer and one agent, as a rehearsal's PBX."""

    asterisk: RunningAsterisk

    @property
    def pids(self) -> Mapping[str, int]:
        return {"asterisk": self.asterisk.pid}

    def config(self, switch: SwitchId) -> SwitchConfig:
        return SwitchConfig(
            switch_id=switch,
            family=Family.asterisk,
            name=switch,
            settings={
                "base_url": self.asterisk.ari_url,
                "username": self.asterisk.user,
                "trunks": [{"address": "PJSIP/{number}@carrier", "lines": 4}],
                "agents": ["PJSIP/agent1"],
                "message_media": "sound:vm-goodbye",
            },
            secret=self.asterisk.password,
            hook_secret="",
        )

    def numbers(self, count: int, *, seed: int) -> Sequence[str]:
        del count, seed
        return [NUMBER]

    async def send_events_to(self, url: str) -> None:
        """Events of an Asterisk are fetched."""

    async def calls(self) -> Sequence[RecordedCall]:
        return []


@asynccontextmanager
async def staged(asterisk: RunningAsterisk, folder: Path) -> AsyncIterator[Rehearsal]:
    """Database, Temporal, links and worker, with the Asterisk as their switch."""
    async with AsyncExitStack() as closing:
        stack = await closing.enter_async_context(
            running_stack(
                Home(folder), load_settings(), parts={"postgres", "temporal", "links", "worker"}
            )
        )
        assert stack.database_url is not None
        database = await closing.enter_async_context(Database.open(stack.database_url))
        pbx = OneCustomer(asterisk)
        config, now = pbx.config(SWITCH), datetime.now(UTC)
        opened = open_switch(config)
        await LinkStore(database).save(config, await opened.inventory(), replace=True, now=now)
        await opened.adapter.aclose()
        async with database.transaction() as session:
            await session.execute(
                update(tables.agents).values(status=AgentStatus.available, status_at=now)
            )
        yield Rehearsal(
            stack=stack,
            pbx=pbx,
            database=database,
            client=await connect(stack.settings, role="test"),
            switch=config,
            folder=folder,
        )


@dataclass
class Recorded:
    """The one recording of a campaign, and the commands of a person about it."""

    stage: Rehearsal
    campaign: CampaignId
    phones: SipPhones

    async def name_once(self, state: RecordingState) -> str:
        """Wait until it has come so far; its name."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with self.stage.database.transaction() as session:
                    row = (await session.execute(select(recordings))).first()
                if row is not None and row.state == state:
                    return str(row.name)
                await asyncio.sleep(0.1)

    async def offhook(self, *words: str, fails: bool = False) -> dict[str, object]:
        """What a command says; with `fails`, on its way to exit 1."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "offhook", *words, "--json"),
            env={"PATH": "", "OFFHOOK_HOME": str(self.stage.stack.home.path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complaint = await process.communicate()
        assert process.returncode == (1 if fails else 0), complaint.decode()
        return dict(orjson.loads(said))

    def customer_says(self, hz: int) -> None:
        (call,) = self.phones.live(self.phones.calls[-1].user)
        assert call.sound is not None
        call.sound.tone = hz

    async def ends(self) -> None:
        """The customer puts the receiver down, and the campaign has nobody left to call."""
        self.phones.hang_up(self.phones.calls[-1].user)
        async with asyncio.timeout(PATIENCE_S):
            await CampaignDesk(self.stage.client).result(self.campaign)

    async def keep_no_longer(self) -> None:
        async with self.stage.database.transaction() as session:
            long_ago = datetime.now(UTC) - timedelta(days=1)
            await session.execute(update(recordings).values(keep_until=long_ago))


@asynccontextmanager
async def recorded(asterisk: RunningAsterisk, folder: Path) -> AsyncIterator[Recorded]:
    """A campaign that records every talk, in which one has begun."""
    wanted: CampaignSettings = campaign_settings(DemoOptions(mode=Mode.progressive)).model_copy(
        update={"recording": RecordingSettings(policy=RecordingPolicy.all)}
    )
    async with (
        sip_phones(asterisk.plan.carrier_port) as carrier,
        sip_phones(asterisk.plan.agents_port) as desks,
        staged(asterisk, folder) as stage,
    ):
        carrier.default, desks.default = Phone(tone=CUSTOMER), Phone(tone=AGENT)
        options = DemoOptions(contacts=1, agents=1, mode=Mode.progressive)
        try:
            campaign = await start_campaign(stage, options, wanted, lambda _line, _view: None)
            async with agents_at_work(stage, campaign):
                yield Recorded(stage, campaign, carrier)
        finally:
            await end_every_call(asterisk)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_campaigns_recording_holds_both_voices_and_no_card_until_its_time_is_over(
    asterisk_pbx: RunningAsterisk, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory(prefix="offhook-rec-", ignore_cleanup_errors=True) as folder:
        async with recorded(asterisk_pbx, Path(folder)) as talk:
            name = await talk.name_once(RecordingState.recording)
            attempt, began = name.rpartition(".")[0], datetime.now(UTC)
            await asyncio.sleep(1)
            await talk.offhook("call", "record", attempt, "pause")
            await talk.name_once(RecordingState.paused)
            await asyncio.sleep(0.5)
            talk.customer_says(CARD)
            await asyncio.sleep(1)
            talk.customer_says(CUSTOMER)
            await asyncio.sleep(0.5)
            paused_s = 2.0
            await talk.offhook("call", "record", attempt, "resume")
            await talk.name_once(RecordingState.recording)
            await asyncio.sleep(1)
            await talk.ends()
            lasted_s = (datetime.now(UTC) - began).total_seconds()
            await talk.name_once(RecordingState.stopped)

            listed = await talk.offhook("recording", "list", "--attempt", attempt)
            assert [row["name"] for row in listed["recordings"]] == [name]  # type: ignore[attr-defined]  # a document
            file = tmp_path / "talk.wav"
            await talk.offhook("recording", "download", name, "-o", str(file))
            sound = samples(file)
            assert 2.0 <= sound.size / 8000 <= lasted_s - paused_s + 1
            assert {hz for hz in (CUSTOMER, AGENT, CARD) if hears(sound, hz)} == {CUSTOMER, AGENT}

            await talk.keep_no_longer()
            await talk.offhook("db", "prune")
            assert await talk.name_once(RecordingState.deleted) == name
            again = ("recording", "download", name, "-o", str(file))
            refusal = (await talk.offhook(*again, fails=True))["error"]
            assert refusal["code"] == "recording_deleted"  # type: ignore[index]  # a document


def samples(path: Path) -> np.ndarray:
    """A recording's samples."""
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)
