"""What SIPp says happened, call by call: the record that outcomes are held against.

It is made at the far end of the wire, by a program that knows nothing of offhook.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from offhook.pbx.numbers import Person


class Ending(StrEnum):
    """How a call ended, seen from the called side."""

    refused = "refused"
    cancelled = "cancelled"
    """The caller gave up before an answer."""
    caller_hung_up = "caller_hung_up"
    called_hung_up = "called_hung_up"
    open = "open"
    """It did not end, or nobody was told."""


class CalledCall(BaseModel):
    """One call as the called side saw it."""

    model_config = ConfigDict(frozen=True)

    call_id: str
    """SIP's own."""
    number: str
    """As it was called."""
    person: Person | None
    invited_at: AwareDatetime
    answered_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    ending: Ending = Ending.open
    status: int | None = None
    """SIP status of a refusal."""


_LINE = re.compile(r"(?P<epoch>\d{9,}\.\d+)\s+(?P<call>\S+) (?P<what>[a-z_]+) ?(?P<detail>\S*)")


def read_record(path: Path) -> list[CalledCall]:
    """Every call in a log of SIPp's, oldest first; lines that are none of ours are passed over."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return []
    return parse_record(text.splitlines())


def parse_record(lines: Iterable[str]) -> list[CalledCall]:
    """The calls that `lines` tell of, in the order of their first line."""
    calls: dict[str, CalledCall] = {}
    for line in lines:
        found = _LINE.search(line)
        if found is None:
            continue
        at = datetime.fromtimestamp(float(found["epoch"]), UTC)
        call, what, detail = found["call"], found["what"], found["detail"]
        if what == "invite":
            called = detail.removeprefix("sip:")
            calls.setdefault(
                call,
                CalledCall(call_id=call, number=called, person=Person.of(called), invited_at=at),
            )
        elif call in calls:
            calls[call] = calls[call].model_copy(update=_changes(what, detail, at))
    return list(calls.values())


def _changes(what: str, detail: str, at: datetime) -> dict[str, object]:
    match what:
        case "answered":
            return {"answered_at": at}
        case "refused":
            return {"ending": Ending.refused, "status": int(detail), "ended_at": at}
        case "cancelled":
            return {"ending": Ending.cancelled, "ended_at": at}
        case "ended":
            return {"ending": Ending.caller_hung_up, "ended_at": at}
        case "hung_up":
            return {"ending": Ending.called_hung_up, "ended_at": at}
        case _:
            return {}
