"""`offhook pin policy|unlock|alerts|audit`: limits, and what came of them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table

from ivr.machine_words import PinAnswer
from ivr.pin import Asks, AttemptLimit, Counts, PinPolicy
from offhook.cli.output import JsonOption, emit, run_async
from offhook.cli.pin_office import OfPolicy, Region, number_of, open_pins
from offhook.pins.errors import NothingToUnlock
from offhook.storage.pin_policies import DEFAULT, StoredPolicy
from offhook.storage.pin_store import AlertRow, AuditRow

_SPAN = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (policy, unlock, alerts, audit):
        app.command()(command)


def policy(
    name: Annotated[str, typer.Argument(help="Policy to make or change; without, list all.")] = "",
    asks: Annotated[Asks | None, typer.Option(help="What a caller types.")] = None,
    length: Annotated[
        str | None, typer.Option(help="Digits of a PIN: 6, or 6-8 for from 6 to 8.")
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="Failed tries, within, locked for: caller=5/1h/1h; over call, caller, customer or "
            "everybody; 0s locks nobody and alerts. Repeat it; all limits are replaced."
        ),
    ] = None,
    weak: Annotated[
        bool | None, typer.Option("--weak/--no-weak", help="Whether 111111 or 123456 may be given.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Show the policies, or make or change one; a change counts from the next try on.

    Examples:

    offhook pin policy

    offhook pin policy club --asks customer_and_pin --length 4-6 --limit customer=3/1h/24h
    """
    changes = _changes(asks, length, limit, weak)

    async def work() -> dict[str, Any]:
        async with open_pins() as office:
            if not name:
                return {"policies": [_plain(one) for one in await office.policies.all()]}
            before = await office.policies.find(name)
            if before is None and not changes:
                return {"policies": [_plain(await office.policy(name))]}
            base = before.policy.model_dump() if before else {}
            wanted = _policy(base | changes)
            stored = await office.set_policy(name, wanted) if changes else before
            return {"policies": [_plain(stored)] if stored else []}

    emit(run_async(work()), json_output, _shown_policies)


def unlock(
    over: Annotated[Counts, typer.Argument(help="Whose failed tries to forget.")],
    key: Annotated[str, typer.Argument(help="The number, customer or call; * for everybody.")],
    policy: OfPolicy = DEFAULT,
    region: Region = "IT",
    json_output: JsonOption = False,
) -> None:
    """Forget the failed tries of a caller, customer or call, so that no lock is left.

    Callers who hide their number are `withheld`.

    Example: offhook pin unlock caller "+39 0733 123456"
    """
    digits = any(map(str.isdigit, key))
    counted = number_of(key, region) if over is Counts.caller and digits else key

    async def work() -> dict[str, Any]:
        async with open_pins() as office:
            forgotten = await office.store.unlock(policy, over, counted)
        if not forgotten:
            raise NothingToUnlock(over, policy)
        return {"forgotten": forgotten}

    emit(run_async(work()), json_output, lambda done: f"{done['forgotten']} tries forgotten")


def alerts(
    everything: Annotated[bool, typer.Option("--all", help="Acknowledged ones too.")] = False,
    acknowledge: Annotated[
        list[int] | None, typer.Option("--ack", help="An alert somebody has seen; repeat it.")
    ] = None,
    acknowledge_all: Annotated[bool, typer.Option("--ack-all", help="All are seen.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most lines.")] = 100,
    json_output: JsonOption = False,
) -> None:
    """List limits that were reached and that nobody has acknowledged.

    Example: offhook pin alerts --ack 17
    """

    async def work() -> dict[str, Any]:
        async with open_pins() as office:
            if acknowledge or acknowledge_all:
                ids = None if acknowledge_all else acknowledge
                await office.store.acknowledge(ids, now=datetime.now(UTC))
            return {"alerts": await office.store.alerts(everything=everything, limit=limit)}

    emit(run_async(work()), json_output, _shown_alerts)


def audit(
    policy: Annotated[str, typer.Option(help="Only verdicts of this policy.")] = "",
    customer: Annotated[str, typer.Option(help="Only tries of this customer.")] = "",
    caller: Annotated[str, typer.Option(help="Only tries from this number.")] = "",
    answer: Annotated[PinAnswer | None, typer.Option(help="Only verdicts like this.")] = None,
    hours: Annotated[float, typer.Option(min=0, help="How far back to look.")] = 24.0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most lines.")] = 100,
    region: Region = "IT",
    json_output: JsonOption = False,
) -> None:
    """List verdicts on typed PINs with their reasons, the newest first; numbers are masked.

    Example: offhook pin audit --answer locked --hours 1
    """
    calling = number_of(caller, region) if caller else ""
    since = datetime.now(UTC) - timedelta(hours=hours)

    async def work() -> dict[str, Any]:
        async with open_pins() as office:
            rows = await office.store.audit(
                since=since,
                policy=policy,
                customer=customer,
                calling=calling,
                answer=answer,
                limit=limit,
            )
        return {"verdicts": [_masked(row) for row in rows]}

    emit(run_async(work()), json_output, _shown_verdicts)


def _changes(
    asks: Asks | None, length: str | None, limit: list[str] | None, weak: bool | None
) -> dict[str, object]:
    changes: dict[str, object] = {}
    if asks is not None:
        changes["asks"] = asks
    if length is not None:
        least, _, most = length.partition("-")
        changes |= {"min_length": least, "max_length": most or least}
    if limit is not None:
        changes["limits"] = tuple(_limit(one) for one in limit)
    if weak is not None:
        changes |= dict.fromkeys(
            ("forbid_equal", "forbid_sequences", "forbid_customer_number"), not weak
        )
    return changes


def _limit(text: str) -> AttemptLimit:
    try:
        over, rest = text.split("=")
        failures, within, lock = rest.split("/")
        return AttemptLimit(
            over=Counts(over),
            failures=int(failures),
            within=_span(within),
            lock=_span(lock),
        )
    except ValueError:
        raise typer.BadParameter(f"{text} isn't like caller=5/1h/1h") from None


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _policy(values: dict[str, object]) -> PinPolicy:
    try:
        policy = PinPolicy.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise typer.BadParameter(f"{where}: {problem['msg']}") from None
    if policy.min_length > policy.max_length:
        raise typer.BadParameter("a PIN's least length is above its greatest")
    return policy


def _plain(stored: StoredPolicy) -> dict[str, Any]:
    return {"name": stored.name} | stored.policy.model_dump(mode="json")


def _masked(row: AuditRow) -> dict[str, Any]:
    shown = row.calling if len(row.calling) < 3 else f"…{row.calling[-2:]}"
    return row.model_dump(mode="json") | {"calling": shown or "withheld"}


def _shown_policies(found: dict[str, Any]) -> Table | str:
    if not found["policies"]:
        return "no policies; `default` is made with the first PIN"
    table = Table("policy", "asks", "digits", "limits")
    for one in found["policies"]:
        policy = PinPolicy.model_validate({k: v for k, v in one.items() if k != "name"})
        limits = [
            f"{limit.failures} over {limit.over} within {limit.within}"
            + (f", locked {limit.lock}" if limit.lock else ", alert only")
            for limit in policy.limits
        ]
        digits = f"{policy.min_length}-{policy.max_length}"
        table.add_row(one["name"], policy.asks, digits, "\n".join(limits))
    return table


def _shown_alerts(found: dict[str, Any]) -> Table | str:
    rows: list[AlertRow] = found["alerts"]
    if not rows:
        return "no alerts"
    table = Table("alert", "at", "policy", "over", "who", "seen")
    for row in rows:
        seen = f"{row.acknowledged_at:%Y-%m-%d %H:%M}" if row.acknowledged_at else ""
        table.add_row(
            str(row.id), f"{row.at:%Y-%m-%d %H:%M:%S}", row.policy, row.over, row.who, seen
        )
    return table


def _shown_verdicts(found: dict[str, Any]) -> Table | str:
    if not found["verdicts"]:
        return "no verdicts"
    table = Table("at", "policy", "caller", "customer", "answer", "reason", "locked until")
    for row in found["verdicts"]:
        customer = row["customer"] or row["typed_customer"] or ""
        locked = row["locked_until"] or ""
        table.add_row(
            row["at"], row["policy"], row["calling"], customer, row["answer"], row["reason"], locked
        )
    return table
