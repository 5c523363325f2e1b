"""The policy of PINs: what may be given out, what a try is worth, and that locks hold."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.machine_words import PinAnswer
from ivr.pin import (
    WITHHELD,
    Asks,
    Attempt,
    AttemptLimit,
    Counts,
    Failures,
    PinPolicy,
    PinRecord,
    Verdict,
    Weakness,
    gate,
    judge,
    weaknesses,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = PinPolicy()
RECORD = PinRecord(customer="c7")
ATTEMPT = Attempt(call="call-1", calling="+390733")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def failed(over: Counts, *ago: timedelta) -> Failures:
    return Failures(over=over, at=tuple(NOW - one for one in ago))


@pytest.mark.parametrize(
    ("pin", "weak"),
    [
        ("482915", ()),
        ("4829", (Weakness.too_short,)),
        ("48291573", (Weakness.too_long,)),
        ("48a915", (Weakness.not_digits,)),
        ("٤٨٢٩١٥", (Weakness.not_digits,)),
        ("", (Weakness.not_digits, Weakness.too_short)),
        ("777777", (Weakness.all_equal,)),
        ("123456", (Weakness.sequence,)),
        ("890123", (Weakness.sequence,)),
        ("654321", (Weakness.sequence,)),
        ("121212", (Weakness.repeated,)),
        ("481481", (Weakness.repeated,)),
        ("331234", (Weakness.in_customer_number,)),
    ],
)
def test_weak_pins_are_not_given_out(pin: str, weak: tuple[Weakness, ...]) -> None:
    assert weaknesses(pin, POLICY, customer_number="0733-1234") == weak


def test_policy_may_allow_what_another_forbids() -> None:
    lax = PinPolicy(
        min_length=4, forbid_equal=False, forbid_sequences=False, forbid_customer_number=False
    )
    assert [weaknesses(pin, lax, customer_number="1111") for pin in ("1111", "1234")] == [(), ()]


def test_right_pin_says_whose_it_is() -> None:
    verdict = judge(RECORD, ATTEMPT, [], POLICY, NOW)
    assert verdict == Verdict(answer=PinAnswer.ok, reason="ok", customer="c7")


@pytest.mark.parametrize(
    ("record", "answer", "reason", "counted"),
    [
        (None, "wrong", "unknown_pin", True),
        (PinRecord(customer="c7", revoked=True), "wrong", "revoked", True),
        (PinRecord(customer="c7", callers=frozenset({"+391"})), "wrong", "other_caller", True),
        (PinRecord(customer="c7", callers=frozenset({"+390733"})), "ok", "ok", False),
        (PinRecord(customer="c7", valid_until=NOW), "expired", "expired", False),
        (PinRecord(customer="c7", valid_until=NOW + MINUTE), "ok", "ok", False),
        (PinRecord(customer="c7", valid_from=NOW), "ok", "ok", False),
        (PinRecord(customer="c7", valid_from=NOW + MINUTE), "expired", "not_yet_valid", False),
    ],
)
def test_verdict_goes_by_the_facts(
    record: PinRecord | None, answer: str, reason: str, counted: bool
) -> None:
    verdict = judge(record, ATTEMPT, [], POLICY, NOW)
    assert (verdict.answer, verdict.reason, verdict.failed) == (answer, reason, counted)


def test_customer_number_must_be_that_of_the_pin() -> None:
    both = PinPolicy(asks=Asks.customer_and_pin)
    for typed, answer in (("c7", PinAnswer.ok), ("c8", PinAnswer.wrong), (None, PinAnswer.wrong)):
        attempt = Attempt(call="1", customer=typed)
        assert judge(RECORD, attempt, [], both, NOW).answer is answer


@pytest.mark.parametrize(
    ("over", "count"), [(Counts.call, 3), (Counts.caller, 5), (Counts.customer, 5)]
)
def test_right_pin_opens_nothing_while_locked(over: Counts, count: int) -> None:
    before = failed(over, *[number * MINUTE for number in range(1, count + 1)])
    verdict = judge(RECORD, ATTEMPT, [before], POLICY, NOW)
    assert verdict.answer is PinAnswer.locked
    assert verdict.reason == f"locked_by_{over}"
    assert verdict.locked_until == NOW - MINUTE + HOUR
    assert not verdict.failed
    fewer = Failures(over=over, at=before.at[1:])
    assert judge(RECORD, ATTEMPT, [fewer], POLICY, NOW).answer is PinAnswer.ok


def test_lock_ends_when_its_time_is_over() -> None:
    before = [failed(Counts.caller, *[HOUR + number * MINUTE for number in range(5)])]
    assert gate(before, POLICY, NOW - MINUTE) is not None
    assert gate(before, POLICY, NOW) is None


def test_failure_that_reaches_a_limit_locks_and_alerts_once() -> None:
    before = [failed(Counts.caller, *[number * MINUTE for number in range(1, 5)])]
    verdict = judge(None, ATTEMPT, before, POLICY, NOW)
    assert (verdict.locked_until, verdict.alerts) == (NOW + HOUR, (Counts.caller,))
    earlier = [failed(Counts.caller, *[number * MINUTE for number in range(1, 4)])]
    assert judge(None, ATTEMPT, earlier, POLICY, NOW).alerts == ()


def test_many_failures_of_everybody_alert_and_lock_nobody() -> None:
    before = [failed(Counts.everybody, *[MINUTE] * 99)]
    verdict = judge(None, ATTEMPT, before, POLICY, NOW)
    assert (verdict.alerts, verdict.locked_until) == ((Counts.everybody,), None)
    assert gate([failed(Counts.everybody, *[MINUTE] * 500)], POLICY, NOW) is None


def test_callers_who_hide_their_number_count_as_one() -> None:
    assert Attempt(call="1").key(Counts.caller) == WITHHELD
    assert [ATTEMPT.key(over) for over in Counts] == ["call-1", "+390733", None, "*"]


def test_brute_force_over_many_calls_gets_few_verdicts() -> None:
    """10,000 tries from ten numbers, one a second: locks leave five verdicts a number an hour."""
    failures: dict[str, list[datetime]] = {}
    verdicts = alerts = 0
    for number in range(10_000):
        now = NOW + timedelta(seconds=number)
        attempt = Attempt(call=f"call-{number // 3}", calling=f"+39{number % 10}")
        known = [
            Failures(over=over, at=tuple(at for at in failures.get(key, []) if now - at < 2 * HOUR))
            for over in (Counts.call, Counts.caller)
            if (key := attempt.key(over)) is not None
        ]
        verdict = judge(None, attempt, known, POLICY, now)
        if verdict.failed:
            verdicts += 1
            alerts += Counts.caller in verdict.alerts
            for over in (Counts.call, Counts.caller):
                failures.setdefault(str(attempt.key(over)), []).append(now)
    assert verdicts == 10 * 5 * 3  # 10,000 s are three rounds of an hour and a bit
    assert alerts == 10 * 3


ages = st.lists(st.integers(0, 7_200).map(lambda seconds: timedelta(seconds=seconds)), max_size=12)


@given(ages, ages, st.integers(1, 6), st.integers(1, 7_200))
def test_lock_never_opens_by_another_failure(
    first: list[timedelta], more: list[timedelta], count: int, within: int
) -> None:
    limit = AttemptLimit(
        over=Counts.caller, failures=count, within=timedelta(seconds=within), lock=HOUR
    )
    policy = PinPolicy(limits=(limit,))
    lock = gate([failed(Counts.caller, *first)], policy, NOW)
    later = gate([failed(Counts.caller, *first, *more)], policy, NOW)
    if lock is not None:
        assert later is not None
        assert later.until >= lock.until
