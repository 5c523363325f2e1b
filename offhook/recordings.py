"""The end of recordings: the file on the switch first, then the row that says it is gone."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog

from dialer.model import SwitchId
from dialer.switching import SwitchError
from offhook.errors import OffhookError
from offhook.storage.recordings import RecordingRow, Recordings
from offhook.switches.base import StoresRecordings
from offhook.switches.registry import OpenSwitch, SwitchConfig, open_switch

log = structlog.get_logger()

BATCH = 500
"""Files deleted of a switch at one go; the rest is for the next night."""

LoadSwitch = Callable[[SwitchId], Awaitable[SwitchConfig]]


class RecordingsStayOnSwitch(OffhookError):
    """The switch records, and doesn't hand its files out."""

    code = "recordings_stay_on_switch"

    def __init__(self, config: SwitchConfig) -> None:
        super().__init__(
            f"switch {config.name} ({config.family}) keeps its recordings to itself",
            hint="fetch or delete the file on the telephone system",
        )


@asynccontextmanager
async def opened(load: LoadSwitch, switch_id: str) -> AsyncIterator[OpenSwitch]:
    """A switch for the length of the block."""
    switch = open_switch(await load(SwitchId(switch_id)))
    try:
        yield switch
    finally:
        await switch.adapter.aclose()


def files_of(switch: OpenSwitch) -> StoresRecordings:
    """Where a switch's files are fetched, or `RecordingsStayOnSwitch`."""
    if switch.recordings is None:
        raise RecordingsStayOnSwitch(switch.config)
    return switch.recordings


@dataclass(frozen=True)
class RecordingEraser:
    """Deletes what was kept long enough."""

    recordings: Recordings
    load: LoadSwitch

    async def erase(self, now: datetime, dry_run: bool = False) -> int:
        """Delete files whose time is over; a switch that is away is asked again the next night.

        Files that the switch keeps to itself are its own to delete: their rows say so and stay.
        """
        erased = 0
        for switch_id, count in (await self.recordings.expired_by_switch(now)).items():
            if dry_run:
                erased += count if await self._hands_out(switch_id) else 0
                continue
            rows = await self.recordings.expired(switch_id, now, limit=BATCH)
            try:
                erased += await self._erase_on(switch_id, rows, now)
            except (SwitchError, OffhookError) as error:
                log.warning("recordings_not_erased", switch=switch_id, error=str(error))
        return erased

    async def _hands_out(self, switch_id: str) -> bool:
        try:
            async with opened(self.load, switch_id) as switch:
                return switch.recordings is not None
        except OffhookError:  # misconfigured, or removed
            return False

    async def _erase_on(self, switch_id: str, rows: Sequence[RecordingRow], now: datetime) -> int:
        async with opened(self.load, switch_id) as switch:
            files = files_of(switch)
            for row in rows:
                await files.delete(row.name)
                await self.recordings.deleted([row.name], why="retention", now=now)
        return len(rows)
