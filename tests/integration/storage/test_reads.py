"""Journals, histories and figures on a real PostgreSQL."""

from dataclasses import replace
from datetime import timedelta

import pytest

from activities.ports import JournalEntry
from dialer.call import CallState
from dialer.commands import ContactState, ReturnContact, SaveAttempt
from dialer.model import AttemptId, CampaignId, CampaignSettings, ContactId
from dialer.outcomes import Outcome
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.contacts import Contacts
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.errors import ContactNotFound
from offhook.storage.journal import PAGE, Journals
from offhook.storage.pool import Pool
from offhook.storage.reports import AnswerToAgent, Reports
from tests.integration.storage.steps import ATTEMPT, claim, closing, opening, take, write
from tests.support.builders import NOW, SWITCH, Rows, at


@pytest.fixture
def journals(pool: Pool) -> Journals:
    return Journals(pool)


@pytest.fixture
def contacts(database: Database) -> Contacts:
    return Contacts(database)


async def test_journal_is_read_back_as_it_was_written_however_long(
    store: PostgresDialStore, rows: Rows, journals: Journals
) -> None:
    campaign = await rows.campaign()
    lease = await take(store, campaign)
    written = [
        JournalEntry(
            seq=seq, at=at(seq), event=b'{"kind":"tick"}', commands=b"[]", inbox_id=seq * 2
        )
        for seq in range(1, PAGE + 11)
    ]
    await store.apply(lease, entries=written, records=[], cursors=[], now=NOW)
    assert [entry async for entry in journals.entries(campaign, epoch=1)] == written


async def test_each_holder_of_the_lease_has_a_journal_of_its_own(
    store: PostgresDialStore, rows: Rows, journals: Journals
) -> None:
    campaign = await rows.campaign()
    for _ in range(2):
        await write(store, await take(store, campaign))
    epochs = await journals.epochs(campaign)
    assert [(epoch.epoch, epoch.entries) for epoch in epochs] == [(1, 1), (2, 1)]


async def test_contact_is_found_by_id_by_the_lists_id_and_by_number(
    rows: Rows, contacts: Contacts
) -> None:
    campaign = await rows.campaign()
    contact = await rows.contact(campaign, external_id="CRM-7", numbers=("+390551",))
    await rows.contact(campaign)
    for key in (contact, "CRM-7", "+390551"):
        assert await contacts.find(campaign, key) == [contact]
    for key in ("", "nobody", "9" * 30):
        assert await contacts.find(campaign, key) == []


async def test_history_tells_attempts_and_calls_not_placed(
    store: PostgresDialStore, rows: Rows, contacts: Contacts
) -> None:
    campaign = await rows.campaign()
    contact = await rows.contact(campaign, external_id="CRM-7")
    lease = await take(store, campaign)
    [claimed] = await claim(store, lease)
    back = ReturnContact(contact_id=contact, reason="outside_hours", at=at(60))
    await write(store, lease, opening(claimed), closing(claimed, Outcome.busy), back)
    told = await contacts.history(contact, now=NOW)
    assert (told.external_id, told.state, told.due_at) == ("CRM-7", ContactState.ready, at(300))
    assert [(a.attempt_id, a.outcome, a.reason) for a in told.attempts] == [
        (ATTEMPT, Outcome.busy, "retry")
    ]
    assert [(r.reason, r.count) for r in told.refusals] == [("outside_hours", 1)]
    [number] = claimed.numbers
    assert told.numbers == (replace(number, attempts=1, last_outcome=Outcome.busy),)


async def test_history_counts_who_comes_first(rows: Rows, contacts: Contacts) -> None:
    campaign = await rows.campaign()
    await rows.contact(campaign, due_at=at(-60))
    await rows.contact(campaign, due_at=at(600), priority=9)
    this = await rows.contact(campaign, due_at=at(-30))
    await rows.contact(campaign, due_at=at(-10))
    await rows.contact(campaign, due_at=at(-1), priority=5)
    assert (await contacts.history(this, now=NOW)).ahead == 2
    assert (await contacts.history(this, now=at(-40))).ahead == 0


@pytest.mark.parametrize("key", ["7", "nobody"])
async def test_unknown_contact_has_no_history(contacts: Contacts, key: str) -> None:
    with pytest.raises(ContactNotFound, match=key):
        await contacts.history(ContactId(key), now=NOW)


async def test_waits_for_an_agent_are_reported_by_rank(
    store: PostgresDialStore, rows: Rows, database: Database
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 100)
    lease = await take(store, campaign)
    claimed = await claim(store, lease, 100)
    joined = [
        SaveAttempt(
            attempt_id=AttemptId(f"c1-1-{number}"),
            state=CallState.talking,
            at=NOW,
            answered_at=NOW,
            joined_at=NOW + timedelta(milliseconds=10 * number),
        )
        for number in range(1, 101)
    ]
    openings = [
        replace(opening(contact), attempt_id=saved.attempt_id)
        for contact, saved in zip(claimed, joined, strict=True)
    ]
    await write(store, lease, *openings, *joined)
    waits = await Reports(database).answer_to_agent(campaign)
    assert waits == AnswerToAgent(joined=100, p50=500, p95=950, p99=990, max=1000)


async def test_campaign_that_joined_nobody_has_no_waits(rows: Rows, database: Database) -> None:
    waits = await Reports(database).answer_to_agent(await rows.campaign())
    assert waits == AnswerToAgent(joined=0, p50=0, p95=0, p99=0, max=0)


async def test_report_tells_why_contacts_ended_and_which_calls_were_not_placed(
    store: PostgresDialStore, rows: Rows, database: Database
) -> None:
    campaign = await rows.campaign()
    await rows.contacts(campaign, 2)
    lease = await take(store, campaign)
    first, second = await claim(store, lease, 2)
    done = ReturnContact(
        contact_id=first.contact_id,
        reason="on_do_not_call",
        at=NOW,
        contact_state=ContactState.finished,
    )
    later = ReturnContact(contact_id=second.contact_id, reason="outside_hours", at=NOW)
    await write(store, lease, done, later)
    told = await Reports(database).report(campaign)
    assert told.finished == {"on_do_not_call": 1}
    assert [(refused.reason, refused.contacts, refused.times) for refused in told.not_placed] == [
        ("on_do_not_call", 1, 1),
        ("outside_hours", 1, 1),
    ]
    assert told.contacts == {"finished": 1, "ready": 1, "total": 2}


async def test_repeated_request_gets_the_campaign_made_the_first_time(
    rows: Rows, database: Database
) -> None:
    views = CampaignViews(database)
    agents = await rows.agents("alice")
    settings = CampaignSettings(name="Spring", switch=SWITCH)
    first, again = [
        await views.create(CampaignId(campaign), settings, request_key="cron-7", now=NOW)
        for campaign in ("c1", "c2")
    ]
    assert again == first
    assert [row.campaign_id for row in await views.all()] == ["c1"]
    other = await views.create(CampaignId("c3"), settings, agent_ids=tuple(agents), now=NOW)
    assert other.campaign_id == "c3"
