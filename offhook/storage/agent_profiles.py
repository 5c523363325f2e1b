"""What agents can do, and what is known of callers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from pydantic import BaseModel, ConfigDict

from dialer.suitability import Candidate
from offhook.change_notes import note_change
from offhook.storage.pool import Connection, Pool, store_errors

_READ = """
SELECT skills::text AS skills, languages::text AS languages, groups::text AS groups, hours
FROM agent_profiles WHERE agent_id = $1
"""
_LOCK = """
INSERT INTO agent_profiles AS p (agent_id, changed_at) VALUES ($1, $2)
ON CONFLICT (agent_id) DO UPDATE SET changed_at = EXCLUDED.changed_at
"""
_WRITE = """
UPDATE agent_profiles SET skills = $2::jsonb, languages = $3::jsonb, groups = $4::jsonb, hours = $5
WHERE agent_id = $1
"""
_KNOWN = "SELECT vip, owner FROM caller_profiles WHERE kind = $1 AND value = $2"
_CALLER = """
INSERT INTO caller_profiles AS c (kind, value, vip, owner, changed_at)
VALUES ($1, $2, COALESCE($3, false), NULLIF($4, ''), $5)
ON CONFLICT (kind, value) DO UPDATE SET vip = COALESCE($3, c.vip),
    owner = CASE WHEN $4::text IS NULL THEN c.owner ELSE NULLIF($4, '') END, changed_at = $5
RETURNING vip, owner
"""


class Profile(BaseModel):
    """What an agent can do."""

    model_config = ConfigDict(frozen=True)

    agent_id: str
    skills: dict[str, int] = {}
    languages: tuple[str, ...] = ()
    groups: dict[str, int] = {}
    """Penalties by group."""
    hours: str = ""


@dataclass(frozen=True)
class Known:
    """What is known of a caller."""

    vip: bool
    owner: str | None


@dataclass(frozen=True)
class AgentProfiles:
    """A database that is away raises `StoreUnavailable`."""

    pool: Pool

    async def change(
        self,
        agent: str,
        *,
        now: datetime,
        skills: Mapping[str, int] | None = None,
        groups: Mapping[str, int | None] | None = None,
        languages: Sequence[str] | None = None,
        hours: str | None = None,
    ) -> Profile:
        """Merge skills (0 takes one away) and groups (None leaves one), replace the rest; nothing
        given changes nothing. Returns what holds afterwards.
        """
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                if any(change is not None for change in (skills, groups, languages, hours)):
                    await connection.execute(_LOCK, agent, now)
                before = await _read(connection, agent)
                after = _merged(before, skills or {}, groups or {}, languages, hours)
                if after != before:
                    await _write(connection, after)
        note_change(f"agent/{agent}", before, after)
        return after

    async def caller(
        self, kind: str, value: str, *, vip: bool | None, owner: str | None, now: datetime
    ) -> Known:
        """Set what is given (an empty owner takes it away) and tell what is known."""
        with store_errors():
            before = await self.pool.fetchrow(_KNOWN, kind, value)
            row = await self.pool.fetchrow(_CALLER, kind, value, vip, owner, now)
        note_change(f"caller/{value}", dict(before) if before else None, dict(row))
        return Known(vip=row["vip"], owner=row["owner"])


async def _read(connection: Connection, agent: str) -> Profile:
    row = await connection.fetchrow(_READ, agent)
    if row is None:
        return Profile(agent_id=agent)
    return Profile(
        agent_id=agent,
        skills=orjson.loads(row["skills"]),
        languages=tuple(orjson.loads(row["languages"])),
        groups=orjson.loads(row["groups"]),
        hours=row["hours"],
    )


async def _write(connection: Connection, row: Profile) -> None:
    # What routing couldn't read again must not be written.
    Candidate.model_validate(
        {"agent_id": row.agent_id, "skills": row.skills, "groups": row.groups}
        | ({"hours": row.hours} if row.hours else {})
    )
    values = (dict(row.skills), list(row.languages), dict(row.groups))
    stored = [orjson.dumps(value).decode() for value in values]
    await connection.execute(_WRITE, row.agent_id, *stored, row.hours)


def _merged(
    before: Profile,
    skills: Mapping[str, int],
    groups: Mapping[str, int | None],
    languages: Sequence[str] | None,
    hours: str | None,
) -> Profile:
    return Profile(
        agent_id=before.agent_id,
        skills={name: level for name, level in {**before.skills, **skills}.items() if level},
        groups={
            name: penalty
            for name, penalty in {**before.groups, **groups}.items()
            if penalty is not None
        },
        languages=before.languages if languages is None else tuple(languages),
        hours=before.hours if hours is None else hours,
    )
