"""Recordings and the calls that they are of, as the record has them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from activities.ports import campaign_channel
from dialer.events import RecordingOrdered
from dialer.media import RecordingAction, RecordingPolicy, RecordingState
from dialer.model import AttemptId, CampaignId
from offhook.errors import OffhookError
from offhook.storage.inbox import post_on
from offhook.storage.pool import Pool, store_errors

_COLUMNS = """name, campaign_id, switch_id, attempt_id, agent_id, state, started_at, ended_at,
    keep_until, deleted_at, asked_by, reason"""
_LIST = f"""
SELECT {_COLUMNS} FROM recordings
WHERE ($1 = '' OR campaign_id = $1) AND ($2 = '' OR attempt_id = $2)
    AND ($3 OR deleted_at IS NULL)
ORDER BY started_at DESC, name LIMIT $4
"""  # noqa: S608 - columns are ours
_FIND = f"SELECT {_COLUMNS} FROM recordings WHERE name = $1"  # noqa: S608 - columns are ours
# A start that failed without being refused for sure may have left a file.
_OVER = "keep_until < $1 AND deleted_at IS NULL AND state IN ('stopped', 'failed')"
_EXPIRED = f"""
SELECT {_COLUMNS} FROM recordings WHERE {_OVER} AND switch_id = $2 ORDER BY keep_until LIMIT $3
"""  # noqa: S608 - columns are ours
_EXPIRED_BY_SWITCH = f"""
SELECT switch_id, count(*) AS files FROM recordings WHERE {_OVER} GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - the condition is ours
_DELETED = """
UPDATE recordings SET state = 'deleted', deleted_at = $2, changed_at = $2, reason = $3
WHERE name = ANY($1) AND deleted_at IS NULL
"""
_LEFT = """
UPDATE recordings SET state = 'stopped', ended_at = $2, changed_at = $2, reason = 'call_gone'
WHERE switch_id = $1 AND state IN ('starting', 'recording', 'paused') AND changed_at < $3
    AND NOT attempt_id = ANY($4::text[])
RETURNING name
"""
_CALL = """
SELECT a.id, a.campaign_id, a.state, a.agent_id, c.switch_id, c.name,
    COALESCE(c.settings -> 'recording' ->> 'policy', 'never') AS policy
FROM attempts a JOIN campaigns c ON c.id = a.campaign_id WHERE a.id = $1
"""


class RecordingNotFound(OffhookError):
    """No recording has this name."""

    code = "recording_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no recording {name[:80]}",
            hint="`offhook recording list` shows those there are",
        )


class RecordingDeleted(OffhookError):
    """The file was deleted; only the record that there was one is left."""

    code = "recording_deleted"

    def __init__(self, row: "RecordingRow") -> None:
        at = f"{row.deleted_at:%Y-%m-%d %H:%M} UTC" if row.deleted_at else "an unknown time"
        super().__init__(
            f"recording {row.name} was deleted at {at} ({row.reason or 'no reason given'})",
            hint="`offhook recording list` shows those that are kept",
        )


class CallNotFound(OffhookError):
    """No attempt has this id."""

    code = "call_not_found"

    def __init__(self, attempt: str) -> None:
        super().__init__(
            f"there is no call {attempt[:80]}",
            hint="`offhook campaign why CAMPAIGN CONTACT` shows the ids of a contact's calls",
        )


class CallNotTalking(OffhookError):
    """What was asked needs a customer and an agent who talk."""

    code = "call_not_talking"

    def __init__(self, call: "CallRow") -> None:
        super().__init__(
            f"call {call.attempt_id} is {call.state}, and nobody talks on it",
            hint="ask again while customer and agent talk",
        )


class RecordingOff(OffhookError):
    """The campaign's policy is never to record."""

    code = "recording_off"

    def __init__(self, call: "CallRow") -> None:
        super().__init__(
            f"campaign {call.campaign} never records",
            hint="set recording.policy to on_demand or all in its settings",
        )


class RecordingRow(BaseModel):
    """One recording."""

    model_config = ConfigDict(frozen=True)

    name: str
    campaign_id: str
    switch_id: str
    attempt_id: str
    agent_id: str | None
    state: RecordingState
    started_at: AwareDatetime
    ended_at: AwareDatetime | None
    keep_until: AwareDatetime
    deleted_at: AwareDatetime | None
    asked_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call as the commands about calls need it."""

    attempt_id: AttemptId
    campaign_id: CampaignId
    campaign: str
    switch_id: str
    agent_id: str | None
    state: str
    policy: RecordingPolicy


@dataclass(frozen=True)
class Recordings:
    """Reads, orders and closes the rows."""

    pool: Pool

    async def all(
        self,
        *,
        campaign: str = "",
        attempt: str = "",
        deleted: bool = False,
        limit: int = 200,
    ) -> Sequence[RecordingRow]:
        """Recordings, newest first."""
        with store_errors():
            rows = await self.pool.fetch(_LIST, campaign, attempt, deleted, limit)
        return [RecordingRow.model_validate(dict(row)) for row in rows]

    async def find(self, name: str) -> RecordingRow:
        """One by its name, or `RecordingNotFound`."""
        with store_errors():
            row = await self.pool.fetchrow(_FIND, name)
        if row is None:
            raise RecordingNotFound(name)
        return RecordingRow.model_validate(dict(row))

    async def expired_by_switch(self, now: datetime) -> dict[str, int]:
        """How many files each switch has kept long enough."""
        with store_errors():
            rows = await self.pool.fetch(_EXPIRED_BY_SWITCH, now)
        return {row["switch_id"]: row["files"] for row in rows}

    async def expired(self, switch: str, now: datetime, *, limit: int) -> Sequence[RecordingRow]:
        """Files of a switch that were kept long enough, longest first."""
        with store_errors():
            rows = await self.pool.fetch(_EXPIRED, now, switch, limit)
        return [RecordingRow.model_validate(dict(row)) for row in rows]

    async def deleted(self, names: Sequence[str], *, why: str, now: datetime) -> None:
        """Note that files are gone."""
        with store_errors():
            await self.pool.execute(_DELETED, list(names), now, why[:200])

    async def close_left(
        self, switch: str, present: Collection[str], *, quiet_since: datetime, now: datetime
    ) -> Sequence[str]:
        """Close recordings whose call is none of `present` and that nothing was done to since
        `quiet_since`; a switch ends a file with its call. Returns their names.
        """
        with store_errors():
            rows = await self.pool.fetch(_LEFT, switch, now, quiet_since, list(present))
        return [row["name"] for row in rows]

    async def call(self, attempt: str) -> CallRow:
        """The call of an attempt, or `CallNotFound`."""
        with store_errors():
            row = await self.pool.fetchrow(_CALL, attempt)
        if row is None:
            raise CallNotFound(attempt)
        return CallRow(
            attempt_id=AttemptId(row["id"]),
            campaign_id=CampaignId(row["campaign_id"]),
            campaign=row["name"],
            switch_id=row["switch_id"],
            agent_id=row["agent_id"],
            state=row["state"],
            policy=RecordingPolicy(row["policy"]),
        )

    async def order(
        self, call: CallRow, action: RecordingAction, *, by: str, key: str, now: datetime
    ) -> None:
        """Have the campaign's engine do something with a talk's recording."""
        if call.policy is RecordingPolicy.never:
            raise RecordingOff(call)
        if call.state != "talking":
            raise CallNotTalking(call)
        event = RecordingOrdered(attempt_id=call.attempt_id, action=action, by=by)
        with store_errors():
            await post_on(self.pool, campaign_channel(call.campaign_id), event, key=key, now=now)
