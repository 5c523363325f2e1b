"""Calls: every attempt, in progress and ended."""

from typing import Annotated

from fastapi import APIRouter, Query

from dialer.numbers import parse_number
from dialer.outcomes import Outcome
from offhook.accounts.roles import Permission
from offhook.accounts.scoping import require_seen
from offhook.api.auth import Who, requires
from offhook.api.paging import Cursor, Limit, Page, read_moment_cursor, write_cursor
from offhook.api.problems import RESPONSES
from offhook.api.requests import Key, Since, Until
from offhook.api.seeing import seen
from offhook.api.services import Back
from offhook.storage.call_reads import Asked, AttemptNotFound, AttemptRow, CallReads

router = APIRouter(prefix="/calls", tags=["calls"], responses=RESPONSES)

CanRead = requires(Permission.calls_read)
Text = Annotated[str | None, Query(max_length=150, pattern=r"^[^\x00-\x1f\x7f/]+$")]


@router.get("", dependencies=[CanRead], summary="Find calls")
async def index(
    who: Who,
    backend: Back,
    campaign: Text = None,
    contact: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    number: Annotated[
        str | None, Query(max_length=40, description="With its country code.")
    ] = None,
    agent: Text = None,
    outcome: Annotated[list[Outcome] | None, Query(description="Only these.")] = None,
    live: Annotated[
        bool | None, Query(description="Only those in progress, or only ended ones.")
    ] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AttemptRow]:
    """Attempts, the newest first; `from` and `to` are of when each was opened."""
    campaigns = who.scope.campaigns
    if campaign is not None:
        campaigns = ((await seen(campaign, backend, who)).campaign_id,)
    asked = Asked(
        campaigns=campaigns,
        groups=who.scope.groups,
        contact=contact,
        number=None if number is None else parse_number(number, "IT", allow_premium=True),
        agent=agent,
        outcomes=outcome or (),
        live=live,
        since=since,
        until=until,
    )
    found = await CallReads(backend.database).page(
        asked, after=read_moment_cursor(cursor), limit=limit + 1
    )
    last = found[limit - 1] if len(found) > limit else None
    more = write_cursor(last.opened_at.isoformat(), last.attempt_id) if last else None
    return Page(items=found[:limit], next_cursor=more)


@router.get("/{attempt}", dependencies=[CanRead], summary="See a call")
async def show(attempt: Key, who: Who, backend: Back) -> AttemptRow:
    """One attempt by its id."""
    found = await CallReads(backend.database).find(attempt, groups=who.scope.groups)
    require_seen(who, AttemptNotFound(attempt), campaign=found.campaign_id)
    return found
