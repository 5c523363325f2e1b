"""Phonebooks and call checks with everything real: Temporal, PostgreSQL, and a PBX's sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from temporalio.client import ScheduleActionExecutionStartWorkflow
from temporalio.testing import ActivityEnvironment

from activities.call_check import CallCheckActivities
from activities.options import TASK_QUEUE
from activities.pbx_contracts import CallCheckInput, CheckCalls, JobPhase, PhonebookSyncInput
from activities.phonebook import BookNote, BookReport
from dialer.call_check import Comparison
from dialer.model import CampaignId, CampaignSettings, Mode, SwitchId
from dialer.outcomes import Outcome
from offhook.cli import pbx_jobs_cmd
from offhook.cli.main import run
from offhook.settings import load_settings
from offhook.simulator.config import SimulatorConfig, make_users
from offhook.simulator.faults import Fault, FaultKind
from offhook.simulator.model import Entity, EntityKind
from offhook.simulator.population import Behaviour, PersonKind, Population
from offhook.simulator.serve import running_simulator
from offhook.storage import tables
from offhook.storage.call_check_store import CheckSuperseded, PostgresCallChecks
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.phonebook_store import (
    ListNotFound,
    PostgresPhonebookRecords,
    SyncSuperseded,
)
from offhook.temporal.client import connect
from offhook.temporal.pbx_jobs import PbxDesk
from offhook.temporal.pbx_services import PbxServices
from offhook.temporal.worker import adapters, build_worker
from tests.support.builders import NOW, SWITCH, Rows
from tests.support.campaigns import until
from tests.support.floor_stack import floor_stack

TODAY = NOW.date()
CAMPAIGN = CampaignId("c1")


@dataclass
class Office:
    """A worker, the switch it works with, and who orders."""

    desk: PbxDesk
    rows: Rows
    database: Database
    simulator: Any

    async def command(self, *arguments: str) -> int:
        """Run `offhook switch ...` as a person would."""
        return await asyncio.to_thread(run, ["switch", *arguments])


@pytest.fixture
async def office(
    database: Database,
    services_env: None,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Office]:
    """Everything that a job needs, and a campaign `c1` without contacts."""
    # A command would send the whole process's log to a stream that ends with the test.
    monkeypatch.setattr(pbx_jobs_cmd, "prepare", load_settings)
    settings = load_settings()
    rows = Rows(database)
    async with running_simulator(SimulatorConfig()) as simulator:
        await rows.switch()
        await rows.campaign("c1")
        await _configure(database, simulator.url, simulator.config.token)
        client = await connect(settings, role="test")
        with ThreadPoolExecutor(settings.worker.max_activities) as threads:
            async with (
                adapters(settings, client, task_queue=TASK_QUEUE) as made,
                build_worker(client, made, settings, threads=threads, task_queue=TASK_QUEUE),
            ):
                yield Office(PbxDesk(client), rows, database, simulator)


async def _configure(database: Database, url: str, token: str) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(tables.switches).values(
                settings={
                    "base_url": url,
                    "reception_ivr": "1",
                    "hold_ivr": "2",
                    "zone": "UTC",
                },
                secret=token,
            )
        )


async def name_contacts(database: Database, *, attributes: dict[str, str] | None = None) -> None:
    """Give every contact a name, and attributes if wanted."""
    async with database.transaction() as session:
        ids = (await session.scalars(select(tables.contacts.c.id))).all()
        for contact in ids:
            await session.execute(
                update(tables.contacts)
                .where(tables.contacts.c.id == contact)
                .values(name=f"Person {contact}", attributes=attributes or {})
            )


def names_of(office: Office) -> set[str]:
    return {contact.name for contact in office.simulator.face.phonebook.search("Person")}


async def test_contacts_of_a_campaign_come_into_the_phonebook_in_chunks(office: Office) -> None:
    for _ in range(25):
        await office.rows.contact(CAMPAIGN)
    await name_contacts(office.database, attributes={"credit": "100 EUR", "secret": "x"})
    request = PhonebookSyncInput(
        sync_id="s1",
        switch=SWITCH,
        campaign_id="c1",
        chunk=4,
        chunks_per_leg=3,
        info=("credit", "missing"),
    )
    result = await office.desk.sync_result(await office.desk.start_sync(request))
    counts = result.counts
    assert (counts.total, counts.sent, counts.processed, counts.skipped) == (25, 25, 25, 0)
    assert counts.chunks == 7
    assert len(names_of(office)) == 25
    entry = next(iter(office.simulator.face.phonebook._entries.values()))
    assert [(line.caption, line.value) for line in entry.source.ext_info] == [("credit", "100 EUR")]


async def test_repeated_synchronisation_updates_and_adds_nobody(office: Office) -> None:
    await office.rows.contact(CAMPAIGN)
    await name_contacts(office.database)
    request = PhonebookSyncInput(sync_id="s2", switch=SWITCH, campaign_id="c1")
    for _ in range(2):
        result = await office.desk.sync_result(await office.desk.start_sync(request))
        assert result.counts.sent == 1
    assert len(office.simulator.face.phonebook) == 1
    await name_contacts(office.database)
    snapshot = await office.desk.sync_snapshot("s2")
    assert (snapshot.phase, snapshot.counts.total) == (JobPhase.completed, 1)


async def test_contact_that_the_pbx_skips_is_noted_with_its_reason(office: Office) -> None:
    await office.rows.contact(CAMPAIGN)
    request = PhonebookSyncInput(sync_id="s3", switch=SWITCH, campaign_id="c1")
    await office.desk.sync_result(await office.desk.start_sync(request))
    found = await PostgresPhonebookRecords(office.database).view("s3")
    assert (found.state, found.counts.skipped) == (JobPhase.completed, 1)
    assert [note.info for note in found.notes] == ["no name"]


async def test_synchronisation_goes_on_after_a_reply_was_lost(office: Office) -> None:
    for _ in range(6):
        await office.rows.contact(CAMPAIGN)
    await name_contacts(office.database)
    office.simulator.faults.add(
        Fault(kind=FaultKind.half_reply, service="phonebook_import_sync", next=1)
    )
    request = PhonebookSyncInput(sync_id="s4", switch=SWITCH, campaign_id="c1", chunk=2)
    result = await office.desk.sync_result(await office.desk.start_sync(request))
    assert (result.counts.sent, result.counts.chunks) == (6, 3)
    assert office.simulator.face.services["phonebook_import_sync"] == 4
    assert len(office.simulator.face.phonebook) == 6


async def test_history_of_a_synchronisation_names_nobody(office: Office) -> None:
    await office.rows.contact(CAMPAIGN, numbers=("+390733999888",))
    await name_contacts(office.database)
    request = PhonebookSyncInput(sync_id="s5", switch=SWITCH, campaign_id="c1")
    handle = await office.desk.start_sync(request)
    await office.desk.sync_result(handle)
    converter = office.desk.client.data_converter
    for event in (await handle.fetch_history()).events:
        for attributes in (
            event.activity_task_scheduled_event_attributes.input,
            event.activity_task_completed_event_attributes.result,
        ):
            decoded = str(await converter.decode(attributes.payloads))
            assert "0733999888" not in decoded
            assert "Person" not in decoded


async def test_phonebook_sync_command_tells_counts_and_notes(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    await office.rows.contact(CAMPAIGN)
    assert await office.command("phonebook-sync", "pbx", "--campaign", "c1", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["sync_id"], told["counts"]["skipped"]) == ("pbx-c1-offhook", 1)
    assert told["notes"][0]["info"] == "no name"
    assert await office.command("phonebook-sync", "pbx", "--list", "all") == 0
    assert "1 of 1 contacts sent" in capsys.readouterr().out


async def test_list_of_contacts_is_found_by_name_or_told_missing(office: Office) -> None:
    records = PostgresPhonebookRecords(office.database)
    list_id, campaign = await records.find_list("all")
    assert campaign == "c1"
    assert await records.find_list(str(list_id)) == (list_id, "c1")
    await office.rows.campaign("c2")
    assert (await records.find_list("all", campaign="c2"))[1] == "c2"
    for key, where in (("all", None), ("none", None), ("all", "c3")):
        with pytest.raises(ListNotFound):
            await records.find_list(key, campaign=where)


async def test_page_that_was_noted_is_not_counted_twice(office: Office) -> None:
    contact = int(await office.rows.contact(CAMPAIGN))
    records = PostgresPhonebookRecords(office.database)
    request = PhonebookSyncInput(sync_id="s6", switch=SWITCH, campaign_id="c1")
    await records.begin(request, run_key="one", now=NOW)
    note = BookNote(external_id="7", act="update", info="odd")
    report = BookReport(processed=1, skipped=0, warnings=1, errors=0, notes=(note,))
    for _ in range(2):
        counts = await records.record(request, run_key="one", last=contact, sent=1, report=report)
        assert (counts.sent, counts.warnings) == (1, 1)
    assert [found.info for found in (await records.view("s6")).notes] == ["odd"]
    assert (await records.begin(request, run_key="one", now=NOW))[0] == contact
    assert (await records.begin(request, run_key="two", now=NOW))[0] == 0
    with pytest.raises(SyncSuperseded):
        await records.record(request, run_key="one", last=contact, sent=1, report=report)


async def attempt(
    office: Office, attempt_id: str, *, outcome: Outcome = Outcome.answered, **more: Any
) -> None:
    """An attempt of ours at `NOW`."""
    contact = int(await office.rows.contact(CAMPAIGN))
    values: dict[str, Any] = {
        "campaign_id": "c1",
        "shard": 0,
        "epoch": 1,
        "contact_id": contact,
        "number": "+390733123",
        "trunk_id": "trunk-1",
        "state": "ended",
        "opened_at": NOW,
        "accepted_at": NOW,
        "ended_at": NOW,
    } | more
    async with office.database.transaction() as session:
        await session.execute(
            insert(tables.attempts).values(id=attempt_id, outcome=outcome, **values)
        )


async def test_check_of_a_day_finds_what_only_we_know(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    await attempt(office, "c1-1")
    await attempt(office, "c1-2", accepted_at=None, outcome=Outcome.failed)
    for _ in range(2):
        assert await office.command("reconcile", "pbx", "--day", str(TODAY), "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert told["state"] == "completed"
        assert told["counts"] == {
            "ours": 2,
            "theirs": 0,
            "matched": 0,
            "missing_there": 1,
            "missing_here": 0,
            "twice_there": 0,
            "outcome_differs": 0,
            "talk_differs": 0,
        }
        assert [one["attempt_id"] for one in told["differences"]] == ["c1-1"]
    assert await office.command("reconcile", "pbx", "--day", str(TODAY)) == 0
    assert "ours only" in capsys.readouterr().out


async def test_check_of_an_hour_is_noted_once_and_by_the_newest_only(office: Office) -> None:
    checks = PostgresCallChecks(office.database)
    request = CheckCalls(
        switch=SWITCH, day=TODAY, zone="UTC", tolerance=timedelta(seconds=3), run_key="one"
    )
    assert await checks.begin(request, now=NOW) is None
    assert await checks.begin(request, now=NOW) is None
    nothing = Comparison(ours=1, theirs=1, matched=1, differences=())
    for _ in range(2):
        counts = await checks.record(request, until=NOW, comparison=nothing)
        assert counts.matched == 1
    begun = await checks.begin(request, now=NOW)
    assert begun is not None
    assert begun.checked_until == NOW
    newer = request.model_copy(update={"run_key": "two"})
    assert await checks.begin(newer, now=NOW) is None
    with pytest.raises(CheckSuperseded):
        await checks.record(request, until=NOW, comparison=nothing)


async def test_check_is_scheduled_once_and_moved_by_asking_again(office: Office) -> None:
    request = CallCheckInput(switch=SWITCH, zone="Europe/Rome")
    await office.desk.check_nightly(request, at=time(1, 15))
    due = await office.desk.check_nightly(request, at=time(2, 30))
    assert due is not None
    handle = office.desk.client.get_schedule_handle("reconcile/pbx")
    described = await handle.describe()
    (calendar,) = described.schedule.spec.calendars
    assert (calendar.hour[0].start, calendar.minute[0].start) == (2, 30)
    assert described.schedule.spec.time_zone_name == "Europe/Rome"
    await handle.trigger()

    async def ran() -> bool:
        return bool((await handle.describe()).info.recent_actions)

    await until(ran)
    action = (await handle.describe()).info.recent_actions[0].action
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    result = await office.desk.client.get_workflow_handle(action.workflow_id).result()
    assert result["switch"] == SWITCH
    assert await office.desk.stop_nightly(SWITCH)
    assert not await office.desk.stop_nightly(SWITCH)


async def test_nightly_check_is_ordered_and_ended_by_command(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await office.command("reconcile", "pbx", "--nightly", "02:30", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["nightly"], told["zone"]) == ("02:30", "UTC")
    assert datetime.fromisoformat(told["next_at"]) > datetime.now(UTC)
    assert await office.command("reconcile", "pbx", "--nightly", "off") == 0
    assert "no more checked" in capsys.readouterr().out


async def test_recording_is_ordered_by_command_and_seen_to_happen(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.simulator.face.pbx.inbound(
        "+390733123123",
        gateway="1",
        called=Entity(EntityKind.ivr, "1"),
        called_number="0800",
    )
    (call,) = office.simulator.face.pbx.calls.values()
    assert await office.command("record", "pbx", call.id, "--on", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"call": call.id, "wanted": True, "recording": True}
    assert call.recording
    assert await office.command("record", "pbx", call.id, "--off") == 0
    assert "is not being recorded" in capsys.readouterr().out
    assert await office.command("record", "pbx", "gone", "--on") == 1
    assert "switch_said_no" in capsys.readouterr().err


async def test_order_that_makes_no_sense_is_a_wrong_command_line(office: Office) -> None:
    assert await office.command("reconcile", "pbx", "--day", "tomorrow") == 2
    assert await office.command("reconcile", "pbx", "--nightly", "late") == 2
    assert await office.command("reconcile", "pbx", "--zone", "Mars/Base") == 2
    assert await office.command("phonebook-sync", "pbx") == 2


async def test_floor_and_pbx_agree_about_every_call(database_url: str) -> None:
    people = Population(
        numbers={
            "+393201112223": [Behaviour(kind=PersonKind.answer, ring_s=0.1, talk_s=0.3)],
            "+393201112224": [Behaviour(kind=PersonKind.busy, ring_s=0.1)],
            "+393201112225": [Behaviour(kind=PersonKind.rejected, ring_s=0.1)],
        }
    )
    settings = CampaignSettings(
        name="truth",
        mode=Mode.progressive,
        switch=SwitchId("pbx"),
        wrap_up=timedelta(0),
        retry={"max_attempts": 1},
    )
    config = SimulatorConfig(users=make_users(1), population=people)
    async with floor_stack(database_url, config) as floor:
        await floor.create(settings, people.numbers)
        async with asyncio.timeout(30):
            await floor.dial()
        await _configure(floor.database, floor.simulator.url, floor.simulator.config.token)
        found = await _checked(floor.database)
        assert (found.ours, found.theirs, found.matched, found.differences) == (3, 3, 3, 0)
        async with floor.database.transaction() as session:
            await session.execute(
                update(tables.attempts)
                .where(tables.attempts.c.outcome == Outcome.busy)
                .values(outcome=Outcome.unknown)
            )
        assert (await _checked(floor.database)).outcome_differs == 1


async def _checked(database: Database) -> Any:
    """Today's check, by the activity itself."""
    checks = CallCheckActivities(
        records=PostgresCallChecks(database),
        reports=PbxServices(LinkStore(database).get),
        clock=lambda: datetime.now(UTC),
    )
    now = datetime.now(UTC)
    request = CheckCalls(
        switch=SwitchId("pbx"),
        day=now.date(),
        zone="UTC",
        tolerance=timedelta(seconds=3),
        run_key=now.isoformat(),
    )
    return (await ActivityEnvironment().run(checks.check_calls, request)).counts
