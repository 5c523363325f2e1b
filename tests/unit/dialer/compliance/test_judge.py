"""The decision on one call: each kind of rule, and all of them in any order of events."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.compliance.facts import History, Limit, Listed, PastCall
from dialer.compliance.judge import SENDING, Ruling, possible_zones, rule_call
from dialer.model import Number
from tests.support.dialing import contact, settings

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ROME = Number(number="+390612345678", zones=("Europe/Rome",))
LONDON = Number(number="+442071234567", zones=("Europe/London",))
MIAMI = Number(number="+13055551234", zones=("America/New_York",))
PARIS = Number(number="+33612345678", zones=("Europe/Paris",))
UNPLACED = Number(number="+18005551234")


def decide(number: Number, *profiles: str, now: datetime = NOON, **history: object) -> Ruling:
    law = {"profiles": list(profiles)}
    who = contact(1, numbers=(number,), history=History(**history))  # type: ignore[arg-type]
    chosen = settings(compliance=law, caller_id="+33162000001")
    return rule_call(who, number, settings=chosen, now=now)


def call(number: Number, at: datetime, outcome: str = "no_answer", **known: object) -> PastCall:
    values: dict[str, object] = {"ended_at": at + timedelta(seconds=30), "outcome": outcome}
    return PastCall(keys=(f"number:{number.number}",), at=at, **(values | known))  # type: ignore[arg-type]


def test_listed_number_is_refused_for_ever_or_until_the_entry_expires() -> None:
    ever = decide(ROME, listed=(Listed(number=ROME.number),))
    assert (ever.allowed, ever.reason, ever.due_at) == (False, "do_not_call", None)
    later = decide(ROME, listed=(Listed(number=ROME.number, until=NOON + DAY),))
    assert later.due_at == NOON + DAY
    assert decide(ROME, listed=(Listed(number=ROME.number, until=NOON - HOUR),)).allowed
    assert decide(ROME, listed=(Listed(number=LONDON.number),)).allowed


def test_number_of_a_country_without_profile_waits_for_somebody_to_name_one() -> None:
    ruling = decide(ROME, "us")
    assert (ruling.allowed, ruling.reason, ruling.due_at) == (False, "no_profile", NOON + DAY)


def test_cap_counts_all_calls_of_a_rolling_day_and_frees_when_the_oldest_leaves_it() -> None:
    calls = tuple(call(MIAMI, NOON + 4 * HOUR - gap * HOUR) for gap in (20, 10, 3))
    now = NOON + 4 * HOUR
    ruling = decide(MIAMI, "us", now=now, calls=calls)
    assert (ruling.reason, ruling.due_at) == ("us-fl/attempts", now + 4 * HOUR)
    assert decide(MIAMI, "us", now=now, calls=calls[1:]).allowed


def test_debt_is_counted_over_all_numbers_and_talk_starts_its_seven_days() -> None:
    def debt(at: datetime, **known: object) -> PastCall:
        return PastCall(keys=("debt:d1",), at=at, ended_at=at + HOUR, outcome="answered", **known)  # type: ignore[arg-type]

    now = NOON + 4 * HOUR
    seven = tuple(debt(now - day * 20 * HOUR) for day in range(1, 8))
    assert decide(MIAMI, "us-reg-f", now=now, debt="d1", calls=seven).reason == "us-reg-f/attempts"
    talked = (debt(now - 2 * DAY, talked=True),)
    ruling = decide(MIAMI, "us-reg-f", now=now, debt="d1", calls=talked)
    assert ruling.due_at == now - 2 * DAY + HOUR + 7 * DAY
    assert decide(MIAMI, "us-reg-f", now=now, debt="d2", calls=talked).allowed


def test_uk_number_is_called_again_after_an_abandoned_call_only_with_an_agent_kept() -> None:
    soon = decide(LONDON, "uk", calls=(call(LONDON, NOON - HOUR, "abandoned"),))
    assert (soon.allowed, soon.reserved) == (True, True)
    machine = decide(LONDON, "uk", calls=(call(LONDON, NOON - 25 * HOUR, "machine"),))
    assert (machine.allowed, machine.reserved) == (True, False)


def test_italian_number_is_locked_for_five_days_and_then_needs_an_agent_kept() -> None:
    abandoned = (call(ROME, NOON - 2 * DAY, "abandoned"),)
    locked = decide(ROME, "it", calls=abandoned)
    assert (locked.allowed, locked.reason) == (False, "it/abandoned")
    assert locked.due_at == NOON + 3 * DAY + timedelta(seconds=30)
    after = decide(ROME, "it", now=NOON + 4 * DAY, calls=abandoned)
    assert (after.allowed, after.reserved) == (True, True)


def test_french_holiday_lunch_and_weekend_are_closed() -> None:
    open_at = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)  # Monday, 11:00 in Paris
    assert decide(PARIS, "fr", now=open_at, consent=True).allowed
    lunch = decide(PARIS, "fr", now=open_at + 2 * HOUR, consent=True)
    assert (lunch.reason, lunch.due_at) == ("fr/hours", open_at + 3 * HOUR)
    ascension = datetime(2026, 5, 14, 9, 0, tzinfo=UTC)
    ruling = decide(PARIS, "fr", now=ascension, consent=True)
    assert ruling.reason == "fr/holidays"
    assert ruling.due_at == datetime(2026, 5, 14, 22, 0, tzinfo=UTC)


def test_consent_is_wanted_in_france_from_the_day_the_law_says() -> None:
    before = datetime(2026, 8, 10, 9, 0, tzinfo=UTC)
    assert decide(PARIS, "fr", now=before).allowed
    ruling = decide(PARIS, "fr", now=before + DAY)
    assert (ruling.allowed, ruling.reason, ruling.due_at) == (False, "fr/consent", None)


def test_caller_id_that_may_not_be_shown_waits_for_another() -> None:
    now = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
    law = {"profiles": ["fr"]}
    who = contact(1, numbers=(PARIS,))
    mobile = rule_call(
        who, PARIS, settings=settings(compliance=law, caller_id="+33612000000"), now=now
    )
    assert mobile.reason == "fr/caller-id"
    chosen = law | {"caller_ids": [{"prefix": "+33", "caller_id": "+33162000001"}]}
    assert rule_call(who, PARIS, settings=settings(compliance=chosen), now=now).allowed


def test_number_in_call_waits() -> None:
    in_call = call(ROME, NOON - HOUR / 60, ended_at=None, outcome="")
    ruling = decide(ROME, "it", calls=(in_call,))
    assert (ruling.reason, ruling.due_at) == ("number_in_call", NOON + timedelta(minutes=5))


def test_number_of_unknown_place_may_be_in_every_zone_of_its_country() -> None:
    zones = possible_zones(UNPLACED, settings())
    assert {"America/New_York", "Pacific/Honolulu", "America/Los_Angeles"} <= set(zones)
    morning_in_new_york = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
    assert not decide(UNPLACED, "us", now=morning_in_new_york).allowed


# -- whatever the order of events ----------------------------------------------------------------

INSTANTS = st.integers(min_value=0, max_value=366 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)  # a year with its changes of clocks
PLACES = st.sampled_from(
    [
        (MIAMI, "us", 8, 20),
        (Number(number="+12125551234", zones=("America/New_York",)), "us", 8, 21),
        (Number(number="+12065551234", zones=("America/Los_Angeles",)), "us", 8, 20),
        (Number(number="+18505551234", zones=("America/New_York", "America/Chicago")), "us", 8, 20),
        (UNPLACED, "us", 8, 21),
    ]
)


@given(place=PLACES, now=INSTANTS)
def test_no_call_rings_outside_the_hours_of_any_zone_it_may_ring_in(
    place: tuple[Number, str, int, int], now: datetime
) -> None:
    number, profile, first, last = place
    if decide(number, profile, now=now).allowed:
        for zone in possible_zones(number, settings()):
            for moment in (now, now + SENDING):
                assert first <= moment.astimezone(ZoneInfo(zone)).hour < last


@given(place=PLACES, now=INSTANTS)
def test_refusal_for_hours_ends_when_it_says_and_not_before(
    place: tuple[Number, str, int, int], now: datetime
) -> None:
    number, profile, *_ = place
    ruling = decide(number, profile, now=now)
    if not ruling.allowed and ruling.due_at is not None:
        assert ruling.due_at > now - SENDING
        middle = now + (ruling.due_at - now) / 2
        assert not decide(number, profile, now=middle).allowed


@given(now=INSTANTS)
def test_no_call_rings_on_a_holiday_or_at_a_weekend_in_france(now: datetime) -> None:
    ruling = decide(PARIS, "fr", now=now, consent=True)
    if ruling.allowed:
        local = now.astimezone(ZoneInfo("Europe/Paris"))
        assert local.weekday() < 5
        assert local.date() not in holidays.country_holidays("FR", years=local.year)
        assert local.hour in {10, 11, 12, 14, 15, 16, 17, 18, 19}


MINUTES = st.integers(min_value=0, max_value=4 * 24 * 60)
STEPS = st.lists(st.tuples(MINUTES, st.sampled_from(["no_answer", "abandoned", "machine", "busy"])))


def simulated(
    number: Number, profile: str, steps: list[tuple[int, str]]
) -> list[tuple[datetime, str, bool]]:
    """Ask at each of the instants, in the order given, as if the clock stepped to and fro."""
    made: list[PastCall] = []
    placed = []
    for minutes, outcome in steps:
        now = NOON + 6 * HOUR + timedelta(minutes=minutes)
        ruling = decide(number, profile, now=now, calls=tuple(made), consent=True)
        if ruling.allowed:
            made.append(call(number, now, outcome))
            placed.append((now, outcome, ruling.reserved))
    return placed


@given(steps=STEPS)
def test_florida_number_is_never_called_more_than_thrice_in_a_day_however_clocks_step(
    steps: list[tuple[int, str]],
) -> None:
    placed = [at for at, *_ in simulated(MIAMI, "us", steps)]
    for number, at in enumerate(placed):
        assert sum(at - DAY < other <= at for other in placed[: number + 1]) <= 3


@given(steps=STEPS)
def test_after_an_abandoned_call_uk_is_called_only_with_an_agent_kept_for_three_days(
    steps: list[tuple[int, str]],
) -> None:
    abandoned: list[datetime] = []
    for at, outcome, reserved in simulated(LONDON, "uk", steps):
        if any(at < end + 72 * HOUR for end in abandoned):
            assert reserved
        if outcome == "abandoned":
            abandoned.append(at + timedelta(seconds=30))


@pytest.mark.parametrize("profile", ["it", "uk", "us", "de"])
def test_limits_written_with_a_call_forbid_what_the_rules_forbid(profile: str) -> None:
    number = {"it": ROME, "uk": LONDON, "us": MIAMI, "de": Number(number="+4930123456")}[profile]
    now = NOON + 4 * HOUR
    limits: tuple[Limit, ...] = decide(number, profile, now=now, consent=True).limits
    many = tuple(call(number, now - timedelta(minutes=gap), "abandoned") for gap in range(1, 6))
    assert not decide(number, profile, now=now, consent=True, calls=many[1:]).allowed or (
        decide(number, profile, now=now, consent=True, calls=many).reserved
    )
    assert any(limit.frees_at(many, now) for limit in limits)


def test_local_date_decides_on_consent_where_it_is_tomorrow_already() -> None:
    just_before = datetime(2026, 8, 10, 22, 30, tzinfo=UTC)  # the 11th in Paris
    assert just_before.astimezone(ZoneInfo("Europe/Paris")).date() == date(2026, 8, 11)
    assert decide(PARIS, "fr", now=just_before).reason == "fr/consent"
