"""What is wrong with a tree, where, why, and how to mend it.

The same form serves what can't be read and what can be read but shouldn't be used, so an author
has one kind of line to look at, and an editor one kind of object to mark.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Severity(StrEnum):
    """An error must be mended before callers meet the tree; a warning is worth a look."""

    error = "error"
    warning = "warning"


class Problem(BaseModel):
    """One finding; lines and columns count from 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    severity: Severity = Severity.error
    file: str
    line: int
    column: int
    where: str
    """The path of the place inside the file, such as `nodes.welcome.keys`."""
    why: str
    mend: str

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}:{self.column}: {self.severity}: "
            f"{self.why} [{self.code}]; {self.mend}"
        )


class TreeInvalid(ValueError):
    """A tree file that can't be read as a tree; `problems` has every place."""

    code: ClassVar[str] = "ivr_tree_invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
