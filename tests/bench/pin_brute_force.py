"""What ten thousand guesses of a PIN are worth, by how the guesser comes.

Run `python -m tests.bench.pin_brute_force [--tries N] [--customers N]`; prints one JSON
object a case. Each case makes all its tries within one hour of a clock by hand, against the real
store with the limits of the default policy, and says how many were real verdicts (the rest met a
lock), who was locked out and which alerts there were. `expected` is how many PINs so many distinct
guesses find by chance. Those tries are made with an argon2id that costs next to nothing, which
changes no verdict; the last line says what a try costs with the real one: times of tries with the
right, a wrong and a locked PIN, one after the other.
"""

import argparse
import asyncio
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import structlog

from ivr.machine_words import PinAnswer
from ivr.pin import Asks, PinPolicy
from offhook.pins.stretching import Stretcher
from offhook.storage.pin_store import Terms
from offhook.storage.pool import Pool, open_pool
from tests.support.pins import PinDesk
from tests.support.stack import TEMPLATE, PostgresServer, make_template, postgres_server

HOUR = timedelta(hours=1)
TIMED = 100
SPACE = 1_000_000


@dataclass(frozen=True)
class Case:
    """How a guesser comes: the call, number and customer of the nth try."""

    name: str
    policy: str
    call: Callable[[int], str]
    calling: Callable[[int], str]
    customer: Callable[[int], str | None]


def cases(customers: int) -> tuple[Case, ...]:
    """One number, many numbers, hidden numbers; one customer from everywhere, every customer."""
    return (
        Case("one number, 3 tries a call", "default", _third, lambda _: _number(1), _no_one),
        Case("200 numbers, 3 tries a call", "default", _third, lambda n: _number(n % 200), _no_one),
        Case("number hidden, 3 tries a call", "default", _third, lambda _: "", _no_one),
        Case("a new number each call", "default", _third, lambda n: _number(n // 3), _no_one),
        Case("one customer, new numbers", "club", _third, lambda n: _number(n // 3), _first),
        Case(
            "every customer in turn, new numbers",
            "club",
            _third,
            lambda n: _number(n // 3),
            lambda n: f"{1000 + n % customers}",
        ),
    )


def _third(n: int) -> str:
    return f"call-{n // 3}"


def _number(n: int) -> str:
    return f"+39055{n:07d}"


def _no_one(_n: int) -> str | None:
    return None


def _first(_n: int) -> str | None:
    return "1000"


async def run(desk: PinDesk, case: Case, tries: int, customers: int) -> dict[str, Any]:
    """Guess so often within an hour, and say what it brought."""
    guesses = random.Random(6).sample(range(SPACE), tries)
    begin, answers = desk.now, Counter[str]()
    for n, guess in enumerate(guesses):
        desk.now = begin + HOUR * n / tries
        said = await desk.say(
            f"{guess:06d}",
            policy=case.policy,
            customer=case.customer(n),
            calling=case.calling(n),
            call=case.call(n),
        )
        answers[said.answer] += 1
    verdicts = tries - answers[PinAnswer.locked]
    holders = customers if case.policy == "default" else 1
    return {
        "case": case.name,
        "tries": tries,
        "verdicts": verdicts,
        "found": answers[PinAnswer.ok],
        "expected": round(verdicts * holders / SPACE, 4),
        "answers": dict(answers),
        "locked": await _locked(desk.pool),
        "alerts": await _alerts(desk.pool),
    }


async def _locked(pool: Pool) -> dict[str, int]:
    rows = await pool.fetch(
        "SELECT reason, count(*) AS tries FROM pin_attempts WHERE answer = 'locked' GROUP BY reason"
    )
    return {row["reason"]: row["tries"] for row in rows}


async def _alerts(pool: Pool) -> dict[str, int]:
    rows = await pool.fetch('SELECT "over", count(*) AS alerts FROM pin_alerts GROUP BY "over"')
    return {row["over"]: row["alerts"] for row in rows}


async def timed(desk: PinDesk) -> dict[str, Any]:
    """What a try takes, in milliseconds, by its verdict; they are made in turn."""
    pin = (await desk.office.enrol("1000", None, Terms())).reveal()
    wrong = f"{(int(pin) + 1) % SPACE:06d}"
    for _ in range(5):
        await desk.say(wrong, calling=_number(0))
    callers: dict[str, tuple[str, Callable[[int], str]]] = {
        "ok": (pin, lambda n: _number(n)),
        "wrong": (wrong, lambda n: _number(n)),
        "locked": (pin, lambda _: _number(0)),
    }
    took: dict[str, list[float]] = {name: [] for name in callers}
    for n in range(1, TIMED + 1):
        for name, (digits, calling) in callers.items():
            reference = await desk.typed(digits)
            request = desk.request(reference, calling=calling(n))
            began = time.perf_counter()
            said = await desk.verifier.verify(request)
            took[name].append((time.perf_counter() - began) * 1000)
            if said.answer != name:
                raise RuntimeError(f"a try that should be {name} is {said.answer}")
    return {
        name: {f"p{p}": round(float(np.percentile(times, p)), 1) for p in (10, 50, 90)}
        for name, times in took.items()
    }


async def _with_desk(
    server: PostgresServer, stretcher: Stretcher, work: Callable[[PinDesk], Any]
) -> Any:
    url = await server.create(template=TEMPLATE)
    pool = await open_pool(url)
    try:
        desk = PinDesk(pool, stretcher)
        await desk.policy(PinPolicy())
        await desk.policy(PinPolicy(asks=Asks.customer_and_pin), "club")
        return await work(desk)
    finally:
        stretcher.close()
        await pool.close()
        await server.drop(url)


async def _bench(server: PostgresServer, wanted: argparse.Namespace) -> None:
    tries, customers = wanted.tries, wanted.customers
    for number, case in enumerate(cases(customers), 1):
        if wanted.case and number not in wanted.case:
            continue

        async def guess(desk: PinDesk, case: Case = case) -> dict[str, Any]:
            for number in range(customers):
                await desk.office.enrol(f"{1000 + number}", None, Terms(), policy=case.policy)
            return await run(desk, case, tries, customers)

        cheap = Stretcher(time_cost=1, memory_kib=8)
        _say(await _with_desk(server, cheap, guess), as_json=wanted.json)
    if not wanted.case:
        times = await _with_desk(server, Stretcher(), timed)
        _say({"try_ms": times}, as_json=True)


def _say(result: dict[str, Any], *, as_json: bool) -> None:
    sys.stdout.write((json.dumps(result) if as_json else _line(result)) + "\n")
    sys.stdout.flush()


def _line(result: dict[str, Any]) -> str:
    """A line of the table in `docs/explanation/pins.md`."""
    alerts = ", ".join(f"{n} over {over}" for over, n in sorted(result["alerts"].items()))
    locked = result["tries"] - result["verdicts"]
    return (
        f"| {result['case']} | {result['tries']:,} | {result['verdicts']:,} | {locked:,} "
        f"| {alerts or 'none'} | {result['found']} |"
    )


def main() -> None:
    """Run every case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--customers", type=int, default=1_000)
    parser.add_argument("--case", type=int, action="append", help="only this one, from 1")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with postgres_server() as server:
        make_template(server)
        asyncio.run(_bench(server, wanted))


if __name__ == "__main__":
    main()
