"""Attempts to hold against a PBX's report, and what came of it, on PostgreSQL."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import ARRAY, Row, Text, any_, delete, insert, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from activities.pbx_contracts import CallCheckCounts, CallCheckProgress, CheckCalls, JobPhase
from dialer.call_check import Comparison, DifferenceKind, OurCall
from dialer.model import SwitchId
from dialer.outcomes import Outcome
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database
from offhook.storage.errors import NotFound
from offhook.storage.link_tables import call_checks, call_differences
from offhook.storage.tables import attempts, campaigns

MAX_KEPT = 10_000
"""Differences kept of a day; more than that is one cause, and is counted."""
SHOWN = 200
_COUNTS = tuple(CallCheckCounts.model_fields)


class CallCheckNotFound(NotFound):
    """That day was not checked."""

    code = "call_check_not_found"
    noun = "check of call reports for"


class CheckSuperseded(Exception):
    """Another check of the same day has begun, and what this one found is not noted."""

    code = "check_superseded"

    def __init__(self, switch: str, day: date) -> None:
        super().__init__(f"a newer check of {switch} on {day} goes on instead")


class DifferenceRow(BaseModel):
    """One disagreement; without the number, which the attempt leads to."""

    model_config = ConfigDict(frozen=True)

    kind: DifferenceKind
    at: AwareDatetime | None
    attempt_id: str
    call_id: str
    ours: str
    theirs: str
    our_talk: timedelta | None
    their_talk: timedelta | None


class CallCheckView(BaseModel):
    """What a check found."""

    model_config = ConfigDict(frozen=True)

    switch: str
    day: date
    zone: str
    state: JobPhase
    counts: CallCheckCounts
    error: str
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    differences: tuple[DifferenceRow, ...]
    """The first ones, by time."""


@dataclass(frozen=True)
class PostgresCallChecks:
    """Implements `activities.call_check.CallCheckRecords`."""

    database: Database

    async def begin(self, request: CheckCalls, *, now: datetime) -> CallCheckProgress | None:
        """How far this check is; None for one that starts. A new `run_key` starts from nothing."""
        async with store_session(self.database) as session:
            row = await _locked(session, request)
            if row is not None and row.run_key == request.run_key:
                if row.checked_until is None:
                    return None
                return CallCheckProgress(checked_until=row.checked_until, counts=_counts(row))
            values = {
                "run_key": request.run_key,
                "zone": request.zone,
                "tolerance": request.tolerance,
                "state": JobPhase.running,
                "checked_until": None,
                "error": "",
                "started_at": now,
                "ended_at": None,
            } | CallCheckCounts().model_dump()
            await session.execute(
                postgresql.insert(call_checks)
                .values(switch_id=request.switch, day=request.day, **values)
                .on_conflict_do_update(index_elements=["switch_id", "day"], set_=values)
            )
            await session.execute(
                delete(call_differences).where(
                    call_differences.c.switch_id == request.switch,
                    call_differences.c.day == request.day,
                )
            )
        return None

    async def our_calls(
        self, switch: SwitchId, start: datetime, end: datetime
    ) -> Sequence[OurCall]:
        """Attempts through a switch that were opened in a period."""
        async with store_session(self.database) as session:
            of_switch = select(campaigns.c.id).where(campaigns.c.switch_id == switch)
            found = await session.execute(
                select(
                    attempts.c.id,
                    attempts.c.opened_at,
                    attempts.c.accepted_at,
                    attempts.c.outcome,
                    attempts.c.talk,
                ).where(
                    attempts.c.campaign_id.in_(of_switch),
                    attempts.c.opened_at >= start,
                    attempts.c.opened_at < end,
                )
            )
            return [
                OurCall(
                    attempt_id=row.id,
                    opened_at=row.opened_at,
                    accepted=row.accepted_at is not None,
                    outcome=Outcome(row.outcome) if row.outcome else None,
                    talk=row.talk,
                )
                for row in found
            ]

    async def known(self, correlators: Iterable[str]) -> frozenset[str]:
        """Those of them that are attempts of ours."""
        async with store_session(self.database) as session:
            found = await session.scalars(
                select(attempts.c.id).where(
                    attempts.c.id == any_(literal(sorted(correlators), ARRAY(Text)))
                )
            )
            return frozenset(found)

    async def record(
        self, request: CheckCalls, *, until: datetime, comparison: Comparison
    ) -> CallCheckCounts:
        """Note what came of the period that ends at `until`, once."""
        async with store_session(self.database) as session:
            row = await _locked(session, request)
            if row is None or row.run_key != request.run_key:
                raise CheckSuperseded(request.switch, request.day)
            before = _counts(row)
            if row.checked_until is not None and row.checked_until >= until:
                return before
            counts = _added(before, comparison)
            await session.execute(
                update(call_checks)
                .where(call_checks.c.switch_id == request.switch, call_checks.c.day == request.day)
                .values(checked_until=until, **counts.model_dump())
            )
            kept = max(0, MAX_KEPT - before.differences)
            if comparison.differences[:kept]:
                await session.execute(
                    insert(call_differences), _rows(request, comparison, limit=kept)
                )
        return counts

    async def finish(self, request: CheckCalls, *, error: str, now: datetime) -> None:
        """Note that a check is complete, or with `error` that it can't be."""
        async with store_session(self.database) as session:
            await session.execute(
                update(call_checks)
                .where(
                    call_checks.c.switch_id == request.switch,
                    call_checks.c.day == request.day,
                    call_checks.c.run_key == request.run_key,
                )
                .values(
                    state=JobPhase.failed if error else JobPhase.completed,
                    error=error,
                    ended_at=now,
                )
            )

    async def view(self, switch: SwitchId, day: date) -> CallCheckView:
        """What the newest check of a day found."""
        async with store_session(self.database) as session:
            row = (
                await session.execute(
                    select(call_checks).where(
                        call_checks.c.switch_id == switch, call_checks.c.day == day
                    )
                )
            ).one_or_none()
            if row is None:
                raise CallCheckNotFound(f"{switch} on {day}")
            known = call_differences.c
            found = await session.execute(
                select(call_differences)
                .where(known.switch_id == switch, known.day == day)
                .order_by(known.at, known.id)
                .limit(SHOWN)
            )
            names = DifferenceRow.model_fields
            told = tuple(
                DifferenceRow.model_validate({name: getattr(one, name) for name in names})
                for one in found
            )
        return CallCheckView(
            switch=row.switch_id,
            day=row.day,
            zone=row.zone,
            state=JobPhase(row.state),
            counts=_counts(row),
            error=row.error,
            started_at=row.started_at,
            ended_at=row.ended_at,
            differences=told,
        )


async def _locked(session: AsyncSession, request: CheckCalls) -> Row[Any] | None:
    found = await session.execute(
        select(call_checks)
        .where(call_checks.c.switch_id == request.switch, call_checks.c.day == request.day)
        .with_for_update()
    )
    return found.one_or_none()


def _counts(row: Row[Any]) -> CallCheckCounts:
    return CallCheckCounts(**{name: getattr(row, name) for name in _COUNTS})


def _added(before: CallCheckCounts, comparison: Comparison) -> CallCheckCounts:
    found = Counter(difference.kind.value for difference in comparison.differences)
    found.update(ours=comparison.ours, theirs=comparison.theirs, matched=comparison.matched)
    return CallCheckCounts(**{name: getattr(before, name) + found[name] for name in _COUNTS})


def _rows(request: CheckCalls, comparison: Comparison, *, limit: int) -> list[dict[str, object]]:
    return [
        {
            "switch_id": request.switch,
            "day": request.day,
            "kind": found.kind,
            "at": found.at,
            "attempt_id": found.attempt_id,
            "call_id": found.call_id,
            "ours": found.ours,
            "theirs": found.theirs,
            "our_talk": found.our_talk,
            "their_talk": found.their_talk,
        }
        for found in comparison.differences[:limit]
    ]
