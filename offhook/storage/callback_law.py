"""Whether a callback may be called now: the law of its campaign, and the same guard as campaigns'.

A call that is permitted is written before it is placed, among the calls that every cap and lockout
counts, under the name that it has on the switch (`dialer.callbacks.call_name`). Its ticket closes
it. A person who asked to be called back has agreed to that call, so a rule of consent is met; every
other rule is asked as for any call.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from dialer.callback_refusals import CallbackForbidden
from dialer.callbacks import Promise, call_name
from dialer.compliance.facts import History, Limit, Listed, PastCall
from dialer.compliance.settings import ComplianceSettings
from dialer.live.law import Verdict, judge
from dialer.model import CampaignId, CampaignSettings, ContactId, Dialable, Mode, Number, SwitchId
from dialer.numbers import InvalidNumber, zones_of
from offhook.storage import compliance_sql
from offhook.storage.compliance_reads import horizon
from offhook.storage.pool import Connection, Pool, store_errors

_SETTINGS = "SELECT settings::text FROM campaigns WHERE id = $1"
_KNOWN = "SELECT 1 FROM past_calls WHERE id = $1"
_GUARD = """
SELECT rule, until FROM forbid_calls(
    1, $2, ARRAY[$1], ARRAY[0]::bigint[], ARRAY[$3], ARRAY[$4::timestamptz], ARRAY[$3], ARRAY[''],
    ARRAY[$5])
"""
_WRITE = """
INSERT INTO past_calls (id, campaign_id, contact_id, number, person, caller_id, opened_at)
VALUES ($1, $2, 0, $3, $3, $4, $5)
"""
_FORBIDDEN = """
INSERT INTO forbidden_calls (attempt_id, campaign_id, contact_id, number, rule, at, until)
VALUES ($1, $2, 0, $3, $4, $5, $6)
ON CONFLICT (attempt_id) DO UPDATE SET number = EXCLUDED.number, rule = EXCLUDED.rule,
    at = EXCLUDED.at, until = EXCLUDED.until
"""
# What the same agent called before under the ticket is over: he could not start anew otherwise.
_OVER = """
UPDATE past_calls SET ended_at = $2, outcome = COALESCE(outcome, 'unknown')
WHERE ended_at IS NULL AND id IN (
    SELECT callback_id || '.' || version FROM callback_moves
    WHERE callback_id = $1 AND move = 'start')
"""


@dataclass(frozen=True)
class PostgresCallbackLaw:
    """Implements `activities.callbacks.CallingLaw`."""

    pool: Pool
    default: ComplianceSettings = field(default_factory=ComplianceSettings)
    """The law of callbacks that belong to no campaign."""
    caller_id: str = ""
    """What those show."""

    async def permit(self, promise: Promise, number: str, now: datetime) -> None:
        """Write the call that may be placed; `CallbackForbidden` with the rule when it may not.

        Asked again for the same move, it is permitted as it was.
        """
        request = promise.request
        name = call_name(request.callback_id, promise.version + 1)
        campaign = request.campaign_id or CampaignId("")
        with store_errors():
            async with self.pool.acquire() as connection, connection.transaction():
                if await connection.fetchval(_KNOWN, name):
                    return
                await connection.execute(_OVER, request.callback_id, now)
                settings = await self._law(connection, promise)
                verdict = await _judged(connection, promise, number, settings, now)
                if verdict.allowed:
                    limits = json.dumps([_limit(one) for one in verdict.limits])
                    verdict = await _guarded(connection, name, campaign, number, limits, now)
                if verdict.allowed:
                    caller = settings.compliance.caller_id(number, settings.caller_id)
                    await connection.execute(_WRITE, name, campaign, number, caller, now)
                else:
                    said = (verdict.reason, now, verdict.due_at)
                    await connection.execute(_FORBIDDEN, name, campaign, number, *said)
        if not verdict.allowed:
            raise CallbackForbidden(request.callback_id, verdict.reason, verdict.due_at)

    async def shown(self, promise: Promise, number: str) -> str:
        """The caller id for a number."""
        with store_errors():
            async with self.pool.acquire() as connection:
                settings = await self._law(connection, promise)
        return settings.compliance.caller_id(number, settings.caller_id)

    async def _law(self, connection: Connection, promise: Promise) -> CampaignSettings:
        campaign = promise.request.campaign_id
        stored = await connection.fetchval(_SETTINGS, campaign) if campaign else None
        if stored:
            return CampaignSettings.model_validate_json(stored)
        return CampaignSettings(
            name="callbacks",
            mode=Mode.preview,
            switch=promise.request.switch_id or SwitchId(""),
            caller_id=self.caller_id,
            compliance=self.default,
        )


async def _judged(
    connection: Connection, promise: Promise, number: str, settings: CampaignSettings, now: datetime
) -> Verdict:
    calls = await connection.fetch(
        compliance_sql.CALLS, [number], [number], [], [], now - horizon(settings.compliance)
    )
    campaign = promise.request.campaign_id or ""
    listed = await connection.fetch(compliance_sql.LISTED, [number], campaign, now)
    called = Number(number=number, zones=_zones(number, promise.request.zone))
    contact = Dialable(
        contact_id=ContactId("0"),
        numbers=(called,),
        due_at=promise.opens_at,
        history=History(
            person=number,
            consent=True,
            calls=tuple(
                PastCall(
                    keys=(row["key"],),
                    at=row["opened_at"],
                    ended_at=row["ended_at"],
                    outcome=row["outcome"],
                    talked=row["talked"],
                    refused=row["refused"],
                )
                for row in calls
            ),
            listed=tuple(
                Listed(number=row["number"], source=row["source"], until=row["expires_at"])
                for row in listed
            ),
        ),
    )
    return judge(contact, called, settings=settings, rules=(), now=now)


async def _guarded(
    connection: Connection, name: str, campaign: str, number: str, limits: str, now: datetime
) -> Verdict:
    """What the record says of it, once whoever wants a call under the same key has had his turn."""
    found = await connection.fetchrow(_GUARD, name, campaign, number, now, limits)
    if found is None:
        return Verdict(allowed=True)
    return Verdict(allowed=False, reason=found["rule"], due_at=found["until"])


def _zones(number: str, zone: str) -> tuple[str, ...]:
    """The zone that the promise was made in, and every one that the number may be in."""
    try:
        possible = zones_of(number)
    except InvalidNumber:
        possible = ()
    return tuple(dict.fromkeys((zone, *possible)))


def _limit(limit: Limit) -> dict[str, object]:
    within: timedelta = limit.within
    return asdict(limit) | {"within": within.total_seconds()}
