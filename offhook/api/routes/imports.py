"""Contact files: brought, followed, and what was refused of them."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import Field
from starlette.datastructures import UploadFile

from dialer.contacts_csv.export import escape
from offhook.accounts.roles import Permission
from offhook.api.auth import requires
from offhook.api.idempotency import Repeatable
from offhook.api.paging import Cursor, Limit, Page, read_moment_cursor, write_cursor
from offhook.api.problems import RESPONSES, ApiError
from offhook.api.requests import Zone
from offhook.api.seeing import OneCampaign
from offhook.api.services import Back
from offhook.callback_import import BadColumnMapping, column_choices
from offhook.offices.campaigns import Reading
from offhook.offices.imports import CHUNK, ImportBegun, ImportOffice, ImportView
from offhook.storage.import_reads import ImportReads, ImportRow

router = APIRouter(
    prefix="/campaigns/{campaign}/imports",
    tags=["imports"],
    responses=RESPONSES,
    route_class=Repeatable,
)

CanImport = requires(Permission.imports_write)
ImportId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
Mapping = Annotated[
    tuple[Annotated[str, Field(max_length=200)], ...],
    Query(
        alias="map",
        max_length=50,
        description="`OURS=COLUMN`: what a column holds whose name does not tell it: number, name, "
        "external_id, priority, zone, due, language or ignore.",
        examples=["number=Tel. 1"],
    ),
]
CSV, FORM = "text/csv", "multipart/form-data"
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
MOST_REFUSED = 100_000


class NoFile(ApiError):
    """The form has no file."""

    code = "file_missing"

    def __init__(self) -> None:
        super().__init__(
            "the form has no file", hint="send it as `file`, or the file itself as text/csv"
        )


@router.post(
    "",
    dependencies=[CanImport],
    status_code=202,
    summary="Import a contact file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {"file": {"type": "string", "format": "binary"}},
                    }
                },
                CSV: {
                    "schema": {"type": "string"},
                    "example": "name,number\r\nRossi,+390612345678\r\n",
                },
            },
        }
    },
)
async def import_file(
    on: OneCampaign,
    request: Request,
    backend: Back,
    list_name: Annotated[
        str, Query(alias="list", max_length=100, pattern=r"^[^\x00-\x1f\x7f/]*$")
    ] = "",
    dry_run: bool = False,
    zone: Annotated[Zone, Query(description="Zone of due dates that say none.")] = "UTC",
    encoding: Literal["utf-8", "utf-16", "cp1252", "iso-8859-1"] | None = None,
    delimiter: Literal["comma", "semicolon", "tab", "bar"] | None = None,
    month_first: bool = False,
    map_: Mapping = (),
) -> ImportBegun:
    """Bring contacts into the campaign, or into the list that is named; 50 MB at most.

    The file is a form's `file` or the whole body, and is written to disk as it comes. Who is in the
    list already is left alone. With `dry_run` everything is checked and counted, nothing stored.
    """
    columns, extra = column_choices(map_)
    if extra:
        raise BadColumnMapping(next(iter(extra)), ("number", "name", "external_id", "due"))
    reading = Reading(
        columns=columns,
        encoding=encoding,
        delimiter=DELIMITERS[delimiter] if delimiter else None,
        day_first=not month_first,
        zone=zone or "UTC",
        dry_run=dry_run,
        list_name=list_name,
    )
    return await _office(backend).begin(on.campaign_id, _chunks(request), reading)


@router.get("", dependencies=[CanImport], summary="List a campaign's imports")
async def index(
    on: OneCampaign, backend: Back, limit: Limit = 50, cursor: Cursor = None
) -> Page[ImportRow]:
    """The newest first."""
    found = await ImportReads(backend.database).of_campaign(
        on.campaign_id, most=limit + 1, after=read_moment_cursor(cursor)
    )
    last = found[limit - 1] if len(found) > limit else None
    more = write_cursor(last.started_at.isoformat(), last.import_id) if last else None
    return Page(items=found[:limit], next_cursor=more)


@router.get("/{import_id}", dependencies=[CanImport], summary="Follow an import")
async def show(on: OneCampaign, import_id: ImportId, backend: Back) -> ImportView:
    """How far it is, or what came of it, with the reasons of refusals."""
    return await _office(backend).view(on.campaign_id, import_id)


@router.get(
    "/{import_id}/refused",
    dependencies=[CanImport],
    summary="Rows that were refused",
    response_class=PlainTextResponse,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
async def refused(on: OneCampaign, import_id: ImportId, backend: Back) -> StreamingResponse:
    """A file of them, each with its reason, that no spreadsheet runs; mend it and send it again."""
    reads = ImportReads(backend.database)
    await _office(backend).view(on.campaign_id, import_id)
    rows = await reads.refused(import_id, most=MOST_REFUSED)

    async def lines() -> AsyncIterator[str]:
        yield _line(["line", "code", "reason"])
        for row in rows:
            yield _line([str(row.line), row.code, escape(row.reason), *map(escape, row.raw)])

    return StreamingResponse(lines(), media_type=CSV)


def _office(backend: Back) -> ImportOffice:
    return ImportOffice(backend.campaigns, backend.uploads)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    if not request.headers.get("content-type", "").startswith(FORM):
        async for chunk in request.stream():
            yield chunk
        return
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise NoFile
        while piece := await file.read(CHUNK):
            yield piece


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
