"""Verdicts on typed PINs on a real PostgreSQL: right and wrong, locked, once, under a race."""

import asyncio
from datetime import timedelta

import pytest

from activities.ivr_contracts import PinVerdict
from activities.ports import StoreUnavailable
from ivr.machine_words import PinAnswer
from ivr.pin import Asks, AttemptLimit, Counts, PinPolicy
from offhook.pins.digits import HiddenDigits
from tests.support.builders import NOW
from tests.support.pins import OTHER, PIN, PinDesk, ring

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PER_CALLER = PinPolicy(limits=(AttemptLimit(over=Counts.caller, failures=5),))


async def rows(desk: PinDesk, table: str) -> int:
    return int(await desk.pool.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - our names


async def reasons(desk: PinDesk) -> list[str]:
    found = await desk.pool.fetch("SELECT reason FROM pin_attempts ORDER BY id")
    return [row["reason"] for row in found]


async def test_right_pin_tells_whose_it_is(desk: PinDesk) -> None:
    await desk.enrol("c7", PIN)
    await desk.enrol("c8", OTHER)
    assert await desk.say(PIN) == PinVerdict(answer=PinAnswer.ok, customer="c7")
    assert await desk.say(OTHER) == PinVerdict(answer=PinAnswer.ok, customer="c8")


async def test_wrong_pin_tells_nothing_but_the_audit_why(desk: PinDesk) -> None:
    await desk.enrol("c7", PIN)
    await desk.office.revoke("c7")
    assert await desk.say(PIN) == PinVerdict(answer=PinAnswer.wrong)
    assert await desk.say(OTHER) == PinVerdict(answer=PinAnswer.wrong)
    assert await reasons(desk) == ["revoked", "unknown_pin"]


async def test_pin_counts_only_within_its_dates(desk: PinDesk) -> None:
    await desk.enrol(valid_from=NOW + HOUR, valid_until=NOW + DAY)
    assert (await desk.say(PIN)).answer is PinAnswer.expired
    desk.pass_by(HOUR)
    assert (await desk.say(PIN)).answer is PinAnswer.ok
    desk.pass_by(DAY - HOUR)
    assert (await desk.say(PIN)).answer is PinAnswer.expired


@pytest.mark.parametrize("written", ["+390733999999", "0039 0733 999999", "0733999999"])
async def test_bound_pin_is_right_from_its_number_however_written(
    desk: PinDesk, written: str
) -> None:
    await desk.enrol(callers=("+390733999999",))
    assert (await desk.say(PIN, calling=written)).answer is PinAnswer.ok
    assert (await desk.say(PIN, calling="+390733111111")).answer is PinAnswer.wrong


async def test_customers_may_share_a_pin_where_the_number_is_asked_for(desk: PinDesk) -> None:
    await desk.policy(PinPolicy(asks=Asks.customer_and_pin), "club")
    await desk.enrol("1001", PIN, policy="club")
    await desk.enrol("1002", PIN, policy="club")
    await desk.enrol("1003", OTHER, policy="club")
    said = await desk.say(PIN, policy="club", customer="1002")
    assert said == PinVerdict(answer=PinAnswer.ok, customer="1002")
    assert (await desk.say(PIN, policy="club", customer="1003")).answer is PinAnswer.wrong
    assert (await desk.say(PIN, policy="club", customer="9999")).answer is PinAnswer.wrong
    assert (await desk.say(PIN, policy="club", customer=None)).answer is PinAnswer.wrong


async def test_lock_holds_against_the_right_pin_until_it_ends(desk: PinDesk) -> None:
    await desk.policy(PER_CALLER)
    await desk.enrol()
    for _ in range(5):
        assert (await desk.say(OTHER)).answer is PinAnswer.wrong
    assert (await desk.say(PIN)).answer is PinAnswer.locked
    assert (await desk.say(PIN, calling="+390733000001")).answer is PinAnswer.ok
    desk.pass_by(HOUR)
    assert (await desk.say(PIN)).answer is PinAnswer.ok


async def test_unlocking_forgets_the_failures_of_one_caller(desk: PinDesk) -> None:
    await desk.policy(PER_CALLER)
    await desk.enrol()
    for _ in range(5):
        await desk.say(OTHER)
    assert await desk.office.store.unlock("default", Counts.caller, "+390733123456") == 5
    assert (await desk.say(PIN)).answer is PinAnswer.ok


async def test_hundred_tries_at_once_get_as_many_verdicts_as_the_limit(desk: PinDesk) -> None:
    await desk.policy(PER_CALLER)
    await desk.enrol()
    guesses = [f"{number:06d}" for number in range(240_000, 240_099)]
    said = await asyncio.gather(*(desk.say(guess) for guess in guesses))
    answers = [one.answer for one in said]
    assert answers.count(PinAnswer.wrong) == 5
    assert answers.count(PinAnswer.locked) == len(guesses) - 5
    alerts = await desk.office.store.alerts()
    assert [(one.over, one.who) for one in alerts] == [(Counts.caller, "…56")]


async def test_limit_over_everybody_alerts_once_and_locks_nobody(desk: PinDesk) -> None:
    limit = AttemptLimit(over=Counts.everybody, failures=4, lock=timedelta(0))
    await desk.policy(PinPolicy(limits=(limit,)))
    await desk.enrol()
    for number in range(10):
        await desk.say(OTHER, calling=f"+39073300000{number}")
    assert (await desk.say(PIN)).answer is PinAnswer.ok
    assert [one.over for one in await desk.office.store.alerts()] == [Counts.everybody]


async def test_repetition_of_a_reference_gets_the_same_verdict_once(desk: PinDesk) -> None:
    await desk.enrol()
    request = desk.request(await desk.typed(OTHER))
    first = await desk.verifier.verify(request)
    assert await desk.verifier.verify(request) == first
    both = desk.request(await desk.typed(PIN))
    said = await asyncio.gather(*(desk.verifier.verify(both) for _ in range(5)))
    assert {one.answer for one in said} == {PinAnswer.ok}
    assert await rows(desk, "pin_attempts") == 2
    assert await rows(desk, "ivr_secrets") == 0


async def test_digits_that_waited_too_long_are_gone_and_count_for_nothing(desk: PinDesk) -> None:
    await desk.enrol()
    reference = await desk.typed(PIN)
    desk.pass_by(timedelta(seconds=91))
    said = await desk.verifier.verify(desk.request(reference))
    assert said == PinVerdict(answer=PinAnswer.unavailable)
    assert await rows(desk, "pin_failures") == 0
    await desk.typed(OTHER)
    assert await rows(desk, "ivr_secrets") == 1


async def test_digits_stay_when_the_verdict_could_not_be_written(desk: PinDesk) -> None:
    await desk.enrol()
    request = desk.request(await desk.typed(PIN))
    await desk.pool.execute("ALTER TABLE pin_attempts RENAME TO away")
    with pytest.raises(Exception, match="pin_attempts"):
        await desk.verifier.verify(request)
    await desk.pool.execute("ALTER TABLE away RENAME TO pin_attempts")
    assert (await desk.verifier.verify(request)).answer is PinAnswer.ok


async def test_policy_that_nobody_made_makes_no_verdict(desk: PinDesk) -> None:
    said = await desk.say(PIN, policy="typo")
    assert said.answer is PinAnswer.unavailable
    assert await reasons(desk) == ["no_policy"]


async def test_rotated_key_finds_old_pins_and_takes_them_over_when_used(desk: PinDesk) -> None:
    await desk.enrol("c7", PIN)
    await desk.enrol("c8", OTHER)
    desk.keys = ring("k1", "k2")
    assert (await desk.say(PIN)).customer == "c7"
    use = {one.key_id: one.pins for one in await desk.office.store.key_use()}
    assert use == {"k1": 1, "k2": 1}
    desk.keys = ring("k2")
    assert (await desk.say(PIN)).customer == "c7"
    assert (await desk.say(OTHER)).answer is PinAnswer.wrong


async def test_pin_in_use_under_an_old_key_is_not_given_out_again(desk: PinDesk) -> None:
    await desk.enrol("c7", PIN)
    desk.keys = ring("k1", "k2")
    with pytest.raises(Exception, match="in use"):
        await desk.enrol("c8", PIN)


async def test_sealed_digits_open_with_their_own_reference_only(desk: PinDesk) -> None:
    one, other = await desk.typed(PIN), await desk.typed(OTHER)
    sealed = await desk.pool.fetch("SELECT sealed FROM ivr_secrets ORDER BY created_at, ref")
    assert not any(PIN.encode() in row["sealed"] for row in sealed)
    await desk.pool.execute(
        "UPDATE ivr_secrets SET sealed = (SELECT sealed FROM ivr_secrets ORDER BY ref LIMIT 1)"
    )
    found = [await desk.secrets.peek(reference) for reference in (one, other)]
    assert sum(digits is None for digits in found) == 1
    assert HiddenDigits(PIN) in found or HiddenDigits(OTHER) in found


async def test_store_that_is_away_is_no_verdict(desk: PinDesk) -> None:
    reference = await desk.typed(PIN)
    await desk.pool.close()
    with pytest.raises(StoreUnavailable):
        await desk.verifier.verify(desk.request(reference))
