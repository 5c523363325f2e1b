"""Do-not-call lists on a real PostgreSQL."""

from datetime import timedelta

from dialer.commands import SaveDisposition
from dialer.model import AttemptId
from offhook.storage.compliance_store import DoNotCall
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.inbox import PostgresInbox
from offhook.storage.pool import Pool
from tests.integration.storage.steps import ALICE, claim, opening, take, write
from tests.support.builders import NOW, Rows, at

NUMBER = "+390551234567"
OTHER = "+390551234568"


async def test_entry_stops_engines_that_hold_a_contact_without_another_number(
    rows: Rows, pool: Pool, store: PostgresDialStore, inbox: PostgresInbox
) -> None:
    campaign = await rows.campaign("c1")
    one = await rows.contact(campaign, numbers=(NUMBER,))
    await rows.contact(campaign, numbers=(OTHER, "+390559999999"))
    lease = await take(store, campaign)
    await claim(store, lease)

    done = await DoNotCall(pool).add([NUMBER, OTHER], now=NOW, source="asked")

    assert (done.entries, done.told) == (2, 1)
    [item] = await inbox.read([(f"campaign:{campaign}", 0)], limit=10)
    assert getattr(item.event, "contact_id", "") == one
    assert getattr(item.event, "reason", "") == "do_not_call"


async def test_entry_is_never_made_shorter_by_another(pool: Pool) -> None:
    lists = DoNotCall(pool)
    await lists.add([NUMBER], now=NOW, source="person")
    await lists.add([NUMBER], now=NOW, source="register", expires_at=at(3600))

    [entry] = await lists.check(NUMBER)

    assert entry.expires_at is None


async def test_number_is_found_by_its_prefix_and_each_change_has_a_version(pool: Pool) -> None:
    lists = DoNotCall(pool)
    first = await lists.add(["+39055"], now=NOW, is_prefix=True)
    await lists.import_([NUMBER, NUMBER, OTHER], now=at(1), source="register")

    found = await lists.check(NUMBER)

    assert [(one.number, one.is_prefix) for one in found] == [(NUMBER, False), ("+39055", True)]
    assert await lists.version(NOW) == first.version
    assert await lists.version(at(1)) == first.version + 1
    assert await lists.version(NOW - timedelta(days=1)) == 0
    assert await lists.remove(NUMBER, now=at(2))
    assert not await lists.remove(NUMBER, now=at(2))
    assert [one.number for one in await lists.entries()] == ["+39055", OTHER]


async def test_number_of_a_person_who_opts_out_to_the_agent_is_listed_at_once(
    rows: Rows, pool: Pool, store: PostgresDialStore
) -> None:
    campaign = await rows.campaign("c1")
    await rows.contact(campaign, numbers=(NUMBER,))
    await rows.contact(campaign, numbers=(OTHER,))
    lease = await take(store, campaign)
    first, second = await claim(store, lease)
    two = AttemptId("c1-1-2")
    await write(store, lease, opening(first), opening(second, two))

    said = [(AttemptId("c1-1-1"), "do_not_call"), (two, "sale")]
    told = [
        SaveDisposition(attempt_id=attempt, agent_id=ALICE, code=code, at=NOW)
        for attempt, code in said
    ]
    await write(store, lease, *told, seq=2)

    [entry] = await DoNotCall(pool).entries()
    assert (entry.number, entry.source) == (first.numbers[0].number, "opt-out to an agent")
    assert await DoNotCall(pool).version(NOW) == 1
