"""Contact files on the worker's own file system."""

from pathlib import Path
from typing import BinaryIO, TextIO

from activities.contracts import ImportSource
from activities.errors import NotConfigured


class LocalContactFiles:
    """Implements `activities.imports.ContactBlobs` for files that the worker can see."""

    def read(self, source: ImportSource, ref: str) -> BinaryIO:
        """Open a contact file."""
        if source is not ImportSource.path:
            raise NotConfigured(
                "uploaded files have no store here; put the file where the worker sees it",
                code="no_blob_store",
            )
        try:
            return Path(ref).open("rb")
        except OSError as error:
            raise NotConfigured(
                f"the worker can't read {ref}: {error.strerror}", code="contact_file_unreadable"
            ) from error

    def write(self, path: str) -> TextIO:
        """Open a file for refused rows, readable by its owner only: it holds people's data."""
        try:
            target = Path(path)
            target.touch(mode=0o600)
            return target.open("w", newline="", encoding="utf-8")
        except OSError as error:
            raise NotConfigured(
                f"refused rows can't be written to {path}: {error.strerror}",
                code="refused_file_unwritable",
            ) from error
