"""The demo's own judge: every way in which two records can disagree is seen."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.outcomes import Outcome
from offhook.demo.truth import (
    Comparison,
    OurAttempt,
    Outage,
    RecordedCall,
    compare,
    expected_outcome,
)

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
PATIENCE = timedelta(seconds=2)


def call(
    extid: str | None = "a1",
    *,
    number: str = "+390212345678",
    person: str = "answer",
    fate: str = "joined",
    start: float = 0,
    length: float = 30,
    waited_s: float | None = 0.1,
) -> RecordedCall:
    """A call that was answered and joined, unless said otherwise."""
    return RecordedCall(
        extid=extid,
        number=number,
        person=person,
        fate=fate,
        dialled_at=NOW + timedelta(seconds=start),
        answered_at=NOW + timedelta(seconds=start),
        ended_at=NOW + timedelta(seconds=start + length),
        waited_s=waited_s,
    )


def ours(attempt_id: str = "a1", outcome: Outcome | None = Outcome.answered) -> OurAttempt:
    """What offhook says of the same call."""
    return OurAttempt(attempt_id=attempt_id, number="+390212345678", outcome=outcome)


def test_two_records_that_tell_the_same_story_are_clean() -> None:
    assert compare([call()], [ours()], patience=PATIENCE) == Comparison()
    assert Comparison().clean


@pytest.mark.parametrize(
    ("person", "fate", "expected"),
    [
        ("answer", "joined", Outcome.answered),
        ("machine", "joined", Outcome.answered),
        ("answer", "message", Outcome.abandoned),
        ("answer", "abandoned", Outcome.abandoned),
        ("busy", "unanswered", Outcome.busy),
        ("answer", "unanswered", Outcome.no_answer),
        ("invalid", "unanswered", Outcome.invalid),
    ],
)
def test_expected_outcome_follows_the_persons_fate(
    person: str, fate: str, expected: Outcome
) -> None:
    assert expected_outcome(call(person=person, fate=fate)) is expected


def test_another_outcome_than_the_records_is_a_mismatch() -> None:
    found = compare([call(person="busy", fate="unanswered")], [ours()], patience=PATIENCE)
    assert len(found.mismatches) == 1
    assert "busy" in found.mismatches[0]
    assert not found.clean


def test_one_attempt_that_reached_the_pbx_twice_is_a_double_dial() -> None:
    found = compare([call(), call(start=60)], [ours()], patience=PATIENCE)
    assert found.double_dialed == 1


def test_two_calls_to_a_number_at_the_same_time_are_a_double_dial() -> None:
    found = compare([call(), call("a2", start=10)], [ours(), ours("a2")], patience=PATIENCE)
    assert found.double_dialed == 1


def test_a_retry_after_the_first_call_ended_is_no_double_dial() -> None:
    found = compare([call(), call("a2", start=31)], [ours(), ours("a2")], patience=PATIENCE)
    assert found.clean


@pytest.mark.parametrize(
    ("fate", "waited_s", "stranded"),
    [("message", 2.2, 0), ("message", 7.1, 1), ("dropped", 0.5, 1), ("waiting", None, 1)],
)
def test_people_who_wait_too_long_or_are_dropped_are_stranded(
    fate: str, waited_s: float | None, stranded: int
) -> None:
    found = compare(
        [call(fate=fate, waited_s=waited_s)], [ours(outcome=Outcome.abandoned)], patience=PATIENCE
    )
    assert found.stranded == stranded


@pytest.mark.parametrize(
    ("waited_s", "stranded"),
    [(24.9, 0), (25.1, 1)],
)
def test_people_caught_in_an_outage_may_wait_until_shortly_after_it(
    waited_s: float, stranded: int
) -> None:
    outage = Outage(began=NOW + timedelta(seconds=6), ended=NOW + timedelta(seconds=20))
    found = compare(
        [call(fate="message", waited_s=waited_s)],
        [ours(outcome=Outcome.abandoned)],
        patience=PATIENCE,
        outages=[outage],
    )
    assert found.stranded == stranded


def test_an_outage_that_began_after_patience_ended_excuses_nothing() -> None:
    outage = Outage(began=NOW + timedelta(seconds=8), ended=NOW + timedelta(seconds=20))
    found = compare(
        [call(fate="message", waited_s=10)],
        [ours(outcome=Outcome.abandoned)],
        patience=PATIENCE,
        outages=[outage],
    )
    assert found.stranded == 1


@pytest.mark.parametrize("outcome", [Outcome.unknown, Outcome.no_answer])
@pytest.mark.parametrize(("began", "guessed"), [(20, 1), (40, 0)])
def test_another_outcome_is_a_guess_only_of_a_call_that_ended_in_an_outage(
    began: float, guessed: int, outcome: Outcome
) -> None:
    outage = Outage(began=NOW + timedelta(seconds=began), ended=NOW + timedelta(seconds=90))
    found = compare(
        [call(person="busy", fate="unanswered")],
        [ours(outcome=outcome)],
        patience=PATIENCE,
        outages=[outage],
    )
    assert (found.guessed, len(found.mismatches)) == (guessed, 1 - guessed)


def test_an_attempt_left_open_is_a_mismatch_in_an_outage_too() -> None:
    outage = Outage(began=NOW, ended=NOW + timedelta(seconds=90))
    found = compare([call()], [ours(outcome=None)], patience=PATIENCE, outages=[outage])
    assert len(found.mismatches) == 1


def test_an_attempt_the_pbx_never_saw_must_be_failed_or_unknown() -> None:
    attempts = [ours("a1", Outcome.unknown), ours("a2", Outcome.busy)]
    assert compare([], attempts, patience=PATIENCE).unrecorded == 1


def test_a_call_without_an_attempt_is_unclaimed() -> None:
    assert compare([call("b9"), call(None, start=90)], [], patience=PATIENCE).unclaimed == 2
