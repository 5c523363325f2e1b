"""The call report of a VOIspeed PBX, read in pieces that are surely whole.

The guide shows no way to page. So a period is asked for with a limit; a reply that reaches the
limit may be cut off, and its period is halved and asked again. A PBX that doesn't know our names
for the limits of time (`date_from`, `date_to`) would answer everything to everything: that is
noticed by calls from outside the period, and told with what to configure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from dialer.call_check import PbxCall
from dialer.switching import SwitchRefused
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.events import OUTCOMES, Role, role_of

LIMIT = 1_000
SHORTEST = timedelta(seconds=1)
_SLACK = timedelta(hours=1, seconds=1)
"""The PBX tells whole seconds of its own clock, which shows one hour twice each autumn."""


class VoispeedReports:
    """`activities.call_check.CallReports` by `get_call_report`."""

    def __init__(self, client: VoispeedClient, link: str, *, limit: int = LIMIT) -> None:
        self._client = client
        self._link = link
        self._limit = limit

    async def customer_calls(self, start: datetime, end: datetime) -> Sequence[PbxCall]:
        """Calls that carry a customer's correlator and started in a period."""
        found: dict[str, wire.ReportedCall] = {}
        periods = [(start, end)]
        while periods:
            since, until = periods.pop()
            calls = await self._client.call_report(
                wire.GetCallReport(since=since, until=until, limit=self._limit)
            )
            self._require_inside(calls, since, until)
            # A PBX that gives more than the limit doesn't know it, and has given everything.
            if len(calls) == self._limit:
                if until - since <= SHORTEST:
                    raise SwitchRefused(
                        f"link {self._link} reports {self._limit} calls or more in one second; "
                        "its call report can't be read in pieces"
                    )
                middle = since + timedelta(seconds=(until - since) // timedelta(seconds=2))
                periods += [(since, middle), (middle, until)]
                continue
            found.update((call.call_id, call) for call in calls)
        return tuple(_told(found.values()))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _require_inside(
        self, calls: Iterable[wire.ReportedCall], since: datetime, until: datetime
    ) -> None:
        for call in calls:
            at = call.started_at
            if at is not None and not since - _SLACK <= at <= until + _SLACK:
                raise SwitchRefused(
                    f"link {self._link} reports calls of other times than asked for; tell how it "
                    "calls the limits: `offhook switch add voispeed --replace --parameter "
                    "get_call_report.date_from=...` and date_to, and check the link's --zone"
                )


def _told(calls: Iterable[wire.ReportedCall]) -> Iterable[PbxCall]:
    for call in calls:
        if not call.extid or role_of(call.extid) is Role.agent:
            continue
        yield PbxCall(
            call_id=call.call_id,
            correlator=call.extid,
            started_at=call.started_at,
            outcome=OUTCOMES.get(call.outcome) if call.outcome is not None else None,
            talk=call.talk_time,
        )
