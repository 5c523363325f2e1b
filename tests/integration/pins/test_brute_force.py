"""Guessers of six kinds: none gets more verdicts than the limits allow, and each is noticed.

The bench does the same with 10,000 tries of each.
"""

import pytest

from ivr.pin import Asks, PinPolicy
from offhook.storage.pin_store import Terms
from tests.bench.pin_brute_force import Case, cases, run
from tests.support.pins import PinDesk

TRIES, CUSTOMERS = 120, 4
ONE_A_GUESSER = {
    "one number, 3 tries a call": (5, {"caller": 1}),
    "200 numbers, 3 tries a call": (TRIES, {"everybody": 1}),
    "number hidden, 3 tries a call": (5, {"caller": 1}),
    "a new number each call": (TRIES, {"everybody": 1}),
    "one customer, new numbers": (5, {"customer": 1}),
    "every customer in turn, new numbers": (5 * CUSTOMERS, {"customer": CUSTOMERS}),
}


@pytest.mark.parametrize("case", cases(CUSTOMERS), ids=lambda case: case.name)
async def test_guesser_gets_no_more_verdicts_than_the_limits_allow(
    desk: PinDesk, case: Case
) -> None:
    await desk.policy(PinPolicy(asks=Asks.customer_and_pin), "club")
    for number in range(CUSTOMERS):
        await desk.office.enrol(f"{1000 + number}", None, Terms(), policy=case.policy)
    result = await run(desk, case, TRIES, CUSTOMERS)
    verdicts, alerts = ONE_A_GUESSER[case.name]
    assert (result["verdicts"], result["alerts"]) == (verdicts, alerts)
    assert result["found"] == 0
