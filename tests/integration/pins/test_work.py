"""No try costs more than another: the work of each is counted, not timed."""

from collections import Counter
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ivr.machine_words import PinAnswer
from ivr.pin import Asks, AttemptLimit, Counts, PinPolicy
from offhook.pins.keys import PinKeys
from offhook.storage.pool import open_pool
from tests.support.builders import NOW
from tests.support.pins import OTHER, PIN, PinDesk, cheap_stretcher, ring

LIMITS = (AttemptLimit(over=Counts.caller, failures=2),)
ALONE = PinPolicy(limits=LIMITS)
WITH_CUSTOMER = PinPolicy(asks=Asks.customer_and_pin, limits=LIMITS)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[PinDesk]:
    """A desk with one connection, two keys, and policies of both kinds."""
    pool = await open_pool(database_url, size=1)
    with cheap_stretcher() as stretcher:
        desk = PinDesk(pool, stretcher, ring("k1", "k2"))
        await desk.policy(ALONE, "alone")
        await desk.policy(WITH_CUSTOMER, "both")
        yield desk
    await pool.close()


async def work_of(
    desk: PinDesk, pin: str, *, policy: str, customer: str | None, calling: str
) -> tuple[PinAnswer, Counter[str]]:
    """The answer, and how often each costly thing was done for it."""
    reference = await desk.typed(pin)
    request = desk.request(reference, policy=policy, customer=customer, calling=calling)
    done: Counter[str] = Counter()

    def count(_query: asyncpg.connection.LoggedQuery) -> None:
        done["statements"] += 1

    looked_up = PinKeys.lookup

    def lookup(keys: PinKeys, key_id: str, stretched: bytes, *, policy: str) -> bytes:
        done["hmacs"] += 1
        return looked_up(keys, key_id, stretched, policy=policy)

    before = desk.stretcher.done
    async with desk.pool.acquire() as connection:
        connection.add_query_logger(count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PinKeys, "lookup", lookup)
        said = await desk.verifier.verify(request)
    async with desk.pool.acquire() as connection:
        connection.remove_query_logger(count)
    done["argon2"] = desk.stretcher.done - before
    return said.answer, done


@pytest.mark.parametrize(("policy", "customer"), [("alone", None), ("both", "1001")])
async def test_every_kind_of_try_does_the_same_work(
    desk: PinDesk, policy: str, customer: str | None
) -> None:
    await desk.enrol("1001", PIN, policy=policy)
    await desk.enrol("1002", "480216", policy=policy, valid_until=NOW)
    await desk.enrol("1003", "591637", policy=policy)
    await desk.office.revoke("1003", policy=policy)
    for _ in range(2):
        await desk.say(OTHER, policy=policy, customer=customer, calling="+390733000009")
    tries = [
        (PIN, customer, "+390733000001", PinAnswer.ok),
        (OTHER, customer, "+390733000002", PinAnswer.wrong),
        ("480216", customer and "1002", "+390733000003", PinAnswer.expired),
        ("591637", customer and "1003", "+390733000004", PinAnswer.wrong),
        (PIN, customer, "+390733000009", PinAnswer.locked),
        (
            PIN,
            customer and "nobody",
            "+390733000005",
            PinAnswer.wrong if customer else PinAnswer.ok,
        ),
        ("1", customer, "", PinAnswer.wrong),
    ]
    works = []
    for pin, whose, calling, expected in tries:
        answer, work = await work_of(desk, pin, policy=policy, customer=whose, calling=calling)
        assert answer is expected
        works.append(work)
    assert works[0]["argon2"] == 1
    assert works[0]["hmacs"] == 2
    assert works[0]["statements"] > 5
    assert all(work == works[0] for work in works)
