"""The do-not-call lists."""

import asyncio
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dialer.rejections import CampaignUnknown
from offhook.accounts.principal import Principal
from offhook.accounts.roles import Permission
from offhook.api.auth import Who, requires
from offhook.api.idempotency import Repeatable
from offhook.api.paging import Cursor, Limit, Page, read_cursor, write_cursor
from offhook.api.problems import RESPONSES
from offhook.api.requests import LAST, RegionName, Sent
from offhook.api.seeing import seen
from offhook.api.services import Back
from offhook.offices.do_not_call import (
    BadDoNotCallEntry,
    RegisterFile,
    as_listed,
    listed_number,
    listed_prefix,
)
from offhook.storage.compliance_store import DoNotCall, Entry

router = APIRouter(prefix="/dnc", tags=["do not call"], responses=RESPONSES, route_class=Repeatable)

CanRead = requires(Permission.dnc_read)
CanWrite = requires(Permission.dnc_write)
Region = Annotated[RegionName, Query(description="Country of national numbers.")]
OfCampaign = Annotated[
    str,
    Query(
        max_length=150,
        pattern=r"^[^\x00-\x1f\x7f/]*$",
        description="Id or name of the one campaign it is for; empty is all.",
    ),
]
Number = Annotated[
    str, Field(min_length=2, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["+39055"])
]
CSV = "text/csv"


class Addition(Sent):
    """Numbers that may not be called."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"numbers": ["+393471234567"], "source": "asked by phone"}]}
    )

    numbers: Annotated[tuple[Number, ...], Field(min_length=1, max_length=1_000)]
    prefix: bool = False
    """All that begins so."""
    campaign: Annotated[str, Field(max_length=150)] = ""
    """Id or name of the one campaign it is for; empty is all."""
    region: RegionName = "IT"
    source: Annotated[str, Field(max_length=200)] = "api"
    expires_at: Annotated[AwareDatetime, Field(le=LAST)] | None = None


class Removal(Sent):
    """A number, or a prefix as it is listed."""

    number: Number
    campaign: Annotated[str, Field(max_length=150)] = ""
    region: RegionName = "IT"


class Changed(BaseModel):
    """What a change did."""

    entries: int
    version: int
    """The state of the lists: it grows with every change."""
    told: int = 0
    """Contacts at hand that are dropped."""
    refused: int = 0
    refused_lines: list[dict[str, Any]] = []


class Checked(BaseModel):
    """Whether a number may not be called."""

    listed: bool
    entries: list[Entry]
    version: int


@router.get("", dependencies=[CanRead], summary="List entries")
async def index(
    who: Who,
    backend: Back,
    campaign: Annotated[str | None, Query(max_length=150, pattern=r"^[^\x00-\x1f\x7f/]*$")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Entry]:
    """Entries in order of number; those of a campaign, or with an empty one those of all."""
    place = read_cursor(cursor, 1)
    scope = await _read_scope(campaign, who, backend)
    found = await (await _lists(backend)).entries(
        scope=scope, after=place[0] if place else "", limit=limit + 1
    )
    more = write_cursor(found[limit - 1].number) if len(found) > limit else None
    return Page(items=found[:limit], next_cursor=more)


@router.post("", dependencies=[CanWrite], status_code=201, summary="Add numbers")
async def add(body: Addition, who: Who, backend: Back) -> Changed:
    """Calls to them stop at once, in running campaigns too; an entry never gets shorter."""
    listed = [
        listed_prefix(one) if body.prefix else listed_number(one, body.region)
        for one in body.numbers
    ]
    done = await (await _lists(backend)).add(
        listed,
        now=backend.clock(),
        scope=await _scope(body.campaign, who, backend),
        source=body.source,
        is_prefix=body.prefix,
        expires_at=body.expires_at,
    )
    return Changed(**done._asdict())


@router.post("/remove", dependencies=[CanWrite], summary="Take a number off")
async def remove(body: Removal, who: Who, backend: Back) -> Changed:
    """Take a number or prefix off the list."""
    lists, now = await _lists(backend), backend.clock()
    scope = await _scope(body.campaign, who, backend)
    for text in as_listed(body.number, body.region):
        if await lists.remove(text, scope=scope, now=now):
            return Changed(entries=1, version=await lists.version(now))
    raise BadDoNotCallEntry(body.number, "it is not on that list")


@router.get("/check", dependencies=[CanRead], summary="Check a number")
async def check(
    who: Who,
    backend: Back,
    number: Annotated[
        str, Query(max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["+393471234567"])
    ],
    region: Region = "IT",
) -> Checked:
    """Whether it may not be called, by which entries, and until when."""
    lists, now = await _lists(backend), backend.clock()
    every = await lists.check(listed_number(number, region))
    found = [one for one in every if not one.scope or who.scope.has(campaign=one.scope)]
    counts = [one for one in found if one.expires_at is None or one.expires_at > now]
    return Checked(listed=bool(counts), entries=found, version=await lists.version(now))


@router.post(
    "/imports",
    dependencies=[CanWrite],
    summary="Add a register",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {CSV: {"schema": {"type": "string"}, "example": "number\r\n+390612345678"}},
        }
    },
)
async def import_file(
    request: Request,
    who: Who,
    backend: Back,
    source: Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")],
    campaign: OfCampaign = "",
    region: Region = "IT",
    days: Annotated[float | None, Query(gt=0, le=36_500)] = None,
) -> Changed:
    """Add every number of a file: its column `number` or `phone`, else the first; 50 MB at most."""
    scope = await _scope(campaign, who, backend)
    now = backend.clock()
    with tempfile.TemporaryDirectory(prefix="offhook-upload-") as folder:
        path = Path(folder) / "register.csv"
        with await asyncio.to_thread(path.open, "wb") as kept:
            async for chunk in request.stream():
                await asyncio.to_thread(kept.write, chunk)
        file = RegisterFile(path, region)
        done = await (await _lists(backend)).import_(
            file, now=now, scope=scope, source=source, expires_at=_expiry(days, now)
        )
    return Changed(**done._asdict(), refused=file.bad, refused_lines=file.refused)


def _expiry(days: float | None, now: datetime) -> datetime | None:
    return None if days is None else now + timedelta(days=days)


async def _lists(backend: Back) -> DoNotCall:
    return DoNotCall(await backend.pool())


async def _scope(campaign: str, who: Principal, backend: Back) -> str:
    """The campaign that a change is for; one for all is for those who see all."""
    if campaign:
        return (await seen(campaign, backend, who)).campaign_id
    if who.scope.campaigns is not None:
        raise CampaignUnknown("all")
    return ""


async def _read_scope(campaign: str | None, who: Principal, backend: Back) -> str | None:
    if campaign:
        return (await seen(campaign, backend, who)).campaign_id
    return "" if campaign == "" or who.scope.campaigns is not None else None
