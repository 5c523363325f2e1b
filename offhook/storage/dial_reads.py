"""Rows of the dial store, read as the engine's words."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

import asyncpg
import orjson

from activities.ports import Lease
from dialer.events import OpenAttempt, OpenPark, Tally
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
from offhook.storage import dial_sql
from offhook.storage.pool import Connection


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
    return Dialable(
        contact_id=ContactId(str(row["id"])),
        numbers=tuple(
            Number(number=each["number"], zones=tuple(each["zones"]), label=each["label"])
            for each in rows
            if each["number"] is not None
        ),
        priority=row["priority"],
        due_at=row["due_at"],
        attempts=row["attempts"],
        tried=tuple(
            sorted((Outcome(name), count) for name, count in orjson.loads(row["tried"]).items())
        ),
        owner=None if row["owner"] is None else AgentId(row["owner"]),
    )


def _call(call_id: str | None, leg: str) -> CallRef | None:
    return None if call_id is None else CallRef(call_id=call_id, leg=leg)
