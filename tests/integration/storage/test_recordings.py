"""Recordings on a real PostgreSQL: rows before files, orders, and their end."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from activities.ports import campaign_channel
from dialer.call import CallState
from dialer.commands import SaveAttempt, SaveRecording
from dialer.events import RecordingOrdered
from dialer.media import RecordingAction, RecordingPolicy, RecordingState, Verdict
from dialer.model import CampaignId, SwitchId
from dialer.switching import SwitchUnavailable
from offhook import recordings as erasing
from offhook.recordings import RecordingEraser, RecordingsStayOnSwitch, files_of
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.inbox import PostgresInbox
from offhook.storage.pool import Pool
from offhook.storage.recordings import (
    CallNotFound,
    CallNotTalking,
    RecordingNotFound,
    RecordingOff,
    Recordings,
)
from offhook.switches.registry import HookRules, OpenSwitch, SwitchConfig
from tests.integration.storage.steps import ATTEMPT, claim, opening, started, take, write
from tests.support.builders import NOW, Rows

S = RecordingState
FILE = f"{ATTEMPT}.1"


def saved(state: RecordingState, second: float = 0.0) -> SaveRecording:
    """What the engine says of the attempt's recording."""
    return SaveRecording(
        name=FILE,
        attempt_id=ATTEMPT,
        state=state,
        at=NOW + timedelta(seconds=second),
        retention=timedelta(days=30),
        by="anna",
    )


async def talking(store: PostgresDialStore, rows: Rows, *records: SaveRecording) -> CampaignId:
    """A campaign with one talk and what was recorded of it."""
    campaign = await rows.campaign()
    await rows.contacts(campaign, 1)
    lease = await take(store, campaign)
    (contact,) = await claim(store, lease)
    joined = SaveAttempt(
        attempt_id=ATTEMPT,
        state=CallState.talking,
        at=NOW,
        answered_at=NOW,
        joined_at=NOW,
        recognised_at=NOW,
        verdict=Verdict.person,
    )
    await write(store, lease, opening(contact), joined, *records)
    return campaign


async def test_successor_knows_what_was_heard_and_what_is_recorded(
    store: PostgresDialStore, rows: Rows
) -> None:
    campaign = await talking(store, rows, saved(S.starting), saved(S.recording, 1.0))
    known = await started(store, await take(store, campaign))
    (attempt,) = known.attempts
    assert (attempt.verdict, attempt.recognised_at) == (Verdict.person, NOW)
    assert (attempt.recording, attempt.recordings) == (S.recording, 1)
    assert known.tally.verdicts == ((Verdict.person, 1),)


async def test_recording_has_one_row_from_its_start_to_its_end(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    await talking(store, rows, saved(S.starting), saved(S.stopped, 40.0))
    (row,) = await Recordings(pool).all(attempt=ATTEMPT)
    assert (row.name, row.state, row.asked_by) == (FILE, S.stopped, "anna")
    assert row.ended_at == NOW + timedelta(seconds=40)
    assert row.keep_until == NOW + timedelta(days=30)
    with pytest.raises(RecordingNotFound):
        await Recordings(pool).find("c1-9-9.1")


async def test_recording_that_no_engine_closed_is_closed_once_its_call_is_gone(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    await talking(store, rows, saved(S.starting), saved(S.recording, 1.0))
    recordings, switch = Recordings(pool), (await Recordings(pool).find(FILE)).switch_id
    late = NOW + timedelta(seconds=20)

    async def close(*present: str, quiet_since: timedelta = timedelta(seconds=10)) -> list[str]:
        return list(
            await recordings.close_left(switch, present, quiet_since=NOW + quiet_since, now=late)
        )

    assert await close(ATTEMPT) == []
    assert await close(quiet_since=timedelta(seconds=1)) == []
    assert await close("another") == [FILE]
    row = await recordings.find(FILE)
    assert (row.state, row.ended_at, row.reason) == (S.stopped, late, "call_gone")
    assert await close() == []


async def test_order_reaches_the_campaigns_inbox_only_where_it_makes_sense(
    store: PostgresDialStore, rows: Rows, pool: Pool, inbox: PostgresInbox
) -> None:
    campaign = await talking(store, rows)
    recordings = Recordings(pool)
    call = await recordings.call(ATTEMPT)
    with pytest.raises(RecordingOff):
        await recordings.order(call, RecordingAction.start, by="anna", key="k", now=NOW)
    able = replace(call, policy=RecordingPolicy.on_demand)
    with pytest.raises(CallNotTalking):
        await recordings.order(
            replace(able, state="held"), RecordingAction.start, by="anna", key="k", now=NOW
        )
    with pytest.raises(CallNotFound):
        await recordings.call("c1-9-9")
    for _ in range(2):
        await recordings.order(able, RecordingAction.pause, by="anna", key="k", now=NOW)
    channel = campaign_channel(campaign)
    (item,) = await inbox.read(((channel, 0),), limit=10)
    assert item.event == RecordingOrdered(
        attempt_id=ATTEMPT, action=RecordingAction.pause, by="anna"
    )


@dataclass
class Shelf:
    """A switch's files."""

    files: set[str] = field(default_factory=set)
    away: bool = False

    async def stored(self) -> Sequence[str]:
        return sorted(self.files)

    async def download(self, name: str, target: Path) -> int:
        raise NotImplementedError

    async def delete(self, name: str) -> bool:
        if self.away:
            raise SwitchUnavailable("away")
        there = name in self.files
        self.files.discard(name)
        return there


class Idle:
    """An adapter of which nothing is asked."""

    async def aclose(self) -> None:
        """Nothing to close."""


async def test_file_is_deleted_once_its_time_is_over_and_not_while_the_switch_is_away(
    store: PostgresDialStore, rows: Rows, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await talking(store, rows, saved(S.starting), saved(S.stopped, 40.0))
    shelf = Shelf({FILE, "another"})

    async def load(switch: SwitchId) -> SwitchConfig:
        return SwitchConfig(
            switch_id=switch, family="asterisk", name="pbx", settings={}, secret="", hook_secret=""
        )

    def open_switch(config: SwitchConfig) -> OpenSwitch:
        return OpenSwitch(
            config=config,
            adapter=Idle(),  # type: ignore[arg-type]  # only closed
            hook=HookRules(),
            inventory=Idle().aclose,  # type: ignore[arg-type]  # never asked
            recordings=shelf,
        )

    monkeypatch.setattr(erasing, "open_switch", open_switch)
    eraser = RecordingEraser(Recordings(pool), load)
    assert await eraser.erase(NOW + timedelta(days=29)) == 0
    late = NOW + timedelta(days=31)
    assert await eraser.erase(late, dry_run=True) == 1
    shelf.away = True
    assert await eraser.erase(late) == 0
    shelf.away = False
    assert await eraser.erase(late) == 1
    assert shelf.files == {"another"}
    row = await Recordings(pool).find(FILE)
    assert (row.state, row.deleted_at, row.reason) == (S.deleted, late, "retention")
    assert await eraser.erase(late) == 0


async def test_files_that_stay_on_the_switch_are_refused_with_a_code_and_never_counted(
    store: PostgresDialStore, rows: Rows, pool: Pool
) -> None:
    await talking(store, rows, saved(S.starting), saved(S.stopped, 40.0))

    async def load(switch: SwitchId) -> SwitchConfig:
        return SwitchConfig(
            switch_id=switch,
            family="voispeed",
            name="pbx",
            settings={"base_url": "http://127.0.0.1:9", "reception_ivr": "1", "hold_ivr": "2"},
            secret="token",
            hook_secret="s3cret",
        )

    async with erasing.opened(load, "pbx") as switch:
        with pytest.raises(RecordingsStayOnSwitch, match="voispeed") as refused:
            files_of(switch)
    assert refused.value.code == "recordings_stay_on_switch"
    assert "on the telephone system" in str(refused.value.hint)

    eraser, late = RecordingEraser(Recordings(pool), load), NOW + timedelta(days=31)
    assert await eraser.erase(late, dry_run=True) == 0
    assert await eraser.erase(late) == 0
    assert (await Recordings(pool).find(FILE)).state is S.stopped
