"""The audit log in the database: added to, read, never changed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Select, select

from offhook.accounts.principal import Kind
from offhook.storage.account_tables import AuditResult, audit_log
from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database

PAGE = 500


class AuditEntry(BaseModel):
    """One command that somebody gave."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    kind: Kind
    actor: str
    """Id of the user or token, account of the operator."""
    actor_name: str = ""
    address: str = ""
    """From where: an address, or the name of a machine."""
    request_id: str = ""
    action: str
    """What, in two words with a point between: `campaign.pause`."""
    subject: str = ""
    """To which: `campaign/cmp-1`."""
    result: AuditResult
    code: str = ""
    """Why it was refused."""
    before: Any = None
    after: Any = None


class AuditRow(AuditEntry):
    """An entry with its place in the log."""

    id: int


class AuditFilter(BaseModel):
    """Which entries; what is not said is not asked about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    actor: str | None = None
    """Id or name."""
    kind: Kind | None = None
    action: str | None = None
    """`campaign.pause`, or `campaign.` for all about campaigns."""
    subject: str | None = None
    """`campaign/cmp-1`, or `campaign/` for all of them."""
    result: AuditResult | None = None


@dataclass(frozen=True)
class AuditLog:
    """The log of one database."""

    database: Database

    async def add(self, entry: AuditEntry) -> None:
        """Add one."""
        async with store_session(self.database) as session:
            await session.execute(audit_log.insert().values(**entry.model_dump(mode="python")))

    async def page(
        self, wanted: AuditFilter, *, before: int | None = None, limit: int
    ) -> list[AuditRow]:
        """So many entries, the newest first, that are older than the one with that id."""
        query = _filtered(wanted).order_by(audit_log.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit_log.c.id < before)
        async with store_session(self.database) as session:
            return [_row(row) for row in await session.execute(query)]

    async def every(self, wanted: AuditFilter) -> AsyncIterator[AuditRow]:
        """All of them, the newest first, a page at a time."""
        last: int | None = None
        while True:
            found = await self.page(wanted, before=last, limit=PAGE)
            for row in found:
                yield row
            if len(found) < PAGE:
                return
            last = found[-1].id


def _filtered(wanted: AuditFilter) -> Select[Any]:
    query = select(audit_log)
    for rule in _rules(wanted):
        query = query.where(rule)
    return query


def _rules(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    rules: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        rules.append(audit_log.c.at >= wanted.since)
    if wanted.until is not None:
        rules.append(audit_log.c.at < wanted.until)
    if wanted.actor is not None:
        rules.append((audit_log.c.actor == wanted.actor) | (audit_log.c.actor_name == wanted.actor))
    for column in ("kind", "result"):
        if (value := getattr(wanted, column)) is not None:
            rules.append(audit_log.c[column] == value)
    for column, mark in (("action", "."), ("subject", "/")):
        text = getattr(wanted, column)
        if text is not None:
            found = audit_log.c[column]
            starts = found.startswith(text, autoescape=True)
            rules.append(starts if text.endswith(mark) else found == text)
    return rules


def _row(row: Any) -> AuditRow:
    return AuditRow.model_validate(dict(row._mapping))
