"""Facts: what browsers and other programs are told of.

A journal's entry holds what came in and everything that was wanted; most of it means something to
the engine only. The facts are the part that people outside ask for. Each has an id that is the same
whenever and wherever it is read, so that whoever hears it twice can tell.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

import orjson

from activities.ports import JournalEntry
from dialer.call import CallState

SHOWN_DIGITS = 3


class FactKind(StrEnum):
    """What happened."""

    call_placed = "call.placed"
    """An attempt is on record, and the switch is asked to dial."""
    call_forbidden = "call.forbidden"
    """The record did not agree to a call; nothing was dialed."""
    call_not_placed = "call.not_placed"
    """A contact was given back undialed, for a reason."""
    call_answered = "call.answered"
    call_joined = "call.joined"
    """Customer and agent hear each other."""
    call_ended = "call.ended"
    """With its one outcome."""
    call_disposed = "call.disposed"
    """The agent said what came of it."""
    agent_changed = "agent.changed"
    """What an agent does for the campaign."""
    agent_status = "agent.status"
    """An agent chose to be ready, not ready (and why), or away."""
    pacing_noted = "pacing.noted"
    """How many calls the pacer wants, and why."""
    campaign_oddity = "campaign.oddity"
    """Something that the engine found strange."""
    campaign_changed = "campaign.changed"
    """The phase of a campaign."""
    callback_booked = "callback.booked"
    callback_changed = "callback.changed"
    """A move of a promise to call back."""
    webhook_disabled = "webhook.disabled"
    """An address failed for so long that nothing is sent to it any more."""
    webhook_test = "webhook.test"
    """Sent because somebody asked for it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a fact stands: a place in a journal, or in what is noted (no campaign)."""

    campaign_id: str
    shard: int
    epoch: int
    seq: int
    """In the journal's epoch, or in what is noted."""
    number: int = 0
    """Among the facts of its entry."""


@dataclass(frozen=True)
class Fact:
    """One thing that happened."""

    id: str
    kind: FactKind
    at: datetime
    campaign_id: str | None
    data: Mapping[str, Any]
    """What may be shown; a telephone number by its last digits only."""
    origin: Origin
    private: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What only those are told whom somebody with the right has entered: whole numbers."""

    @cached_property
    def body(self) -> bytes:
        """The fact as JSON; made once for everybody."""
        return orjson.dumps(
            {
                "id": self.id,
                "kind": self.kind,
                "at": self.at,
                "campaign_id": self.campaign_id,
                "data": self.data,
            }
        )


def masked(number: str) -> str:
    """A number that tells two apart, and nobody whom to call."""
    return f"…{number[-SHOWN_DIGITS:]}" if number else ""


def of_entry(campaign: str, shard: int, epoch: int, entry: JournalEntry) -> Iterator[Fact]:
    """The facts that an entry of a campaign's journal tells, in their order."""
    event = orjson.loads(entry.event)
    told = list(_of_event(event)) + [
        one
        for command in orjson.loads(entry.commands)
        for one in _of_command(command, event["kind"])
    ]
    for number, (kind, data, private) in enumerate(told):
        yield Fact(
            id=f"{campaign}.{shard}.{epoch}.{entry.seq}.{number}",
            kind=kind,
            at=entry.at,
            campaign_id=campaign,
            data=data,
            origin=Origin(campaign, shard, epoch, entry.seq, number),
            private=private,
        )


_ENDED = ("attempt_id", "contact_id", "outcome", "reason", "agent_id", "talk", "due_at")
_PACING = (
    "place", "wanted", "reason", "free", "ringing", "waiting", "talking", "abandonment",
)  # fmt: skip
_Told = tuple[FactKind, dict[str, Any], dict[str, Any]]


def _of_event(event: Mapping[str, Any]) -> Iterator[_Told]:
    if event["kind"] == "call_forbidden":
        yield _numbered(FactKind.call_forbidden, event, "attempt_id", "contact_id", "reason")


def _of_command(command: Mapping[str, Any], event: str) -> Iterator[_Told]:
    match command["kind"]:
        case "open_attempt":
            names = ("attempt_id", "contact_id", "trunk_id", "caller_id")
            yield _numbered(FactKind.call_placed, command, *names)
        case "save_attempt":
            yield from _of_move(command, event)
        case "close_attempt":
            yield _numbered(FactKind.call_ended, command, *_ENDED)
        case "return_contact":
            yield _numbered(FactKind.call_not_placed, command, "contact_id", "reason", "due_at")
        case "save_disposition":
            yield _plain(FactKind.call_disposed, command, "attempt_id", "agent_id", "code")
        case "save_agent":
            yield _plain(FactKind.agent_changed, command, "agent_id", "state", "correlator")
        case "note_pacing":
            yield _plain(FactKind.pacing_noted, command, *_PACING)
        case "note_oddity":
            yield _plain(FactKind.campaign_oddity, command, "code", "correlator")


def _of_move(command: Mapping[str, Any], event: str) -> Iterator[_Told]:
    # A move is saved with everything that is known by then: only what came in says what is new.
    if event == "call_answered" and command["answered_at"] is not None:
        yield _plain(FactKind.call_answered, command, "attempt_id", "answered_at")
    if event == "call_joined" and command["state"] == CallState.talking:
        names = ("attempt_id", "agent_id", "answered_at", "joined_at")
        yield _plain(FactKind.call_joined, command, *names)


def _plain(kind: FactKind, said: Mapping[str, Any], *names: str) -> _Told:
    return kind, {name: said.get(name) for name in names}, {}


def _numbered(kind: FactKind, said: Mapping[str, Any], *names: str) -> _Told:
    data = {name: said.get(name) for name in names}
    number = said["number"]
    if not number:
        return kind, data, {}
    return kind, data | {"number": masked(number)}, {"number": number}
