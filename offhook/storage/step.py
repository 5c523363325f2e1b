"""Turns the records of one engine step into rows, at most one per thing that changes.

A step may open, move and close the same attempt. Written one record after the other that costs a
statement each; folded here first, the whole step is one statement (`step_sql.py`), in which no row
may be touched twice.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from activities.ports import JournalEntry
from dialer.agent import AgentState
from dialer.call import CallState
from dialer.commands import (
    CloseAttempt,
    ContactState,
    NoteOddity,
    NotePacing,
    OpenAttemptRecord,
    RecordCommand,
    RecycleContact,
    ReleaseAgent,
    ReturnContact,
    SaveAgent,
    SaveAttempt,
    SaveDisposition,
    SavePreview,
    SaveRecording,
)
from dialer.compliance.facts import Limit
from dialer.media import RUNNING
from dialer.outcomes import Outcome

Row = tuple[object, ...]
_KEPT = 8
"""Fields of an attempt that are written once, when it is opened."""
MAX_DETAIL = 500
OPT_OUTS = ("do_not_call", "opt_out")
"""Dispositions by which a person's number is put on the do-not-call list."""
SAID = "said "
"""Before the words of agents, which are counted beside the outcomes."""


@dataclass(slots=True)
class _Attempt:
    """What a step changes of one attempt; None keeps what is stored."""

    person: str = ""
    debt: str = ""
    limits: str = ""
    """Those that the guard counts, as JSON."""
    contact_id: int | None = None
    number: str | None = None
    trunk_id: str | None = None
    caller_id: str | None = None
    opened_at: datetime | None = None
    state: CallState | None = None
    accepted_at: datetime | None = None
    answered_at: datetime | None = None
    joined_at: datetime | None = None
    ended_at: datetime | None = None
    agent_id: str | None = None
    outcome: str | None = None
    reason: str | None = None
    cause: str | None = None
    talk: timedelta | None = None
    disposition: str | None = None
    call_id: str | None = None
    call_leg: str | None = None
    recognised_at: datetime | None = None
    verdict: str | None = None


@dataclass(slots=True)
class _Contact:
    state: ContactState = ContactState.ready
    due_at: datetime | None = None
    attempts: int = 0
    tried: dict[str, int] = field(default_factory=dict)
    finished_reason: str = ""


@dataclass(slots=True)
class _Agent:
    """An agent's changes within one step: when the first came, what was between, what is now."""

    first_at: datetime
    state: AgentState
    at: datetime
    correlator: str
    park: tuple[str, str | None, str] | None = None
    """Correlator, call and leg; None keeps what is stored."""
    spent: dict[AgentState, float] = field(default_factory=dict)
    talks: int = 0


@dataclass(slots=True)
class _Recording:
    """The first and the last that a step says of a recording."""

    first: SaveRecording
    last: SaveRecording
    reason: str = ""


@dataclass(slots=True)
class _Count:
    count: int
    first_at: datetime
    last_at: datetime


@dataclass(slots=True)
class Step:
    """One step, folded."""

    attempts: dict[str, _Attempt] = field(default_factory=dict)
    contacts: dict[int, _Contact] = field(default_factory=dict)
    numbers: dict[tuple[int, str], tuple[int, str]] = field(default_factory=dict)
    agents: dict[str, _Agent] = field(default_factory=dict)
    refusals: dict[tuple[int, str, str], _Count] = field(default_factory=dict)
    dispositions: list[Row] = field(default_factory=list)
    oddities: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    released: list[Row] = field(default_factory=list)
    previews: dict[str, Row] = field(default_factory=dict)
    recordings: dict[str, _Recording] = field(default_factory=dict)
    pacing: str | None = None

    @property
    def opened(self) -> list[str]:
        """The attempts that it opens."""
        return [key for key, one in self.attempts.items() if one.opened_at is not None]

    def rows(self, entries: Sequence[JournalEntry], now: datetime) -> dict[str, list[Row]]:
        """The rows of each part of the statement, by the part's name; parts without rows are left
        out.
        """
        parts: dict[str, list[Row]] = {
            "journal": [(e.seq, e.at, e.event, e.commands, e.inbox_id) for e in entries],
            "opened": [
                (key, *_values(a)) for key, a in self.attempts.items() if a.opened_at is not None
            ],
            "moved": [
                (key, *_values(a)[_KEPT:])
                for key, a in self.attempts.items()
                if a.opened_at is None
            ],
            "contacts": [
                (key, c.state, c.due_at, c.attempts, json.dumps(c.tried), c.finished_reason)
                for key, c in self.contacts.items()
            ],
            "numbers": [(*key, *value) for key, value in self.numbers.items()],
            "agents": [_agent_row(key, agent) for key, agent in self.agents.items()],
            "refusals": [
                (*key, c.count, c.first_at, c.last_at) for key, c in self.refusals.items()
            ],
            "dispositions": list(self.dispositions),
            "opt_outs": [(said[0], said[3]) for said in self.dispositions if said[2] in OPT_OUTS],
            "recordings": [_recording_row(one) for one in self.recordings.values()],
            "oddities": [(key, n, now, c, d) for key, (n, c, d) in self.oddities.items()],
            "released": list(self.released),
            "previews": list(self.previews.values()),
        }
        return {name: rows for name, rows in parts.items() if rows}


def fold(records: Iterable[RecordCommand]) -> Step:
    """Fold records in their order: of two values for the same field the later one stays."""
    step = Step()
    for record in records:
        match record:
            case OpenAttemptRecord():
                _open(step, record)
            case SaveAttempt():
                _move(step, record)
            case CloseAttempt():
                _close(step, record)
            case ReturnContact():
                _return(step, record)
            case RecycleContact():
                _recycle(step, record)
            case SavePreview():
                _preview(step, record)
            case SaveAgent():
                _agent(step, record)
            case ReleaseAgent():
                step.released.append((record.agent_id,))
            case SaveDisposition():
                _attempt(step, record.attempt_id).disposition = record.code
                step.dispositions.append(
                    (record.attempt_id, record.agent_id, record.code, record.at)
                )
            case SaveRecording():
                kept = step.recordings.setdefault(record.name, _Recording(record, record))
                kept.last, kept.reason = record, record.reason or kept.reason
            case NotePacing():
                noted = asdict(record)
                del noted["kind"]
                step.pacing = json.dumps(noted)
            case NoteOddity():
                count = step.oddities.get(record.code, (0, "", ""))[0] + 1
                detail = record.detail[:MAX_DETAIL]
                step.oddities[record.code] = (count, record.correlator, detail)
            case _:
                assert_never(record)
    return step


def _attempt(step: Step, attempt_id: str) -> _Attempt:
    return step.attempts.setdefault(attempt_id, _Attempt())


def _contact(step: Step, contact_id: str) -> _Contact:
    return step.contacts.setdefault(int(contact_id), _Contact())


def _open(step: Step, record: OpenAttemptRecord) -> None:
    attempt = _attempt(step, record.attempt_id)
    attempt.contact_id = int(record.contact_id)
    attempt.number = record.number
    attempt.trunk_id = record.trunk_id
    attempt.caller_id = record.caller_id
    attempt.opened_at = record.at
    attempt.person, attempt.debt = record.person, record.debt
    if record.limits:
        attempt.limits = json.dumps([_limit(one) for one in record.limits])
    attempt.state = CallState.placing
    _contact(step, record.contact_id).state = ContactState.dialing


def _limit(limit: Limit) -> dict[str, object]:
    return {
        "rule": limit.rule,
        "key": limit.key,
        "counted": limit.counted,
        "most": limit.most,
        "within": limit.within.total_seconds(),
    }


def _move(step: Step, record: SaveAttempt) -> None:
    attempt = _attempt(step, record.attempt_id)
    attempt.state = record.state
    attempt.accepted_at = record.accepted_at or attempt.accepted_at
    attempt.answered_at = record.answered_at or attempt.answered_at
    attempt.joined_at = record.joined_at or attempt.joined_at
    attempt.agent_id = record.agent_id or attempt.agent_id
    attempt.recognised_at = record.recognised_at or attempt.recognised_at
    attempt.verdict = record.verdict or attempt.verdict
    if record.call is not None:
        attempt.call_id, attempt.call_leg = record.call.call_id, record.call.leg


def _close(step: Step, record: CloseAttempt) -> None:
    attempt = _attempt(step, record.attempt_id)
    attempt.state = CallState.ended
    attempt.ended_at = record.at
    attempt.outcome = record.outcome
    attempt.reason = record.reason
    attempt.cause = record.cause
    attempt.talk = record.talk
    attempt.agent_id = record.agent_id or attempt.agent_id
    contact = _contact(step, record.contact_id)
    contact.state = record.contact_state
    contact.due_at = record.due_at or contact.due_at
    contact.attempts += 1
    contact.tried[record.outcome] = contact.tried.get(record.outcome, 0) + 1
    contact.finished_reason = _finished(record.contact_state, record.reason)
    key = (int(record.contact_id), record.number)
    step.numbers[key] = (step.numbers.get(key, (0, ""))[0] + 1, record.outcome)


def _return(step: Step, record: ReturnContact) -> None:
    contact = _contact(step, record.contact_id)
    contact.state = record.contact_state
    contact.due_at = record.due_at or contact.due_at
    contact.finished_reason = _finished(record.contact_state, record.reason)
    key = (int(record.contact_id), record.reason, record.number)
    count = step.refusals.setdefault(key, _Count(0, record.at, record.at))
    count.count += 1
    count.last_at = record.at


def _recycle(step: Step, record: RecycleContact) -> None:
    contact = _contact(step, record.contact_id)
    contact.state = record.contact_state
    contact.due_at = record.due_at or contact.due_at
    contact.finished_reason = _finished(record.contact_state, record.reason)
    said = f"{SAID}{record.code}"
    contact.tried[said] = contact.tried.get(said, 0) + 1
    if record.wrong_number:
        key = (int(record.contact_id), record.wrong_number)
        step.numbers[key] = (step.numbers.get(key, (0, ""))[0], Outcome.invalid)


def _preview(step: Step, record: SavePreview) -> None:
    contact = None if record.contact_id is None else int(record.contact_id)
    step.previews[record.agent_id] = (
        record.agent_id,
        contact,
        record.at,
        record.ends_at,
        record.skips_left,
    )


def _finished(state: ContactState, reason: str) -> str:
    return reason if state is ContactState.finished else ""


def _agent(step: Step, record: SaveAgent) -> None:
    known = step.agents.get(record.agent_id)
    if known is None:
        known = _Agent(record.at, record.state, record.at, record.correlator)
        step.agents[record.agent_id] = known
    else:
        elapsed = max((record.at - known.at).total_seconds(), 0.0)
        known.spent[known.state] = known.spent.get(known.state, 0.0) + elapsed
        known.state, known.at, known.correlator = record.state, record.at, record.correlator
    if record.state is AgentState.talking:
        known.talks += 1
    if _names_park(record.correlator):
        call = record.call
        park = (None, "") if call is None else (call.call_id, call.leg)
        known.park = (record.correlator, *park)
    elif record.state is AgentState.idle:
        known.park = ("", None, "")


def _names_park(correlator: str) -> bool:
    """Whether the engine speaks of a park (`campaign-epoch-pN`) rather than of an attempt."""
    return correlator.rpartition("-")[2].startswith("p")


def _values(attempt: _Attempt) -> Row:
    return tuple(getattr(attempt, name) for name in _Attempt.__slots__)


def _agent_row(agent_id: str, agent: _Agent) -> Row:
    return (
        agent_id,
        agent.first_at,
        agent.state,
        agent.at,
        agent.correlator,
        *(agent.park or (None, None, None)),
        agent.talks,
        *(agent.spent.get(state, 0.0) for state in AgentState),
    )


def _recording_row(recording: _Recording) -> Row:
    first, last = recording.first, recording.last
    kept = first.retention or timedelta(0)
    return (
        first.name,
        first.attempt_id,
        last.state,
        first.at,
        last.at,
        None if last.state in RUNNING else last.at,
        first.at + kept,
        first.agent_id,
        first.by,
        recording.reason,
    )
