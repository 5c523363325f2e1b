"""Contacts from the system of record into a PBX's phonebook, page by page.

A page that was sent and not noted is sent again: the PBX overwrites what it has by application and
id, so it can't be doubled, and it is counted when it is noted, once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from temporalio import activity

from activities.errors import bounded, coded_errors, is_final
from activities.pbx_contracts import PhonebookSyncInput, SyncCounts, SyncLeg, SyncLegResult
from dialer.model import SwitchId


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEntry:
    """A contact for a phonebook."""

    contact_id: int
    name: str
    numbers: tuple[tuple[str, str], ...]
    """(label, E.164)."""
    info: tuple[tuple[str, str], ...] = ()
    """(caption, value) that the PBX shows in a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookNote:
    """What the PBX had to say of one contact."""

    external_id: str
    act: str
    info: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BookReport:
    """What the PBX did with a page."""

    processed: int
    skipped: int
    warnings: int
    errors: int
    notes: tuple[BookNote, ...] = ()
    """Contacts that the PBX skipped, failed on or warned about, where it says which."""


class Phonebook(Protocol):
    """The directory of a PBX. Failures are `dialer.switching.SwitchError`s."""

    async def sync(self, entries: Sequence[BookEntry], *, app_name: str) -> BookReport:
        """Insert or overwrite contacts by application and id; safe to repeat."""
        ...

    async def aclose(self) -> None: ...


class PhonebookDirectory(Protocol):
    """Finds the phonebook of a configured switch."""

    async def open_phonebook(self, switch: SwitchId) -> Phonebook:
        """Raises `NotConfigured` for a switch that has none."""
        ...


class PhonebookRecords(Protocol):
    """Synchronisations in the system of record. Raises `StoreUnavailable` as `DialStore` does."""

    async def begin(
        self, request: PhonebookSyncInput, *, run_key: str, now: datetime
    ) -> tuple[int, SyncCounts]:
        """Last contact that was sent, and the counts; a new `run_key` starts from nothing."""
        ...

    async def page(
        self, request: PhonebookSyncInput, *, after: int, limit: int
    ) -> Sequence[BookEntry]:
        """The next contacts by id."""
        ...

    async def record(
        self,
        request: PhonebookSyncInput,
        *,
        run_key: str,
        last: int,
        sent: int,
        report: BookReport,
    ) -> SyncCounts:
        """Note what came of the page that ends with contact `last`, once."""
        ...

    async def finish(self, sync_id: str, *, run_key: str, error: str, now: datetime) -> None:
        """Note that a synchronisation is complete, or with `error` that it can't be."""
        ...


@dataclass(frozen=True)
class PhonebookActivities:
    """Synchronises phonebooks."""

    records: PhonebookRecords
    phonebooks: PhonebookDirectory
    clock: Callable[[], datetime]

    @activity.defn(name="phonebooks.sync")
    async def sync_phonebook(self, leg: SyncLeg) -> SyncLegResult:
        """Send the next chunks, from the last one that was noted."""
        request = leg.sync
        with coded_errors():
            try:
                return await self._leg(request, leg.run_key)
            except Exception as error:
                if is_final(error):
                    await self.records.finish(
                        request.sync_id,
                        run_key=leg.run_key,
                        error=bounded(error),
                        now=self.clock(),
                    )
                raise

    async def _leg(self, request: PhonebookSyncInput, run_key: str) -> SyncLegResult:
        after, counts = await self.records.begin(request, run_key=run_key, now=self.clock())
        book = await self.phonebooks.open_phonebook(request.switch)
        try:
            for _ in range(request.chunks_per_leg):
                entries = await self.records.page(request, after=after, limit=request.chunk)
                if not entries:
                    await self.records.finish(
                        request.sync_id, run_key=run_key, error="", now=self.clock()
                    )
                    return SyncLegResult(counts=counts, done=True)
                report = await book.sync(entries, app_name=request.app_name)
                after = entries[-1].contact_id
                counts = await self.records.record(
                    request, run_key=run_key, last=after, sent=len(entries), report=report
                )
                activity.heartbeat(counts)
        finally:
            await book.aclose()
        return SyncLegResult(counts=counts, done=False)
