"""Looking into contact files before anything is imported."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from dialer.contacts_csv import ContactFileError, FileOptions, inspect, read_contacts
from offhook.console.views.new_contacts import FileFound, mapping_of
from offhook.errors import OffhookError

LOOKED_AT = 2_000
"""Rows that are read to say what a file holds; an import reads them all."""


class FileUnreadable(OffhookError):
    """A file that somebody brought can't be read."""

    code = "contact_file_unreadable"


async def look_into(
    path: Path, *, upload: str, name: str, region: str, said: Mapping[str, str] | None = None
) -> FileFound:
    """What a file is, and what would become of its first rows; `said` maps every column."""
    try:
        return await asyncio.to_thread(_look, path, upload, name, region, said)
    except ContactFileError as error:
        raise FileUnreadable(str(error), hint=f"choose another file ({error.code})") from error
    except (OSError, ValueError) as error:
        raise FileUnreadable(str(error), hint="choose the file again") from error


def _look(
    path: Path, upload: str, name: str, region: str, said: Mapping[str, str] | None
) -> FileFound:
    options = FileOptions(default_region=region, batch_rows=LOOKED_AT)
    with path.open("rb") as source:
        shape = inspect(source, options)
        if said is not None:
            mapping = mapping_of(shape.header, said)
            options = options.model_copy(update={"mapping": mapping})
            shape = shape.model_copy(update={"mapping": mapping})
        source.seek(0)
        batch = next(read_contacts(source, options))
    return FileFound(
        upload=upload,
        name=name,
        shape=shape,
        contacts=len(batch.contacts),
        refused=batch.refused,
        looked_at=batch.rows_seen,
        whole=batch.bytes_seen >= batch.bytes_total,
    )
