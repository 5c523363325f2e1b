"""Rows of the dial store, read as the engine's words."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import asyncpg
import orjson

from activities.ports import Lease
from dialer.events import OpenAttempt, OpenPark, PastTalk, Tally
from dialer.lists.next_number import answer_score
from dialer.media import RecordingState, Verdict
from dialer.model import (
    Agent,
    AgentId,
    AgentStatus,
    AttemptId,
    CallRef,
    ContactId,
    Dialable,
    Number,
    Trunk,
    TrunkId,
)
from dialer.outcomes import Outcome
from offhook.storage import claim_sql, dial_sql
from offhook.storage.pool import Connection
from offhook.storage.step import SAID


async def agents(connection: Connection, lease: Lease) -> tuple[Agent, ...]:
    """The agents that work for the campaign now, in the order of sequential distribution."""
    rows = await connection.fetch(dial_sql.AGENTS, lease.campaign_id, lease.shard, lease.epoch)
    return tuple(
        Agent(
            agent_id=row["id"],
            address=row["address"],
            number=row["number"],
            status=AgentStatus(row["status"]),
            reachable=row["reachable"],
            order=row["position"],
            status_reason=row["status_reason"],
        )
        for row in rows
    )


async def trunks(
    connection: Connection, lease: Lease, wanted: tuple[TrunkId, ...]
) -> tuple[Trunk, ...]:
    """The trunks that the campaign names, or every enabled one of its switch."""
    rows = await connection.fetch(dial_sql.TRUNKS, lease.switch_id, list(wanted))
    return tuple(
        Trunk(
            trunk_id=row["id"],
            address=row["address"],
            lines=row["lines"],
            enabled=row["enabled"],
            calls_per_second=row["calls_per_second"],
        )
        for row in rows
    )


async def open_attempts(connection: Connection, lease: Lease) -> tuple[OpenAttempt, ...]:
    """The attempts that whoever dialed before left open, oldest first."""
    rows = await connection.fetch(dial_sql.OPEN_ATTEMPTS, lease.campaign_id, lease.shard)
    return tuple(
        _open_attempt(list(group)) for _, group in groupby(rows, key=itemgetter("attempt_id"))
    )


def _open_attempt(rows: list[asyncpg.Record]) -> OpenAttempt:
    row = rows[0]
    contact = _dialable(rows)
    dialed = row["dialed"]
    number = next((n for n in contact.numbers if n.number == dialed), Number(number=dialed))
    return OpenAttempt(
        attempt_id=AttemptId(row["attempt_id"]),
        contact=contact,
        number=number,
        trunk_id=row["trunk_id"],
        state=row["state"],
        placed_at=row["opened_at"],
        accepted=row["accepted_at"] is not None,
        answered_at=row["answered_at"],
        agent_id=None if row["agent_id"] is None else AgentId(row["agent_id"]),
        call=_call(row["call_id"], row["call_leg"]),
        recognised_at=row["recognised_at"],
        verdict=None if row["verdict"] is None else Verdict(row["verdict"]),
        recording=None if row["recording"] is None else RecordingState(row["recording"]),
        recordings=row["recordings"],
    )


async def past_talks(connection: Connection, lease: Lease, now: datetime) -> tuple[PastTalk, ...]:
    """The latest talks that agents may still say something of, oldest first."""
    rows = await connection.fetch(dial_sql.PAST_TALKS, lease.campaign_id, lease.shard, now)
    return tuple(
        _past_talk(list(group)) for _, group in groupby(rows, key=itemgetter("attempt_id"))
    )


def _past_talk(rows: list[asyncpg.Record]) -> PastTalk:
    row, contact = rows[0], _dialable(rows)
    before = dict(contact.tried)
    before[Outcome.answered] = max(0, before.get(Outcome.answered, 0) - 1)
    contact = replace(contact, tried=tuple((outcome, n) for outcome, n in before.items() if n))
    dialed = row["dialed"]
    number = next((n for n in contact.numbers if n.number == dialed), Number(number=dialed))
    return PastTalk(
        attempt_id=AttemptId(row["attempt_id"]),
        contact=contact,
        number=number,
        ended_at=row["ended_at"],
    )


async def open_parks(connection: Connection, lease: Lease) -> tuple[OpenPark, ...]:
    """The parked calls that whoever dialed before left open."""
    rows = await connection.fetch(dial_sql.OPEN_PARKS, lease.campaign_id, lease.shard)
    return tuple(
        OpenPark(
            agent_id=AgentId(row["agent_id"]),
            correlator=row["park_correlator"],
            call=_call(row["park_call_id"], row["park_leg"]),
        )
        for row in rows
    )


async def tally(connection: Connection, lease: Lease, now: datetime) -> Tally:
    """What the shard has done so far."""
    row = await connection.fetchrow(dial_sql.TALLY, lease.campaign_id, lease.shard)
    heard = await connection.fetch(dial_sql.VERDICTS, lease.campaign_id, lease.shard)
    verdicts = tuple((Verdict(each["verdict"]), each["calls"]) for each in heard)
    answers = await connection.fetch(dial_sql.ANSWERED_BY_HOUR, lease.campaign_id, lease.shard, now)
    hours = tuple((each["hour"], each["answered"], each["abandoned"]) for each in answers)
    return Tally(**dict(row), verdicts=verdicts, hours=hours)


def dialables(rows: Iterable[asyncpg.Record]) -> list[Dialable]:
    """Contacts from rows of one number each, the rows of a contact side by side."""
    return [_dialable(list(group)) for _, group in groupby(rows, key=itemgetter("id"))]


def _dialable(rows: list[asyncpg.Record]) -> Dialable:
    row = rows[0]
    tried: dict[str, int] = orjson.loads(row["tried"])
    return Dialable(
        contact_id=ContactId(str(row["id"])),
        numbers=tuple(number_of(each) for each in rows if each["number"] is not None),
        priority=row["priority"],
        due_at=row["due_at"],
        attempts=row["attempts"],
        tried=tuple(
            sorted((Outcome(name), n) for name, n in tried.items() if not name.startswith(SAID))
        ),
        said=tuple(
            sorted(
                (name.removeprefix(SAID), n) for name, n in tried.items() if name.startswith(SAID)
            )
        ),
        owner=None if row["owner"] is None else AgentId(row["owner"]),
    )


async def scored(
    connection: Connection, contacts: Sequence[Dialable], now: datetime
) -> tuple[Dialable, ...]:
    """The contacts, their numbers with how likely somebody answers there at this hour."""
    asked = sorted({one.number for contact in contacts for one in contact.numbers})
    before: dict[str, list[tuple[datetime, Outcome]]] = {}
    for row in await connection.fetch(claim_sql.TRIED, asked):
        tries = before.setdefault(row["number"], [])
        tries.append((row["opened_at"], Outcome(row["outcome"])))
    return tuple(
        replace(
            contact,
            numbers=tuple(
                replace(one, score=answer_score(before.get(one.number, ()), now, one.zones))
                for one in contact.numbers
            ),
        )
        for contact in contacts
    )


def number_of(row: asyncpg.Record) -> Number:
    """A number with what came of it before."""
    last = row["last_outcome"]
    return Number(
        number=row["number"],
        zones=tuple(row["zones"]),
        label=row["label"],
        attempts=row["tried_here"],
        last_outcome=None if last is None else Outcome(last),
    )


def _call(call_id: str | None, leg: str) -> CallRef | None:
    return None if call_id is None else CallRef(call_id=call_id, leg=leg)
