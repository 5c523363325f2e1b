"""What a menu writes down for others: numbers that want no more calls, promises to call back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from activities.errors import NotConfigured
from activities.ivr_contracts import BookCallback, OptOut
from dialer.numbers import parse_number, zones_of
from offhook.callbacks import DEFAULT_ZONE, CallbackOffice, NewCallback
from offhook.errors import OffhookError
from offhook.storage.callback_tables import CallbackSource
from offhook.storage.compliance_store import DoNotCall
from offhook.storage.pool import Pool, store_errors

_CAMPAIGN = """
SELECT a.campaign_id FROM attempts a JOIN campaigns c ON c.id = a.campaign_id
WHERE c.switch_id = $1 AND a.number = $2 ORDER BY a.opened_at DESC LIMIT 1
"""
SOURCE = "ivr"


@dataclass(frozen=True)
class MenuOptOuts:
    """Implements `activities.ivr.OptOuts` on the do-not-call lists."""

    pool: Pool
    clock: Callable[[], datetime]
    region: str

    async def record(self, request: OptOut) -> None:
        """List the caller's number, for every campaign or for the one that called him last.

        A caller whom no campaign has called opts out of everything: that is what was asked for.
        """
        number = str(parse_number(request.number, self.region))
        scope = await self._campaign(request, number) if request.scope == "campaign" else ""
        await DoNotCall(self.pool).add(
            [number], now=self.clock(), scope=scope, source=SOURCE, action="add"
        )

    async def _campaign(self, request: OptOut, number: str) -> str:
        with store_errors():
            found: str | None = await self.pool.fetchval(_CAMPAIGN, request.switch_id, number)
        return found or ""


@dataclass(frozen=True)
class MenuCallbacks:
    """Implements `activities.ivr.CallbackBooker` on the callback lists."""

    office: CallbackOffice
    clock: Callable[[], datetime]
    region: str

    async def book(self, request: BookCallback) -> None:
        """Book on the route's list, else on the list with the name of the group."""
        on = request.callback_list or request.group or ""
        if not on:
            raise NotConfigured(
                "no callback list is named for this call; give one with"
                " `offhook ivr route --callback-list`, or a `group` at the node",
                code="ivr_callback_list_missing",
            )
        number = parse_number(request.number, self.region)
        zone = next(iter(zones_of(str(number))), DEFAULT_ZONE)
        later = request.not_before > self.clock()
        new = NewCallback(
            numbers=(str(number),),
            region=self.region,
            due_on=request.not_before.astimezone(ZoneInfo(zone)).date(),
            zone=zone,
            not_before=request.not_before if later else None,
            queue=request.group or "",
            source=CallbackSource.ivr,
            source_key=request.key,
        )
        try:
            await self.office.book(on, new, now=self.clock())
        except OffhookError as error:
            raise NotConfigured(str(error), code=error.code) from error
