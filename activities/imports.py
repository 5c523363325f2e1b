"""The one long activity of an import: a contact file, row by row, into a campaign's list."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol, TextIO

from temporalio import activity

from activities.contracts import ImportInput, ImportProgress, ImportResult, ImportSource
from activities.errors import coded_errors
from dialer.contacts_csv import (
    Batch,
    FileOptions,
    FileShape,
    inspect,
    read_contacts,
    write_header,
    write_refused,
)

BATCH_ROWS = 5_000
"""Never changed while an import may be under way: batches are known by their number."""
MAX_REASONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What became of a batch in the list."""

    imported: int
    duplicates: int
    """Contacts of the batch whose numbers the list had before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBegun:
    """How far an import had come when it was begun again."""

    batches: int = 0
    """Merged before; the first ones of the file."""
    imported: int = 0
    duplicates: int = 0


class ContactImports(Protocol):
    """Imports in the system of record. Raises `StoreUnavailable` as `DialStore` does."""

    async def begin(self, request: ImportInput, *, now: datetime) -> ImportBegun:
        """Note that an import begins, or find how far it came."""
        ...

    async def merge(self, import_id: str, *, number: int, batch: Batch, now: datetime) -> Merged:
        """Write batch `number`, counted from 1, once; whoever is in the list is a duplicate."""
        ...

    async def finish(self, result: ImportResult, *, now: datetime) -> None:
        """Note that an import is complete."""
        ...

    async def fail(self, import_id: str, *, reason: str, now: datetime) -> None:
        """Note that the file can't be imported."""
        ...


class ContactBlobs(Protocol):
    """Where contact files are, and where refused rows go."""

    def read(self, source: ImportSource, ref: str) -> BinaryIO:
        """Open a file; raises `NotConfigured` when there is none."""
        ...

    def write(self, path: str) -> TextIO:
        """Open a file for refused rows, empty."""
        ...


@dataclass(slots=True)
class _Count:
    """What was read and refused; what was merged is the record's to say."""

    progress: ImportProgress
    reasons: Counter[str]

    def read(self, batch: Batch) -> None:
        self.reasons.update(row.code for row in batch.refused)
        self.progress = self.progress.model_copy(
            update={
                "rows": batch.rows_seen,
                "refused": self.progress.refused + len(batch.refused),
                "bytes_read": batch.bytes_seen,
                "bytes_total": batch.bytes_total,
            }
        )

    def merged(self, merged: Merged) -> None:
        self.progress = self.progress.model_copy(
            update={
                "imported": self.progress.imported + merged.imported,
                "duplicates": self.progress.duplicates + merged.duplicates,
            }
        )


@dataclass(frozen=True)
class ImportActivities:
    """Imports contact files."""

    imports: ContactImports
    blobs: ContactBlobs
    clock: Callable[[], datetime]

    @activity.defn(name="contacts.import")
    async def import_contacts(self, request: ImportInput) -> ImportResult:
        """Import the whole file once; asked again, go on behind the last merged batch.

        The file is read from its start each time: what was seen before decides who is a duplicate,
        and reading is the cheap part.
        """
        # Somebody waits for it, and nobody is stranded when it ends: a bug must show at once.
        with coded_errors(patient=False):
            begun = await self.imports.begin(request, now=self.clock())
            count = _Count(
                ImportProgress(imported=begun.imported, duplicates=begun.duplicates), Counter()
            )
            try:
                await self._stream(request, begun, count)
            except ValueError as error:
                await self.imports.fail(request.import_id, reason=str(error), now=self.clock())
                raise
            result = ImportResult(
                import_id=request.import_id,
                progress=count.progress,
                reasons=dict(count.reasons.most_common(MAX_REASONS)),
                refused_path=request.refused_path,
            )
            await self.imports.finish(result, now=self.clock())
            return result

    async def _stream(self, request: ImportInput, begun: ImportBegun, count: _Count) -> None:
        """Parse one batch in a thread while the one before is written."""
        options = FileOptions(
            default_region=request.default_region, mapping=request.mapping, batch_rows=BATCH_ROWS
        )
        with ExitStack() as stack:
            source = stack.enter_context(self.blobs.read(request.source, request.ref))
            shape = await asyncio.to_thread(inspect, source, options)
            refused = None
            if request.refused_path:
                refused = stack.enter_context(self.blobs.write(request.refused_path))
                write_header(shape.header, refused)
            batches = read_contacts(source, options)
            number = 0
            following = asyncio.create_task(asyncio.to_thread(_take, batches, refused, shape))
            try:
                while (batch := await following) is not None:
                    number += 1
                    following = asyncio.create_task(
                        asyncio.to_thread(_take, batches, refused, shape)
                    )
                    count.read(batch)
                    if number > begun.batches:
                        count.merged(
                            await self.imports.merge(
                                request.import_id, number=number, batch=batch, now=self.clock()
                            )
                        )
                    activity.heartbeat(count.progress)
            finally:
                # The thread reads the file that is about to be closed.
                await asyncio.gather(asyncio.shield(following), return_exceptions=True)


def _take(batches: Iterator[Batch], refused: TextIO | None, shape: FileShape) -> Batch | None:
    batch = next(batches, None)
    if batch is not None and refused is not None:
        write_refused(batch.refused, shape.header, refused)
    return batch
