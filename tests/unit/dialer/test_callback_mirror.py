"""What a PBX says of a request on its own list, and what that makes of the promise."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.callback_mirror import MIRRORED, Seen, reflect
from dialer.callbacks import HELD, CallbackPhase, Promise
from tests.support.callbacks import AFTERNOON, ANNA, BRUNO, MORNING, a_request

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY, LATER = NOW.date(), date(2026, 3, 9)


def a_promise(phase: CallbackPhase = CallbackPhase.waiting, **more: object) -> Promise:
    return Promise.model_validate(
        {"request": a_request(TODAY), "rules": MIRRORED, "phase": phase, **more}
    )


def test_request_that_is_gone_is_closed_whoever_had_it() -> None:
    held = a_promise(CallbackPhase.started, holder=ANNA, held_since=NOW, ticket_id="t")
    over = reflect(held, Seen(external_id="x", open=False), NOW)
    assert (over.phase, over.holder, over.ticket_id) == (CallbackPhase.closed, None, None)
    assert reflect(over, Seen(external_id="x", holder=BRUNO), NOW) is over


def test_agent_who_took_it_at_the_pbx_has_it_here() -> None:
    taken = reflect(a_promise(), Seen(external_id="x", holder=BRUNO), NOW)
    assert (taken.phase, taken.holder, taken.held_since) == (CallbackPhase.taken, BRUNO, NOW)
    other = reflect(taken, Seen(external_id="x", holder=ANNA), NOW)
    assert (other.holder, other.version) == (ANNA, 2)
    freed = reflect(other, Seen(external_id="x"), NOW)
    assert (freed.phase, freed.holder) == (CallbackPhase.waiting, None)


def test_agent_who_is_calling_goes_on_while_the_pbx_says_that_he_has_it() -> None:
    started = a_promise(CallbackPhase.started, holder=ANNA, held_since=NOW, ticket_id="t")
    assert reflect(started, Seen(external_id="x", holder=ANNA), NOW) is started


def test_day_and_period_of_the_pbx_win() -> None:
    due = a_promise(CallbackPhase.due, fell_due_at=NOW)
    moved = reflect(due, Seen(external_id="x", due_on=LATER, period=MORNING), NOW)
    assert (moved.request.due_on, moved.request.period) == (LATER, MORNING)
    assert (moved.phase, moved.fell_due_at) == (CallbackPhase.waiting, None)


@pytest.mark.parametrize("phase", [CallbackPhase.closed, CallbackPhase.cancelled])
def test_promise_that_is_over_stays_so(phase: CallbackPhase) -> None:
    over = a_promise(phase)
    assert reflect(over, Seen(external_id="x", holder=BRUNO), NOW) is over


@given(
    phase=st.sampled_from(list(CallbackPhase)),
    mine=st.sampled_from([ANNA, BRUNO]),
    seen=st.builds(
        Seen,
        external_id=st.just("x"),
        open=st.booleans(),
        holder=st.sampled_from([None, ANNA, BRUNO]),
        due_on=st.sampled_from([None, TODAY, LATER]),
        period=st.sampled_from([None, MORNING, AFTERNOON]),
    ),
)
def test_what_was_taken_over_needs_no_second_taking_over(
    phase: CallbackPhase, mine: str, seen: Seen
) -> None:
    held = {"holder": mine, "held_since": NOW} if phase in HELD else {}
    once = reflect(a_promise(phase, **held), seen, NOW)
    assert reflect(once, seen, NOW) is once
