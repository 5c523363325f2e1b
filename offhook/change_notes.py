"""What a command changed: told by whatever writes, kept by whoever records the command.

    note_change(f"agent/{key}", {"status": old}, {"status": new})

A store or an office tells of each change, whoever asked for it. Where a command is being recorded
(a request of the API, a command line, an act in the console: `keeping_notes`), the audit log has it
as before and after; everywhere else, as in workers, telling costs nothing and does nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

MOST = 100
"""Things that the notes of one command tell about."""


@dataclass
class ChangeNotes:
    """What one command changed, by what each thing is called; the first before, the last after."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def add(self, subject: str, before: object, after: object) -> None:
        """Keep the fields that differ; None is something that was not there, or is there no more.

        Nothing is kept where nothing differs.
        """
        old, new = _fields(before), _fields(after)
        if old == new or (subject not in self.before and len(self.before) >= MOST):
            return
        if old is not None and new is not None:
            old, new = changes(old, new)
        self.before[subject] = _over(old, self.before.get(subject), known=subject in self.before)
        self.after[subject] = _over(self.after.get(subject), new, known=True)

    def told(self) -> tuple[Any, Any]:
        """Before and after: of the one thing that changed, or of each by what it is called."""
        if len(self.before) == 1:
            return next(iter(self.before.values())), next(iter(self.after.values()))
        return self.before, self.after

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.before)


_NOTES: ContextVar[ChangeNotes | None] = ContextVar("change_notes", default=None)


@contextmanager
def keeping_notes() -> Iterator[ChangeNotes]:
    """Keep what is told during the block, in it and in tasks that it starts."""
    outer = _NOTES.get()
    notes = ChangeNotes()
    _NOTES.set(notes)
    try:
        yield notes
    finally:
        _NOTES.set(outer)


def notes_kept() -> ChangeNotes | None:
    """The notes of the command that is being recorded here, if one is."""
    return _NOTES.get()


def note_change(subject: str, before: object, after: object) -> None:
    """Tell of a change; `before` and `after` are models, mappings or None."""
    notes = _NOTES.get()
    if notes is not None:
        notes.add(subject, before, after)


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only the fields that differ, as they were and as they are."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return (
        {name: before.get(name) for name in names},
        {name: after.get(name) for name in names},
    )


def _fields(value: object) -> dict[str, Any] | None:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return dict(value) if isinstance(value, Mapping) else None


def _over(lower: Any, upper: Any, *, known: bool) -> Any:
    """`upper` laid over `lower`; without an `upper` known, `lower`, and beside None, `upper`."""
    if not known:
        return lower
    if upper is None or lower is None:
        return upper
    return {**lower, **upper}
