"""A PBX's report against our attempts: what counts as a disagreement, and what doesn't."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.call_check import (
    Comparison,
    DifferenceKind,
    OurCall,
    PbxCall,
    compare,
    day_before,
    day_bounds,
)
from dialer.outcomes import Outcome

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
END = START + timedelta(hours=1)
TOLERANCE = timedelta(seconds=3)


def ours(
    attempt_id: str = "a1",
    outcome: Outcome | None = Outcome.answered,
    *,
    talk: float | None = None,
    accepted: bool = True,
    at: float = 60,
) -> OurCall:
    return OurCall(
        attempt_id=attempt_id,
        opened_at=START + timedelta(seconds=at),
        accepted=accepted,
        outcome=outcome,
        talk=None if talk is None else timedelta(seconds=talk),
    )


def theirs(
    correlator: str = "a1",
    outcome: Outcome | None = Outcome.answered,
    *,
    talk: float | None = None,
    at: float = 61,
    call_id: str = "",
) -> PbxCall:
    return PbxCall(
        call_id=call_id or f"com-{correlator}",
        correlator=correlator,
        started_at=START + timedelta(seconds=at),
        outcome=outcome,
        talk=None if talk is None else timedelta(seconds=talk),
    )


def compared(
    mine: Sequence[OurCall], reported: Sequence[PbxCall], known: frozenset[str] = frozenset()
) -> Comparison:
    return compare(mine, reported, known=known, start=START, end=END, tolerance=TOLERANCE)


def kinds(comparison: Comparison) -> list[DifferenceKind]:
    return [difference.kind for difference in comparison.differences]


def test_the_same_call_told_alike_is_no_difference() -> None:
    found = compared([ours(talk=40)], [theirs(talk=42)])
    assert (found.ours, found.theirs, found.matched, found.differences) == (1, 1, 1, ())


@pytest.mark.parametrize(
    "outcome", [Outcome.answered, Outcome.abandoned, Outcome.machine, Outcome.fax]
)
def test_whatever_was_answered_counts_as_answered_for_the_pbx(outcome: Outcome) -> None:
    assert kinds(compared([ours(outcome=outcome)], [theirs()])) == []


def test_silence_of_the_pbx_about_an_outcome_is_no_difference() -> None:
    assert kinds(compared([ours(outcome=Outcome.no_answer)], [theirs(outcome=None)])) == []


@pytest.mark.parametrize("outcome", [Outcome.busy, Outcome.unknown, Outcome.no_answer, None])
def test_another_outcome_is_told_with_both_words(outcome: Outcome | None) -> None:
    (found,) = compared([ours(outcome=outcome)], [theirs()]).differences
    assert found.kind is DifferenceKind.outcome_differs
    assert (found.ours, found.theirs) == (outcome or "open", "answered")


@pytest.mark.parametrize(("mine", "reported", "differs"), [(40, 43, False), (40, 43.1, True)])
def test_talk_may_differ_by_the_tolerance_and_no_more(
    mine: float, reported: float, differs: bool
) -> None:
    found = kinds(compared([ours(talk=mine)], [theirs(talk=reported)]))
    assert found == ([DifferenceKind.talk_differs] if differs else [])


def test_attempt_that_the_pbx_took_and_does_not_report_is_missing_there() -> None:
    assert kinds(compared([ours()], [])) == [DifferenceKind.missing_there]


@pytest.mark.parametrize(
    "attempt", [ours(accepted=False), ours(outcome=Outcome.failed)], ids=["not taken", "failed"]
)
def test_attempt_that_made_no_call_is_not_missed(attempt: OurCall) -> None:
    assert kinds(compared([attempt], [])) == []


def test_call_that_nobody_here_placed_is_missing_here() -> None:
    (found,) = compared([], [theirs("stranger")]).differences
    assert (found.kind, found.attempt_id) == (DifferenceKind.missing_here, "stranger")


def test_call_of_an_attempt_of_another_time_is_left_to_that_time() -> None:
    assert compared([], [theirs("earlier")], frozenset({"earlier"})).theirs == 0


def test_call_that_started_outside_the_period_is_nobodys_until_it_matches() -> None:
    late = theirs(at=3_660)
    assert compared([], [late]).theirs == 0
    assert compared([ours(at=3_599)], [late]).matched == 1


def test_two_calls_of_one_attempt_are_told_both() -> None:
    found = compared([ours()], [theirs(call_id="1"), theirs(call_id="2")])
    assert [difference.call_id for difference in found.differences] == ["1", "2"]
    assert set(kinds(found)) == {DifferenceKind.twice_there}


@given(
    placed=st.sets(st.integers(0, 40)),
    reported=st.sets(st.integers(0, 40)),
    known=st.sets(st.integers(0, 40)),
)
def test_every_call_is_matched_missing_or_somebody_elses(
    placed: set[int], reported: set[int], known: set[int]
) -> None:
    found = compared(
        [ours(f"a{index}") for index in sorted(placed)],
        [theirs(f"a{index}") for index in sorted(reported)],
        frozenset(f"a{index}" for index in known - placed),
    )
    told = kinds(found)
    assert found.matched == len(placed & reported)
    assert told.count(DifferenceKind.missing_there) == len(placed - reported)
    assert told.count(DifferenceKind.missing_here) == len(reported - placed - known)
    assert found.matched + told.count(DifferenceKind.missing_here) == found.theirs


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)]
)
def test_a_day_has_the_hours_of_its_zone(day: str, hours: int) -> None:
    start, end = day_bounds(date.fromisoformat(day), "Europe/Rome")
    assert end - start == timedelta(hours=hours)
    assert start.tzinfo is not None


def test_the_day_before_is_that_of_the_zone() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert day_before(late, "UTC") == date(2026, 3, 1)
    assert day_before(late, "Europe/Rome") == date(2026, 3, 2)
