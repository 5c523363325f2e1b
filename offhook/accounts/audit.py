"""Who did what: the one way in which routes, pages and commands record it.

    async with audited(log, principal, "campaign.pause", f"campaign/{key}", clock=...) as entry:
        entry.before = old
        entry.after = await pause(...)

What the stores and offices tell of changes (`offhook.change_notes`) is taken too, so that before
and after need not be said here. An entry is written when the block ends, whichever way. A refusal
is recorded with its code and goes on its way. Phone numbers are masked and secrets left out of what
is recorded.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog
from pydantic import BaseModel, TypeAdapter

from offhook.accounts.principal import Principal
from offhook.change_notes import keeping_notes, notes_kept
from offhook.errors import OffhookError
from offhook.logging import mask_numbers
from offhook.storage.account_audit import AuditEntry
from offhook.storage.account_tables import AuditResult

log = structlog.get_logger()

SECRET_WORDS = ("password", "secret", "token", "pin", "api_key", "digest", "csrf")
PERSONAL_WORDS = ("first_name", "last_name", "email", "address", "comment", "description", "note")
"""Fields about customers: the log is kept for ever, and they may ask to be forgotten."""
HIDDEN = "…"
LONGEST_TEXT = 500
MOST_ITEMS = 100
DEEPEST = 6


class Log(Protocol):
    """Where entries go."""

    async def add(self, entry: AuditEntry) -> None:
        """Add one."""
        ...


@dataclass
class Draft:
    """An entry while its command is carried out; whoever carries it out fills it in."""

    action: str
    subject: str = ""
    before: object = None
    after: object = None
    result: AuditResult = AuditResult.done
    code: str = ""


@asynccontextmanager
async def audited(
    to: Log,
    who: Principal,
    action: str,
    subject: str = "",
    *,
    clock: Callable[[], datetime],
    request_id: str = "",
) -> AsyncIterator[Draft]:
    """Record the command that the block carries out, with what the draft says at its end."""
    draft = Draft(action, subject)
    with keeping_notes():
        try:
            yield draft
        except Exception as error:
            blame(draft, error)
            raise
        finally:
            await record(to, who, draft, now=clock(), request_id=request_id)


def blame(draft: Draft, error: Exception) -> None:
    """Say in the draft what went wrong."""
    code = getattr(error, "code", None)
    known = isinstance(error, OffhookError) or isinstance(code, str)
    draft.result = AuditResult.refused if known else AuditResult.failed
    draft.code = str(code) if isinstance(code, str) else "unexpected"


async def record(
    to: Log, who: Principal, draft: Draft, *, now: datetime, request_id: str = ""
) -> None:
    """Write it down; where that fails, the whole entry goes to the log: the command was given.

    Within a request of the API its id is known without being said.
    """
    bound = structlog.contextvars.get_contextvars()
    before, after = _with_notes(draft)
    entry = AuditEntry(
        at=now,
        kind=who.kind,
        actor=who.id,
        actor_name=who.name,
        address=who.address,
        request_id=request_id or str(bound.get("request_id", "")),
        action=draft.action,
        subject=draft.subject[:LONGEST_TEXT],
        result=draft.result,
        code=draft.code,
        before=presentable(before),
        after=presentable(after),
    )
    try:
        await to.add(entry)
    except Exception:
        log.exception("audit_entry_not_stored", entry=entry.model_dump(mode="json"))


def _with_notes(draft: Draft) -> tuple[object, object]:
    """Before and after as the draft says them, else as they were told while it was carried out.

    What the draft says besides of after, such as an answer, is laid over what was told.
    """
    notes = notes_kept()
    if draft.before is not None or not notes:
        return draft.before, draft.after
    before, after = notes.told()
    said = _plain(draft.after)
    if isinstance(said, Mapping):
        return before, {**(after or {}), **said}
    return before, after if said is None else said


def presentable(value: object) -> Any:
    """What may be kept of a value: bounded, numbers masked, secrets and people hidden."""
    return _kept(TypeAdapter(Any).dump_python(_plain(value), mode="json"), 0)


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(inner) for inner in value]
    return value


def _kept(value: object, depth: int) -> object:
    if isinstance(value, str):
        return mask_numbers(value[:LONGEST_TEXT].replace("\0", ""))
    if depth >= DEEPEST and isinstance(value, dict | list):
        return HIDDEN
    if isinstance(value, dict):
        items = list(value.items())[:MOST_ITEMS]
        return {
            _kept(key, depth): HIDDEN if _hidden(key) and inner else _kept(inner, depth + 1)
            for key, inner in items
        }
    if isinstance(value, list):
        return [_kept(inner, depth + 1) for inner in value[:MOST_ITEMS]]
    return value


def _hidden(key: str) -> bool:
    """Whether a field of that name holds a secret, or tells about a customer."""
    name = key.lower()
    if name.startswith("has_"):
        return False
    return name in PERSONAL_WORDS or any(
        name == word or name.endswith((f"_{word}", f"{word}s")) for word in SECRET_WORDS
    )
