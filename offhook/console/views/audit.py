"""Who did what."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offhook.console.kit.markup import el
from offhook.console.kit.parts import (
    Row,
    badge,
    button,
    choice,
    empty,
    field,
    form,
    page_head,
    section,
    submit,
    table,
)
from offhook.console.kit.words import instant, plain
from offhook.storage.account_audit import AuditFilter, AuditRow
from offhook.storage.account_tables import AuditResult

_TONES = {AuditResult.done: "good", AuditResult.refused: "warn", AuditResult.failed: "bad"}


@dataclass(frozen=True, slots=True)
class Log:
    """A part of the log."""

    wanted: AuditFilter
    rows: Sequence[AuditRow]
    more: bool


def audit_page(log: Log) -> Markup:
    """The filter, and what it leaves."""
    wanted = log.wanted
    results = {"": "whatever came of it", **{str(one): plain(one) for one in AuditResult}}
    return el(
        "div",
        page_head("Audit", note="Every command, with who gave it, from where, and what changed."),
        section(
            "Find",
            form(
                "find",
                field("Who", "actor", value=wanted.actor or "", note="A login, or a token's name"),
                field("What", "action", value=wanted.action or "", note="Such as campaign.pause"),
                field("To which", "subject", value=wanted.subject or "", note="campaign/spring"),
                choice("Result", "result", results, value=wanted.result or ""),
                submit("Find"),
                class_="form across five",
            ),
        ),
        _rows(log),
        class_="stack",
    )


def _rows(log: Log) -> Markup:
    if not log.rows:
        return empty(
            "Nothing was found",
            "The log begins with the first command. Take away a part of what you look for.",
        )
    rows = [
        Row(
            key=str(one.id),
            cells=(
                instant(one.at),
                one.actor_name or one.actor,
                one.action,
                one.subject or "–",
                badge(plain(one.code or one.result), _TONES[one.result]),
                one.address or "–",
                changes(one),
            ),
        )
        for one in log.rows
    ]
    columns = ("When", "Who", "What", "To which", "Result", "From", "Changed")
    older = button("Older", "older", of=str(log.rows[-1].id)) if log.more else None
    return section("Commands, newest first", table("Audit", columns, rows), older)


def changes(row: AuditRow) -> Markup:
    """What was before, and what after; where both are settings, only what differs."""
    before, after = row.before, row.after
    if isinstance(before, dict) and isinstance(after, dict):
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        before = {name: before.get(name) for name in names}
        after = {name: after.get(name) for name in names}
    if before in (None, {}) and after in (None, {}):
        return el("span", "–")
    told = [
        f"{word}: {json.dumps(value, ensure_ascii=False, default=str, indent=1)}"
        for word, value in (("before", before), ("after", after))
        if value not in (None, {})
    ]
    return el("details", el("summary", "show"), el("pre", "\n".join(told)[:4_000]))
