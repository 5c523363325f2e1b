"""Attempts as people look for them: of a campaign, a contact, an agent, in a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import ARRAY, ColumnElement, Text, cast, or_, select, tuple_

from dialer.call import CallState
from dialer.outcomes import Outcome
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database
from offhook.storage.errors import NotFound
from offhook.storage.ivr_tables import agent_profiles
from offhook.storage.tables import attempts


class AttemptNotFound(NotFound):
    """There is no such attempt."""

    code = "attempt_not_found"
    noun = "attempt"


class AttemptRow(BaseModel):
    """One try at one number."""

    model_config = ConfigDict(frozen=True)

    attempt_id: str
    campaign_id: str
    contact_id: str
    number: str
    trunk_id: str
    caller_id: str
    state: CallState
    opened_at: AwareDatetime
    accepted_at: AwareDatetime | None
    answered_at: AwareDatetime | None
    joined_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    outcome: Outcome | None
    reason: str
    cause: str
    talk: timedelta | None
    disposition: str | None
    agent_id: str | None
    call_id: str | None
    verdict: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which attempts; None is any."""

    campaigns: Sequence[str] | None = None
    groups: Sequence[str] | None = None
    """Of agents in one of these groups, or of no agent."""
    contact: int | None = None
    number: str | None = None
    agent: str | None = None
    outcomes: Sequence[Outcome] = ()
    live: bool | None = None
    """Only those in progress, or only those that have ended."""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class CallReads:
    """Reads attempts; a database that is away raises `StoreUnavailable`."""

    database: Database

    async def page(
        self, asked: Asked, *, after: tuple[datetime, str] | None = None, limit: int = 50
    ) -> list[AttemptRow]:
        """Attempts, the newest first, behind one of them."""
        known = attempts.c
        wanted = select(attempts).order_by(known.opened_at.desc(), known.id.desc()).limit(limit)
        rules = [
            None if asked.campaigns is None else known.campaign_id.in_(asked.campaigns),
            None if asked.groups is None else _of_groups(asked.groups),
            None if asked.contact is None else known.contact_id == asked.contact,
            None if asked.number is None else known.number == asked.number,
            None if asked.agent is None else known.agent_id == asked.agent,
            known.outcome.in_(asked.outcomes) if asked.outcomes else None,
            None if asked.since is None else known.opened_at >= asked.since,
            None if asked.until is None else known.opened_at < asked.until,
            None if after is None else tuple_(known.opened_at, known.id) < after,
        ]
        if asked.live is not None:
            rules.append(
                known.state != CallState.ended if asked.live else known.state == CallState.ended
            )
        for rule in rules:
            if rule is not None:
                wanted = wanted.where(rule)
        async with store_session(self.database) as session:
            return [_row(dict(row._mapping)) for row in await session.execute(wanted)]

    async def find(self, attempt: str, *, groups: Sequence[str] | None = None) -> AttemptRow:
        """One attempt by its id; with groups, one of another group's agent is not found."""
        wanted = select(attempts).where(attempts.c.id == attempt)
        if groups is not None:
            wanted = wanted.where(_of_groups(groups))
        async with store_session(self.database) as session:
            row = (await session.execute(wanted)).one_or_none()
        if row is None:
            raise AttemptNotFound(attempt)
        return _row(dict(row._mapping))


def _of_groups(groups: Sequence[str]) -> ColumnElement[bool]:
    theirs = select(agent_profiles.c.agent_id).where(
        agent_profiles.c.groups.op("?|", is_comparison=True)(cast(list(groups), ARRAY(Text)))
    )
    return or_(attempts.c.agent_id.is_(None), attempts.c.agent_id.in_(theirs))


def _row(values: dict[str, object]) -> AttemptRow:
    return AttemptRow.model_validate(
        values | {"attempt_id": values["id"], "contact_id": str(values["contact_id"])}
    )
