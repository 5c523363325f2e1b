"""How the jobs of a switch are shown to people."""

from datetime import timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from dialer.call_check import DifferenceKind
from offhook.storage.call_check_store import CallCheckView
from offhook.storage.phonebook_store import SyncView

_TOLD = {
    DifferenceKind.missing_there: "ours only",
    DifferenceKind.missing_here: "the switch's only",
    DifferenceKind.twice_there: "twice on the switch",
    DifferenceKind.outcome_differs: "other outcome",
    DifferenceKind.talk_differs: "other talk time",
}


def shown_sync(found: SyncView) -> RenderableType:
    """A synchronisation in one line, and what the PBX said of single contacts."""
    counts = found.counts
    line = (
        f"{counts.sent} of {counts.total} contacts sent to {found.switch} "
        f"in {counts.chunks} requests: {counts.skipped} skipped, {counts.warnings} with a warning, "
        f"{counts.errors} failed"
    )
    if not found.notes:
        return line
    table = Table("contact", "done", "the switch says", title="first notes")
    for note in found.notes[:20]:
        table.add_row(note.contact_id, note.act or "nothing", note.info)
    return Group(line, table)


def shown_check(found: CallCheckView) -> RenderableType:
    """Counts by kind, and the first disagreements."""
    counts = found.counts
    line = (
        f"{found.switch} on {found.day} ({found.zone}): {counts.ours} attempts of ours, "
        f"{counts.theirs} calls of the switch, {counts.matched} matched, "
        f"{counts.differences} disagreements"
    )
    if not counts.differences:
        return line
    table = Table("what", "when", "attempt", "call", "ours", "the switch's")
    for one in found.differences[:50]:
        table.add_row(
            _TOLD[one.kind],
            one.at.isoformat(timespec="seconds") if one.at else "",
            one.attempt_id,
            one.call_id,
            _said(one.ours, one.our_talk),
            _said(one.theirs, one.their_talk),
        )
    kinds = ", ".join(
        f"{told}: {getattr(counts, kind)}" for kind, told in _TOLD.items() if getattr(counts, kind)
    )
    return Group(line, kinds, table)


def shown_nightly(found: dict[str, Any]) -> str:
    """When the next check is due."""
    if found["nightly"] is None:
        before = "no more" if found["changed"] else "as before, not"
        return f"{found['switch']} is {before} checked by night"
    return (
        f"{found['switch']} is checked every day at {found['nightly']} ({found['zone']}), "
        f"next: {found['next_at']}"
    )


def _said(outcome: str, talk: timedelta | None) -> str:
    if talk is None:
        return outcome
    return f"{outcome}, talked {talk.total_seconds():.0f} s"
