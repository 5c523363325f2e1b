"""Callback lists: what they are, what is on them, and how it went."""

import re
import secrets
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field, model_validator

from dialer.appointments import Period
from dialer.callbacks import CallbackId, CallbackListId, CallbackPhase, CallbackRules
from dialer.contacts_csv import FileOptions
from dialer.model import AgentId, CampaignId
from offhook.accounts.scoping import require_seen
from offhook.api.auth import CanRead, CanWrite, Who
from offhook.api.callback_seeing import InScope
from offhook.api.idempotency import IdempotencyKey, Repeatable
from offhook.api.paging import Cursor, Limit, Page, read_cursor, read_moment_cursor, write_cursor
from offhook.api.problems import RESPONSES
from offhook.api.refusals import OutOfScope
from offhook.api.requests import Day, Key, Sent, Since, Until, Zone
from offhook.api.services import Svc
from offhook.callback_export import ticket_lines
from offhook.callback_import import CallbackImport, CallbackImportResult, column_choices
from offhook.callbacks import Booked, CallbackOffice, NewCallback
from offhook.change_notes import note_change
from offhook.storage.callback_lists import (
    CallbackListView,
    CallbackRow,
    CallbackStats,
    TicketRow,
)

router = APIRouter(
    prefix="/callback-lists",
    tags=["callback lists"],
    responses=RESPONSES,
    route_class=Repeatable,
    dependencies=[InScope],
)

YEAR = timedelta(days=365)
MONTH = timedelta(days=30)
CSV = "text/csv"
Mapping = Annotated[
    tuple[Annotated[str, Field(max_length=200)], ...],
    Query(
        alias="map",
        max_length=50,
        description="`OURS=COLUMN`: what a column holds whose name does not tell it.",
        examples=["due=Richiamare"],
    ),
]
Bounded = Annotated[timedelta, Field(gt=timedelta(0), le=YEAR)]


class Periods(Sent):
    """Preferred periods of a list; one is the default, the first if none says so."""

    periods: Annotated[tuple[Period, ...], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        for names in ([p.period_id for p in self.periods], [p.name for p in self.periods]):
            if len(set(names)) < len(names):
                raise ValueError("two periods have the same id or name")
        if sum(period.default for period in self.periods) > 1:
            raise ValueError("more than one period is the default")
        return self

    def settled(self) -> tuple[Period, ...]:
        """The periods, one of them the default."""
        if any(period.default for period in self.periods):
            return self.periods
        return (self.periods[0].model_copy(update={"default": True}), *self.periods[1:])


class ListBody(Periods):
    """A new list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Support",
                    "periods": [
                        {"period_id": "am", "name": "morning", "start": "09:00", "end": "12:00"}
                    ],
                }
            ]
        }
    )

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$")]
    queue: Annotated[str, Field(max_length=100)] = ""
    campaign_id: Annotated[str, Field(max_length=150)] | None = None
    """Whose law and caller id apply."""
    switch_id: Annotated[str, Field(max_length=150)] | None = None
    """What places its calls."""


class RulesBody(Sent):
    """Rules of a list; what is not said stays."""

    lease: Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(hours=12))] = timedelta(
        minutes=30
    )
    escalate_after: Bounded | None = None
    """Null is never."""
    expire_after: Bounded | None = None
    """Null is never."""
    again_after: Annotated[int, Field(ge=0, le=365)] = 1


class ListChange(Sent):
    """What changes for promises booked from now on."""

    rules: RulesBody | None = None
    periods: Periods | None = None


class BookBody(Sent):
    """A promise to call back."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "numbers": ["+390612345678"],
                    "last_name": "Rossi",
                    "description": "wants an offer",
                    "period": "morning",
                }
            ]
        }
    )

    numbers: Annotated[
        tuple[Annotated[str, Field(max_length=60)], ...], Field(min_length=1, max_length=5)
    ]
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "IT"
    first_name: Annotated[str, Field(max_length=200)] = ""
    last_name: Annotated[str, Field(max_length=200)] = ""
    company: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=2_000)] = ""
    due_on: Day | None = None
    period: Annotated[str, Field(max_length=100)] = ""
    zone: Zone = ""
    owner: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    queue: Annotated[str, Field(max_length=100)] = ""
    campaign_id: Annotated[str, Field(min_length=1, max_length=150)] | None = None


@router.get("", dependencies=[CanRead], summary="Name the callback lists")
async def index(
    services: Svc, who: Who, limit: Limit = 50, cursor: Cursor = None
) -> Page[CallbackListView]:
    """Lists by name, with how much is on each."""
    every = await services.lists.all(now=services.clock())
    views = [one for one in every if who.scope.has(campaign=one.campaign_id, queue=one.queue)]
    place = read_cursor(cursor, 1)
    rest = [view for view in views if place is None or view.name > place[0]]
    found = sorted(rest, key=lambda view: view.name)[:limit]
    more = write_cursor(found[-1].name) if len(rest) > limit else None
    return Page(items=found, next_cursor=more)


@router.post("", dependencies=[CanWrite], status_code=201, summary="Add a callback list")
async def create(body: ListBody, services: Svc, who: Who) -> CallbackListView:
    """Add a list; its id is made of its name."""
    require_seen(who, OutOfScope(), campaign=body.campaign_id, queue=body.queue)
    now = services.clock()
    slug = re.sub(r"[^a-z0-9]+", "-", body.name.casefold()).strip("-")
    list_id = CallbackListId(slug or f"list-{secrets.token_hex(4)}")
    view = CallbackListView(
        list_id=list_id,
        name=body.name,
        queue=body.queue,
        campaign_id=body.campaign_id,
        switch_id=body.switch_id,
        external_id="",
        rules=CallbackRules(),
        periods=body.settled(),
    )
    await services.lists.create(view, now=now)
    return await services.lists.find(list_id, now=now)


@router.get("/{list_id}", dependencies=[CanRead], summary="See a callback list")
async def show(list_id: Key, services: Svc) -> CallbackListView:
    """A list by id or name."""
    return await services.lists.find(list_id, now=services.clock())


@router.patch("/{list_id}", dependencies=[CanWrite], summary="Change rules or periods")
async def change(list_id: Key, body: ListChange, services: Svc) -> CallbackListView:
    """Promises made before keep the rules and the period that they were made with."""
    on = await services.lists.find(list_id, now=services.clock())
    if body.rules is not None:
        rules = on.rules.model_copy(update=body.rules.model_dump(exclude_unset=True))
        await services.lists.set_rules(on.list_id, rules)
    if body.periods is not None:
        await services.lists.set_periods(on.list_id, body.periods.settled())
    after = await services.lists.find(on.list_id, now=services.clock())
    note_change(f"callback-list/{on.list_id}", on, after)
    return after


@router.delete(
    "/{list_id}", dependencies=[CanWrite], status_code=204, summary="Delete a callback list"
)
async def delete(list_id: Key, services: Svc) -> Response:
    """Delete it with everything on it; whoever keeps a promise of it is told."""
    office = CallbackOffice(services.database, await services.desk())
    await office.delete_list(list_id, now=services.clock())
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.get("/{list_id}/callbacks", dependencies=[CanRead], summary="List what is on a list")
async def rows(
    list_id: Key,
    services: Svc,
    phase: Annotated[list[CallbackPhase] | None, Query(description="Only these.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CallbackRow]:
    """Callbacks, the longest due first."""
    on = await services.lists.find(list_id, now=services.clock())
    place = read_cursor(cursor, 1)
    found = await services.lists.rows(
        on.list_id,
        phases=phase or (),
        after=CallbackId(place[0]) if place else None,
        limit=limit + 1,
    )
    more = write_cursor(found[limit - 1].callback_id) if len(found) > limit else None
    return Page(items=found[:limit], next_cursor=more)


@router.post(
    "/{list_id}/callbacks",
    dependencies=[CanWrite],
    status_code=201,
    summary="Book a callback",
    responses={200: {"model": Booked, "description": "It had been booked with the same key"}},
)
async def book(
    list_id: Key,
    body: BookBody,
    services: Svc,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Booked:
    """Book a promise; with the same `Idempotency-Key` it is found, not doubled."""
    new = NewCallback(
        **body.model_dump(exclude={"owner", "campaign_id"}),
        owner=AgentId(body.owner) if body.owner else None,
        campaign_id=CampaignId(body.campaign_id) if body.campaign_id else None,
        source_key=idempotency_key or "",
    )
    booked = await (await services.office()).book(list_id, new, now=services.clock())
    if not booked.new:
        response.status_code = status.HTTP_200_OK
    return booked


@router.post(
    "/{list_id}/imports",
    dependencies=[CanWrite],
    summary="Book the callbacks of a CSV file",
    response_model=CallbackImportResult,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                CSV: {
                    "schema": {"type": "string"},
                    "example": "number,name,due\r\n+390612345678,Rossi,2026-12-01\r\n",
                }
            },
        }
    },
)
async def import_file(
    list_id: Key,
    request: Request,
    services: Svc,
    dry_run: bool = False,
    region: Annotated[str, Query(pattern="^[A-Z]{2}$")] = "IT",
    zone: Annotated[Zone, Query()] = "UTC",
    encoding: Literal["utf-8", "utf-16", "cp1252", "iso-8859-1"] | None = None,
    month_first: bool = False,
    map_: Mapping = (),
) -> CallbackImportResult | Response:
    """Book every row that makes sense, once, however often the file is sent; 50 MB at most.

    With `Accept: text/csv` the answer is the rows that were refused, each with its reason, to mend
    and send again; the header `Offhook-Import` has the counts.
    """
    columns, extra = column_choices(map_)
    options = FileOptions(
        default_region=region,
        encoding=encoding,
        zone=zone or "UTC",
        day_first=not month_first,
        columns=columns,
    )
    wants_rows = CSV in request.headers.get("accept", "")
    with tempfile.TemporaryDirectory(prefix="offhook-upload-") as folder:
        path, refused = Path(folder) / "upload.csv", Path(folder) / "refused.csv"
        with path.open("wb") as file:
            async for chunk in request.stream():
                file.write(chunk)
        result = await CallbackImport(services.database, options, extra).run(
            list_id,
            path,
            now=services.clock(),
            refused_path=refused if wants_rows else None,
            dry_run=dry_run,
        )
        result = result.model_copy(update={"refused_path": ""})
        if not wants_rows:
            return result
        rows = refused.read_bytes() if result.refused else b""
    return Response(rows, media_type=CSV, headers={"offhook-import": result.model_dump_json()})


@router.get("/{list_id}/stats", dependencies=[CanRead], summary="How promises were kept")
async def stats(
    list_id: Key, services: Svc, since: Since = None, until: Until = None
) -> CallbackStats:
    """Figures of the promises that were booked in a time."""
    now = services.clock()
    on = await services.lists.find(list_id, now=now)
    start, end = _span(since, until, now)
    return await services.lists.stats(on.list_id, since=start, until=end, now=now)


@router.get(
    "/{list_id}/tickets",
    dependencies=[CanRead],
    summary="Tickets opened in a time",
    response_model=Page[TicketRow],
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
async def tickets(
    list_id: Key,
    request: Request,
    services: Svc,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TicketRow] | StreamingResponse:
    """A page of tickets; with `Accept: text/csv` all of them as a file."""
    now = services.clock()
    on = await services.lists.find(list_id, now=now)
    start, end = _span(since, until, now)
    if CSV in request.headers.get("accept", ""):
        every = services.lists.tickets(on.list_id, since=start, until=end)
        return StreamingResponse(ticket_lines(every), media_type=CSV)
    page = services.lists.tickets(
        on.list_id, since=start, until=end, after=read_moment_cursor(cursor), limit=limit + 1
    )
    found = [ticket async for ticket in page]
    last = found[limit - 1] if len(found) > limit else None
    more = write_cursor(last.opened_at.isoformat(), last.ticket_id) if last else None
    return Page(items=found[:limit], next_cursor=more)


def _span(
    since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    return since or now - MONTH, until or now + timedelta(days=1)
