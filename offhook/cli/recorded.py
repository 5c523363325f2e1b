"""Commands in the audit log: what was asked, by which account of the machine, and how it ended.

Every command that is not known to only look is recorded, so that none is forgotten; with what was
before and after, as the stores and offices tell it (`offhook.change_notes`). Commands about
accounts record themselves.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from offhook.change_notes import keeping_notes

LOOKING: Mapping[str, frozenset[str]] = {
    "campaign": frozenset({"show", "lists", "why", "status", "report", "list"}),
    "audit": frozenset({"replay", "log"}),
    "recording": frozenset({"list"}),
    "list": frozenset({"show"}),
    "agent": frozenset({"list"}),
    "callback": frozenset({"lists", "show", "stats"}),
    "ivr": frozenset(
        {"list", "sessions", "check", "show", "try", "test", "schema", "queue", "caller"}
    ),
    "pin": frozenset({"list", "audit"}),
    "schedule": frozenset({"list", "show", "next"}),
    "inbound": frozenset({"list"}),
    "switch": frozenset({"list", "show", "check"}),
    "webhook": frozenset({"list", "deliveries"}),
    "dnc": frozenset({"list", "check"}),
    "db": frozenset({"status"}),
    "keys": frozenset({"list"}),
}
"""Commands that change nothing, by group."""
NO_COMMANDS = frozenset(
    {"up", "doctor", "demo", "worker", "links", "api", "bench", "simulator", "pbx", "pacing"}
    | {"compliance", "prompt", "user", "token"}
)
"""Groups that run something, compute something, or record themselves."""
_LOGIN_IN_URL = re.compile(r"//[^/@\s]+@")


def record_commands(name: str, command: TyperCommand | TyperGroup) -> None:
    """Have whatever changes something under this command recorded."""
    if name not in NO_COMMANDS:
        _wrap((name,), command)


def _wrap(words: tuple[str, ...], command: TyperCommand | TyperGroup) -> None:
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            if isinstance(inner, TyperCommand | TyperGroup):
                _wrap((*words, name), inner)
        return
    if words[-1] not in LOOKING.get(words[0], frozenset()) and command.callback is not None:
        command.callback = _recorded(words, command.callback)


def _recorded(words: tuple[str, ...], work: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(work)
    def run(**asked: Any) -> Any:
        with keeping_notes():
            return _run(words, work, asked)

    return run


def _run(words: tuple[str, ...], work: Callable[..., Any], asked: Mapping[str, Any]) -> Any:
    try:
        result = work(**asked)
    except (typer.BadParameter, typer.Abort):
        raise
    except typer.Exit as ended:
        if ended.exit_code == 0:
            _note(words, asked, None)
        raise
    except Exception as error:
        _note(words, asked, error)
        raise
    _note(words, asked, None)
    return result


def _note(words: tuple[str, ...], asked: Mapping[str, Any], error: Exception | None) -> None:
    """Write the entry, unless nothing can have been done: a trial, or no database to do it in."""
    from activities.ports import StoreUnavailable
    from offhook.errors import SettingsError, StackError

    unreachable = (SettingsError, StackError, StoreUnavailable, OSError)
    if not asked.get("dry_run") and not isinstance(error, unreachable):
        asyncio.run(_write(words, asked, error))


async def _write(words: tuple[str, ...], asked: Mapping[str, Any], error: Exception | None) -> None:
    # Imported here: most commands need none of it, and all of them would wait for it.
    from datetime import UTC, datetime

    from offhook.accounts.audit import Draft, blame, record
    from offhook.accounts.operator import operator
    from offhook.errors import OffhookError
    from offhook.home import database_url
    from offhook.logging import mask_numbers
    from offhook.settings import load_settings
    from offhook.storage.account_audit import AuditLog
    from offhook.storage.database import Database

    first = next((value for value in asked.values() if isinstance(value, str) and value), "")
    subject = mask_numbers(first)
    draft = Draft(f"{words[0]}.{'-'.join(words[1:])}", f"{words[0]}/{subject}" if subject else "")
    draft.after = {"asked": {name: _said(value) for name, value in asked.items() if value}}
    if error is not None:
        blame(draft, error)
    try:
        url = database_url(load_settings())
    except OffhookError:
        return  # a command that works without a database, in a place that has none
    async with Database.open(url, pool_size=1, application="offhook-cli") as database:
        await record(AuditLog(database), operator(), draft, now=datetime.now(UTC))


def _said(value: object) -> object:
    """An argument as it may be kept: a file by its name, a URL without a login in it."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set):
        return [_said(inner) for inner in value]
    return _LOGIN_IN_URL.sub("//", str(value))
