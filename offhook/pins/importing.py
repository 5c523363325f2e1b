"""A whole file of customers, enrolled one by one: what can't be is told and stops nothing."""

from collections.abc import Callable, Iterable

from offhook.pins.digits import HiddenDigits
from offhook.pins.enrolment import PinOffice
from offhook.pins.errors import PinRefused, WeakPin, why_weak
from offhook.pins.pin_file import RefusedPin, Wanted

Made = Callable[[str, HiddenDigits], None]
"""Told each customer whose PIN was made, and the PIN, this once only."""


async def enrol_file(
    office: PinOffice, rows: Iterable[Wanted | RefusedPin], *, policy: str, made: Made | None
) -> tuple[int, list[RefusedPin]]:
    """How many were enrolled, and who was not and why; without `made`, whoever has no PIN."""
    bad: list[RefusedPin] = []
    enrolled = 0
    for row in rows:
        refusal = row if isinstance(row, RefusedPin) else await _enrol(office, row, policy, made)
        if refusal is None:
            enrolled += 1
        else:
            bad.append(refusal)
    return enrolled, bad


async def _enrol(
    office: PinOffice, row: Wanted, policy: str, made: Made | None
) -> RefusedPin | None:
    cells = {"customer": row.customer, "callers": " ".join(row.terms.callers)}
    for name in ("valid_from", "valid_until"):
        moment = getattr(row.terms, name)
        cells[name] = moment.isoformat() if moment else ""
    if row.pin is None and made is None:
        reason = "there is no PIN, and no place to write one to that is made"
        return RefusedPin(row.line, "pin_missing", reason, cells)
    try:
        given = await office.enrol(row.customer, row.pin, row.terms, policy=policy)
    except WeakPin as error:
        return RefusedPin(row.line, error.code, why_weak(error.found), cells)
    except PinRefused as error:
        return RefusedPin(row.line, error.code, str(error), cells)
    if row.pin is None and made is not None:
        made(row.customer, given)
    return None
