"""Calls of ours that nobody minds: their campaign is gone, and somebody may be on the line.

An engine sends away the strays of its own campaign, with the message where there is one. What is
left for long is nobody's: a campaign that was never resumed, or a record that was restored.
"""

from collections.abc import Sequence, Set
from datetime import datetime, timedelta

import structlog

from dialer.commands import HangUp
from dialer.switching import CallView, SwitchError
from offhook.switches.base import SwitchAdapter
from offhook.telemetry import counter

log = structlog.get_logger()

ORPHAN_AFTER = timedelta(seconds=60)
"""After a call was first seen with nobody to mind it: longer than a safe-harbour message, or what
an engine needs to take over."""

_ENDED = counter("dialer_orphan_calls_total", "Calls of ours that nobody minded and were ended.")


class Orphans:
    """Ends them on one switch."""

    def __init__(self, adapter: SwitchAdapter, *, after: timedelta = ORPHAN_AFTER) -> None:
        self._adapter = adapter
        self._after = after
        self._since: dict[str, datetime] = {}

    async def end(self, calls: Sequence[CallView], minded: Set[str], now: datetime) -> None:
        """End the calls that nobody has minded for long."""
        alone = {view.correlator: view for view in calls if view.correlator not in minded}
        self._since = {name: self._since.get(name, now) for name in alone}
        for name, view in alone.items():
            if now - self._since[name] >= self._after:
                await self._hang_up(view)

    async def _hang_up(self, view: CallView) -> None:
        log.warning("orphan_call_ended", correlator=view.correlator, phase=view.phase)
        try:
            await self._adapter.hang_up(
                HangUp(correlator=view.correlator, call=view.call, reason="orphan")
            )
        except SwitchError as error:
            log.warning("orphan_call_stays", correlator=view.correlator, error=str(error))
        else:
            _ENDED.inc()
