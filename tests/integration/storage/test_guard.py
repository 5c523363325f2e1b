"""The guard in the write-ahead transaction: no call is opened that the record does not agree to."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import delete, insert, select, update

from activities.ports import Lease
from dialer.commands import OpenAttemptRecord
from dialer.compliance.facts import Counted, Limit, number_key
from dialer.events import CallForbidden
from dialer.model import AttemptId, CampaignId, Dialable
from dialer.outcomes import Outcome
from offhook.storage import tables
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from tests.integration.storage.steps import claim, closing, entry, opening, take
from tests.support.builders import NOW, Rows, at

NUMBER = "+390551234567"


def limit(counted: Counted = Counted.attempt, *, most: int = 0, hours: float = 24) -> Limit:
    return Limit(
        rule="test/limit",
        key=number_key(NUMBER),
        counted=counted,
        most=most,
        within=timedelta(hours=hours),
    )


async def apply(
    store: PostgresDialStore, lease: Lease, *records: OpenAttemptRecord, seq: int = 1
) -> list[CallForbidden]:
    told = await store.apply(lease, entries=[entry(seq)], records=records, cursors=(), now=NOW)
    return list(told)


async def ready(
    rows: Rows, store: PostgresDialStore, campaign: str, *, numbers: tuple[str, ...] = (NUMBER,)
) -> tuple[Lease, Dialable]:
    made = await rows.campaign(campaign)
    await rows.contact(made, numbers=numbers)
    lease = await take(store, made)
    [contact] = await claim(store, lease)
    return lease, contact


def wanted(contact: Dialable, name: str, *limits: Limit) -> OpenAttemptRecord:
    return replace(opening(contact, AttemptId(name)), limits=limits)


async def stored_attempts(database: Database) -> list[str]:
    async with database.transaction() as session:
        return sorted(await session.scalars(select(tables.attempts.c.id)))


async def contact_state(database: Database, contact: Dialable) -> str:
    key = int(contact.contact_id)
    async with database.transaction() as session:
        found = await session.scalar(
            select(tables.contacts.c.state).where(tables.contacts.c.id == key)
        )
    return str(found)


async def test_one_of_two_campaigns_gets_a_number_when_both_race_for_it(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    pairs = [await ready(rows, store, f"c{number}") for number in range(6)]

    told = await asyncio.gather(
        *(
            apply(store, lease, wanted(contact, f"{lease.campaign_id}-1-1", limit()))
            for lease, contact in pairs
        )
    )

    assert sum(not forbidden for forbidden in told) == 1
    assert len(await stored_attempts(database)) == 1
    refused = [forbidden[0] for forbidden in told if forbidden]
    assert {one.reason for one in refused} == {"test/limit"}
    assert {one.until for one in refused} == {NOW + timedelta(hours=24)}


async def test_forbidden_call_leaves_no_attempt_and_its_contact_claimed(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    lease, contact = await ready(rows, store, "c1")
    other, rival = await ready(rows, store, "c2")
    assert await apply(store, other, wanted(rival, "c2-1-1", limit())) == []

    [told] = await apply(store, lease, wanted(contact, "c1-1-1", limit()))

    assert (told.attempt_id, told.contact_id, told.number) == (
        "c1-1-1",
        contact.contact_id,
        NUMBER,
    )
    assert await stored_attempts(database) == ["c2-1-1"]
    assert await contact_state(database, contact) == "claimed"
    assert await contact_state(database, rival) == "dialing"


async def test_forbidden_call_is_told_again_when_the_reply_got_lost(
    rows: Rows, store: PostgresDialStore
) -> None:
    lease, contact = await ready(rows, store, "c1")
    _, rival = await ready(rows, store, "c2")
    call = wanted(contact, "c1-1-1", limit())
    other = await take(store, CampaignId("c2"))
    await apply(store, other, wanted(rival, "c2-2-1", limit()))

    first = await apply(store, lease, call)

    assert await apply(store, lease, call) == first != []


async def test_two_contacts_with_one_number_are_counted_together_in_one_step(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    campaign = await rows.campaign("c1")
    one = await rows.contact(campaign, numbers=(NUMBER,))
    two = await rows.contact(campaign)
    lease = await take(store, campaign)
    contacts = {contact.contact_id: contact for contact in await claim(store, lease)}
    first = wanted(contacts[one], "c1-1-1", limit(most=1))
    second = replace(wanted(contacts[two], "c1-1-2", limit(most=0)), number=NUMBER)

    told = await apply(store, lease, first, second)

    assert [one.attempt_id for one in told] == ["c1-1-2"]
    assert await stored_attempts(database) == ["c1-1-1"]


async def test_number_listed_after_the_claim_is_not_called(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    lease, contact = await ready(rows, store, "c1")
    async with database.transaction() as session:
        await session.execute(
            insert(tables.do_not_call).values(
                number=NUMBER[:6], scope="", is_prefix=True, source="law", added_at=NOW
            )
        )

    [told] = await apply(store, lease, wanted(contact, "c1-1-1"))

    assert (told.reason, told.until) == ("do_not_call", None)


async def test_entry_that_has_expired_or_is_of_another_campaign_forbids_nothing(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    lease, contact = await ready(rows, store, "c1")
    async with database.transaction() as session:
        await session.execute(
            insert(tables.do_not_call),
            [
                {"number": NUMBER, "scope": "c2", "added_at": NOW, "expires_at": None},
                {"number": NUMBER, "scope": "", "added_at": NOW, "expires_at": at(-1)},
            ],
        )

    assert await apply(store, lease, wanted(contact, "c1-1-1")) == []


async def test_lockout_after_an_abandoned_call_survives_the_deletion_of_its_list(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    lease, contact = await ready(rows, store, "c1")
    await apply(store, lease, wanted(contact, "c1-1-1"))
    ended = closing(contact, Outcome.abandoned, AttemptId("c1-1-1"))
    await store.apply(lease, entries=[entry(2)], records=[ended], cursors=(), now=NOW)
    async with database.transaction() as session:
        await session.execute(delete(tables.contacts))
    other, rival = await ready(rows, store, "c2")

    lockout = limit(Counted.abandoned, hours=72)
    [told] = await apply(store, other, wanted(rival, "c2-1-1", lockout))

    assert told.until == at(30) + timedelta(hours=72)
    assert await stored_attempts(database) == []


async def test_lockout_that_is_over_forbids_nothing(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    lease, contact = await ready(rows, store, "c1")
    await apply(store, lease, wanted(contact, "c1-1-1"))
    ended = closing(contact, Outcome.abandoned, AttemptId("c1-1-1"))
    await store.apply(lease, entries=[entry(2)], records=[ended], cursors=(), now=NOW)
    async with database.transaction() as session:
        await session.execute(
            update(tables.attempts).values(
                opened_at=NOW - timedelta(hours=73), ended_at=NOW - timedelta(hours=72, seconds=1)
            )
        )
    other, rival = await ready(rows, store, "c2")

    lockout = limit(Counted.abandoned, hours=72)
    assert await apply(store, other, wanted(rival, "c2-1-1", lockout)) == []


async def test_number_in_call_is_not_called_by_another_campaign(
    rows: Rows, store: PostgresDialStore
) -> None:
    lease, contact = await ready(rows, store, "c1")
    await apply(store, lease, wanted(contact, "c1-1-1"))
    other, rival = await ready(rows, store, "c2")

    [told] = await apply(store, other, wanted(rival, "c2-1-1", limit(Counted.open, hours=12)))

    assert told.until == NOW + timedelta(minutes=5)


async def test_claimed_contact_comes_with_what_other_campaigns_did(
    rows: Rows, store: PostgresDialStore, database: Database
) -> None:
    lease, contact = await ready(rows, store, "c1")
    await apply(store, lease, wanted(contact, "c1-1-1"))
    ended = closing(contact, Outcome.abandoned, AttemptId("c1-1-1"))
    await store.apply(lease, entries=[entry(2)], records=[ended], cursors=(), now=NOW)
    other = await rows.campaign("c2")
    async with database.transaction() as session:
        known = await session.scalar(
            select(tables.campaigns.c.settings).where(tables.campaigns.c.id == other)
        )
        assert known is not None
        known["compliance"] = {"profiles": ["it"]}
        await session.execute(
            update(tables.campaigns).where(tables.campaigns.c.id == other).values(settings=known)
        )
    await rows.contact(other, numbers=(NUMBER,))

    [claimed] = await claim(store, await take(store, other))

    assert claimed.history is not None
    [call] = claimed.history.calls
    assert (call.outcome, call.ended_at, call.keys) == ("abandoned", at(30), (f"number:{NUMBER}",))
