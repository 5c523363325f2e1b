"""Imports as people see them: how far each is, and the rows that it refused."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import func, select

from offhook.storage.campaign_records import store_session
from offhook.storage.database import Database
from offhook.storage.tables import ImportState, import_refusals, imports, lists


class ImportRow(BaseModel):
    """One import."""

    model_config = ConfigDict(frozen=True)

    import_id: str
    list_name: str
    state: ImportState
    rows: int
    accepted: int
    refused: int
    duplicates: int
    error: str
    started_at: AwareDatetime
    ended_at: AwareDatetime | None


class RefusedLine(BaseModel):
    """A row that was refused, as it was read."""

    model_config = ConfigDict(frozen=True)

    line: int
    code: str
    reason: str
    raw: tuple[str, ...]


@dataclass(frozen=True)
class ImportReads:
    """Reads imports; a database that is away raises `StoreUnavailable`."""

    database: Database

    async def of_campaign(
        self, campaign: str, *, most: int = 20, after: tuple[datetime, str] | None = None
    ) -> list[ImportRow]:
        """The imports of a campaign, the newest first; `after` is the start and id of one."""
        wanted = (
            select(imports, lists.c.name.label("list_name"))
            .join(lists, lists.c.id == imports.c.list_id)
            .where(imports.c.campaign_id == campaign)
            .order_by(imports.c.started_at.desc(), imports.c.id)
            .limit(most)
        )
        if after is not None:
            started_at, import_id = after
            same = (imports.c.started_at == started_at) & (imports.c.id > import_id)
            wanted = wanted.where((imports.c.started_at < started_at) | same)
        async with store_session(self.database) as session:
            found = await session.execute(wanted)
            return [
                ImportRow.model_validate(dict(row._mapping) | {"import_id": row.id})
                for row in found
            ]

    async def find(self, campaign: str, import_id: str) -> ImportRow | None:
        """One import of a campaign."""
        wanted = (
            select(imports, lists.c.name.label("list_name"))
            .join(lists, lists.c.id == imports.c.list_id)
            .where(imports.c.campaign_id == campaign, imports.c.id == import_id)
        )
        async with store_session(self.database) as session:
            row = (await session.execute(wanted)).one_or_none()
        if row is None:
            return None
        return ImportRow.model_validate(dict(row._mapping) | {"import_id": row.id})

    async def refused(self, import_id: str, *, most: int) -> list[RefusedLine]:
        """The first rows that an import refused, in the order of the file."""
        wanted = (
            select(import_refusals)
            .where(import_refusals.c.import_id == import_id)
            .order_by(import_refusals.c.line)
            .limit(most)
        )
        async with store_session(self.database) as session:
            found = await session.execute(wanted)
            return [RefusedLine.model_validate(dict(row._mapping)) for row in found]

    async def reasons(self, import_id: str) -> dict[str, int]:
        """How many rows an import refused, by the reason's code."""
        code = import_refusals.c.code
        wanted = (
            select(code, func.count())
            .where(import_refusals.c.import_id == import_id)
            .group_by(code)
        )
        async with store_session(self.database) as session:
            return {str(name): number for name, number in await session.execute(wanted)}
