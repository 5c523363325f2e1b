"""The one long activity of an import: a contact file, row by row, into a campaign's list.

`ContactImporter` is the work itself and knows nothing of Temporal; the activity has it done
wherever the worker's `Importer` does it, which in production is a process of its own, because
a million rows are a minute of computing and the worker's event loop belongs to those who dial.
"""

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
    ChangedFile,
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
    fingerprint: str = ""
    """Of the file that those batches are from; empty before the first."""


class ContactImports(Protocol):
    """Imports in the system of record. Raises `StoreUnavailable` as `DialStore` does."""

    async def begin(self, request: ImportInput, *, now: datetime) -> ImportBegun:
        """Note that an import begins, or find how far it came."""
        ...

    async def merge(self, import_id: str, *, number: int, batch: Batch, now: datetime) -> Merged:
        """Write batch `number`, counted from 1, once; whoever is in the list is a duplicate."""
        ...

    async def preview(self, request: ImportInput, *, batch: Batch) -> Merged:
        """What a merge would do; writes nothing."""
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


Report = Callable[[ImportProgress], None]


class Importer(Protocol):
    """Whoever carries an import out."""

    async def run(self, request: ImportInput, *, report: Report) -> ImportResult:
        """Import the file to its end, saying after each batch how far it is; asked again, go on
        behind the last merged batch.
        """
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

    importer: Importer

    @activity.defn(name="contacts.import")
    async def import_contacts(self, request: ImportInput) -> ImportResult:
        """Import the whole file once; asked again, go on behind the last merged batch."""
        # Somebody waits for it, and nobody is stranded when it ends: a bug must show at once.
        with coded_errors(patient=False):
            return await self.importer.run(request, report=activity.heartbeat)


@dataclass(frozen=True)
class ContactImporter:
    """Implements `Importer` right here.

    After an interruption the file is read from its start again: what was seen before decides who
    is a duplicate, and reading a million rows takes less than half a minute.
    """

    imports: ContactImports
    blobs: ContactBlobs
    clock: Callable[[], datetime]

    async def run(self, request: ImportInput, *, report: Report) -> ImportResult:
        """Import the file to its end."""
        begun = ImportBegun()
        if not request.dry_run:
            begun = await self.imports.begin(request, now=self.clock())
        count = _Count(
            ImportProgress(imported=begun.imported, duplicates=begun.duplicates), Counter()
        )
        try:
            await self._stream(request, begun, count, report)
        except ValueError as error:
            if not request.dry_run:
                await self.imports.fail(request.import_id, reason=str(error), now=self.clock())
            raise
        result = ImportResult(
            import_id=request.import_id,
            progress=count.progress,
            reasons=dict(count.reasons.most_common(MAX_REASONS)),
            refused_path=request.refused_path,
            dry_run=request.dry_run,
        )
        if not request.dry_run:
            await self.imports.finish(result, now=self.clock())
        return result

    async def _stream(
        self, request: ImportInput, begun: ImportBegun, count: _Count, report: Report
    ) -> None:
        """Parse one batch in a thread while the one before is written."""
        options = file_options(request)
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
                    if begun.batches and batch.fingerprint != begun.fingerprint:
                        raise ChangedFile
                    if number > begun.batches:
                        count.merged(await self._settle(request, number, batch))
                    report(count.progress)
            finally:
                # The thread reads the file that is about to be closed.
                await asyncio.gather(asyncio.shield(following), return_exceptions=True)

    async def _settle(self, request: ImportInput, number: int, batch: Batch) -> Merged:
        if request.dry_run:
            return await self.imports.preview(request, batch=batch)
        return await self.imports.merge(
            request.import_id, number=number, batch=batch, now=self.clock()
        )


def file_options(request: ImportInput) -> FileOptions:
    """What the request says about the file."""
    return FileOptions(
        default_region=request.default_region,
        mapping=request.mapping,
        columns=request.columns,
        encoding=request.encoding,
        delimiter=request.delimiter,
        day_first=request.day_first,
        zone=request.zone,
        batch_rows=BATCH_ROWS,
    )


def _take(batches: Iterator[Batch], refused: TextIO | None, shape: FileShape) -> Batch | None:
    batch = next(batches, None)
    if batch is not None and refused is not None:
        write_refused(batch.refused, shape.header, refused)
    return batch
