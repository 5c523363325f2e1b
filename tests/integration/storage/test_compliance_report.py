"""The compliance report and retention, on a real PostgreSQL."""

import csv
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from dialer.call import CallState
from dialer.commands import ReturnContact, SaveAttempt
from dialer.model import AttemptId, CampaignId
from dialer.outcomes import Outcome
from offhook.offices.compliance import call_line, windows_csv
from offhook.storage import compliance_calls, tables
from offhook.storage.compliance_calls import ComplianceCalls
from offhook.storage.compliance_report import ComplianceReports, Evidence
from offhook.storage.compliance_store import DoNotCall
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.pool import Pool
from offhook.storage.retention import Keep, Retention
from tests.integration.storage.steps import claim, closing, opening, take, write
from tests.support.builders import NOW, Rows, at

REASON = "the switch shows the number of each branch itself"


async def lawful_campaign(rows: Rows, database: Database) -> CampaignId:
    campaign = await rows.campaign("c1")
    law = {
        "profiles": ["uk"],
        "waivers": [{"rule": "uk/caller-id", "justification": REASON}],
    }
    async with database.transaction() as session:
        of_campaign = tables.campaigns.c.id == campaign
        known = await session.scalar(select(tables.campaigns.c.settings).where(of_campaign))
        assert known is not None
        await session.execute(
            update(tables.campaigns).where(of_campaign).values(settings=known | {"compliance": law})
        )
    return campaign


async def test_report_has_the_law_the_windows_and_what_was_not_placed(
    rows: Rows, store: PostgresDialStore, database: Database, pool: Pool
) -> None:
    campaign = await lawful_campaign(rows, database)
    for _ in range(3):
        await rows.contact(campaign)
    lease = await take(store, campaign)
    one, two, three = await claim(store, lease)
    first, second = AttemptId("c1-1-1"), AttemptId("c1-1-2")
    await write(store, lease, opening(one, first), opening(two, second))
    await write(
        store,
        lease,
        closing(one, Outcome.answered, first),
        closing(two, Outcome.abandoned, second),
        ReturnContact(contact_id=three.contact_id, reason="uk/hours", at=NOW),
        seq=2,
    )
    change = await DoNotCall(pool).add(["+390559999999"], now=NOW, source="TPS")

    found = await ComplianceReports(database).report("c1", now=at(60), since=None, until=None)

    assert found.profiles == ("uk",)
    assert [one.rule for one in found.waived] == ["uk/caller-id"]
    assert "uk/caller-id" not in {rule.rule for rule in found.rules}
    assert all(rule.source and rule.says for rule in found.rules)
    [window] = found.windows
    assert (window.rule, window.attempts, window.answered, window.abandoned) == (
        "uk/abandonment",
        2,
        2,
        1,
    )
    assert (window.rate, window.cap, window.kept) == (0.5, 0.03, False)
    assert window.ends - window.begins == timedelta(days=1)
    assert [(one.reason, one.times) for one in found.not_placed] == [("uk/hours", 1)]
    assert found.calls_by_local_hour == {10: 2}
    assert (found.evidence.joined_late, found.evidence.most_calls_in_a_day) == (0, 1)
    assert found.do_not_call is not None
    assert (found.do_not_call.version, found.do_not_call.source) == (change.version, "TPS")
    [line] = csv.DictReader(windows_csv(found).splitlines())
    assert (line["rate"], line["kept"], line["waived"]) == ("0.5", "False", "uk/caller-id")


async def test_report_leaves_out_calls_of_another_time_and_has_no_window_without_calls(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    campaign = await rows.campaign("c1")
    await rows.contact(campaign)
    lease = await take(store, campaign)
    [one] = await claim(store, lease)
    await write(store, lease, opening(one, AttemptId("c1-1-1")))

    reports = ComplianceReports(database)
    later = await reports.report("c1", now=at(60), since=at(1), until=None)
    then = await reports.report("c1", now=at(60), since=NOW, until=at(1))

    assert (later.attempts, later.windows) == (0, ())
    assert (then.attempts, then.outcomes) == (1, {"in_progress": 1})


async def test_calls_of_deleted_contacts_are_still_reported(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    campaign = await rows.campaign("c1")
    await rows.contact(campaign)
    lease = await take(store, campaign)
    [one] = await claim(store, lease)
    await write(store, lease, opening(one), closing(one, Outcome.answered))
    async with database.transaction() as session:
        await session.execute(tables.contacts.delete())

    found = await ComplianceReports(database).report("c1", now=at(60), since=None, until=None)

    assert found.outcomes == {"answered": 1}


async def test_retention_deletes_no_record_of_a_call_however_short_journals_are_kept(
    rows: Rows, store: PostgresDialStore, database: Database, pool: Pool
) -> None:
    campaign = await lawful_campaign(rows, database)
    await rows.contact(campaign)
    lease = await take(store, campaign)
    [one] = await claim(store, lease)
    await write(store, lease, opening(one), closing(one, Outcome.answered))
    short = timedelta(seconds=1)
    keep = Keep(journal=short, unpacked=short, inbox=short, import_refusals=short)

    later = NOW + timedelta(days=4 * 365)
    await Retention(pool, keep).prune(now=later)

    found = await ComplianceReports(database).report("c1", now=later, since=None, until=None)
    assert found.outcomes == {"answered": 1}


async def test_evidence_has_the_extremes_and_each_call_with_its_wait_and_local_time(
    rows: Rows, store: PostgresDialStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compliance_calls, "PAGE", 2)
    campaign = await rows.campaign("c1")
    for _ in range(3):
        await rows.contact(campaign)
    lease = await take(store, campaign)
    one, two, three = await claim(store, lease)
    ids = [AttemptId(f"c1-1-{number}") for number in (1, 2, 3)]
    talked = SaveAttempt(
        attempt_id=ids[0],
        state=CallState.talking,
        at=at(7.5),
        answered_at=at(4),
        joined_at=at(7.5),
    )
    await write(
        store,
        lease,
        *(opening(who, made) for who, made in zip((one, two, three), ids, strict=True)),
        talked,
        closing(one, Outcome.answered, ids[0]),
        closing(two, Outcome.no_answer, ids[1]),
    )

    found = await ComplianceReports(database).report("c1", now=at(60), since=None, until=None)
    asked = ComplianceCalls(database).calls("c1", now=at(60), since=None, until=None)
    calls = [call async for call in asked]

    assert found.evidence == Evidence(
        joined_late=1, longest_wait_s=3.5, shortest_ring_s=30.0, most_calls_in_a_day=1
    )
    assert [(call.outcome, call.rang_s, call.waited_s) for call in calls] == [
        ("answered", 4.0, 3.5),
        ("no_answer", 30.0, None),
        ("in_progress", None, None),
    ]
    assert calls[0].placed_local == "2026-03-02T10:00:00+0100 Europe/Rome"
    [header, line] = csv.reader((call_line() + call_line(calls[0])).splitlines())
    assert dict(zip(header, line, strict=True))["number"] == calls[0].number
