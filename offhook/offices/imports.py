"""Contact files that are brought over the network: kept where the worker sees them, imported."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict

from activities.contracts import ImportPhase, ImportProgress, ImportResult
from offhook.offices.campaigns import CampaignOffice, Reading
from offhook.storage.errors import ImportNotFound
from offhook.storage.import_reads import ImportReads, ImportRow
from offhook.storage.tables import ImportState

KEPT_S = 2 * 86_400
"""Seconds that a file stays after it came: an import that must be repeated finds it."""
CHUNK = 1 << 20


class ImportBegun(BaseModel):
    """An import that a worker takes up."""

    model_config = ConfigDict(frozen=True)

    import_id: str
    campaign_id: str
    dry_run: bool


class ImportView(BaseModel):
    """How far an import is, or what came of it."""

    model_config = ConfigDict(frozen=True)

    import_id: str
    phase: ImportPhase
    progress: ImportProgress
    reasons: dict[str, int] = {}
    """Refused rows by code."""
    dry_run: bool = False
    error: str = ""


@dataclass(frozen=True)
class ImportOffice:
    """Keeps files in `folder`, which the worker must see too."""

    campaigns: CampaignOffice
    folder: Path

    async def begin(
        self, campaign: str, chunks: AsyncIterator[bytes], reading: Reading
    ) -> ImportBegun:
        """Keep a file as it comes, and have it imported."""
        import_id = f"{campaign}-{secrets.token_hex(6)}"[-100:]
        path = self.folder / f"{secrets.token_hex(16)}.csv"
        await asyncio.to_thread(_made_room, self.folder)
        try:
            await _kept(path, chunks)
            request = await self.campaigns.import_request(
                campaign, str(path), reading, import_id=import_id
            )
            await (await self.campaigns.desk()).start_import(request)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return ImportBegun(
            import_id=request.import_id, campaign_id=request.campaign_id, dry_run=reading.dry_run
        )

    async def view(self, campaign: str, import_id: str) -> ImportView:
        """An import of the campaign; raises `ImportNotFound`."""
        reads = ImportReads(self.campaigns.database)
        row = await reads.find(campaign, import_id)
        if row is None:
            return await self._unrecorded(campaign, import_id)
        progress = await self._progress(row)
        return ImportView(
            import_id=import_id,
            phase=ImportPhase(row.state),
            progress=progress,
            reasons=await reads.reasons(import_id),
            error=row.error,
        )

    async def _progress(self, row: ImportRow) -> ImportProgress:
        counted = ImportProgress(
            rows=row.rows, imported=row.accepted, duplicates=row.duplicates, refused=row.refused
        )
        if row.state is not ImportState.running:
            return counted
        live = await (await self.campaigns.desk()).import_progress(row.import_id)
        return live or counted

    async def _unrecorded(self, campaign: str, import_id: str) -> ImportView:
        """One that stores nothing, or that no worker has taken up yet."""
        found = await (await self.campaigns.desk()).import_snapshot(import_id)
        if found is None or found.campaign_id != campaign:
            raise ImportNotFound(import_id)
        result = found.result or ImportResult(import_id=import_id, progress=ImportProgress())
        return ImportView(
            import_id=import_id,
            phase=found.phase,
            progress=result.progress,
            reasons=dict(result.reasons),
            dry_run=result.dry_run,
            error=found.reason,
        )


async def _kept(path: Path, chunks: AsyncIterator[bytes]) -> None:
    file: BinaryIO = await asyncio.to_thread(path.open, "xb")
    try:
        async for chunk in chunks:
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)


def _made_room(folder: Path) -> None:
    """Have the folder, without files that nobody needs any more."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("*.csv"):
        if old.stat().st_mtime < time.time() - KEPT_S:
            old.unlink(missing_ok=True)
