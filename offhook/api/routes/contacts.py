"""Contacts: found by number, key or name, and everything that was done."""

import re
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, TypeAdapter

from dialer.model import ContactId
from dialer.numbers import InvalidNumber, parse_number
from offhook.accounts.roles import Permission
from offhook.accounts.scoping import require_seen
from offhook.api.agent_seeing import story_as_seen
from offhook.api.auth import Who, requires
from offhook.api.paging import Cursor, Limit, Page, read_cursor, write_cursor
from offhook.api.problems import RESPONSES, BadCursor
from offhook.api.requests import RegionName
from offhook.api.routes.campaign_reports import Why
from offhook.api.seeing import seen
from offhook.api.services import Back
from offhook.storage.contact_search import ContactSearch, FoundContact
from offhook.storage.contacts import ContactHistory, Contacts
from offhook.storage.errors import ContactNotFound

router = APIRouter(prefix="/contacts", tags=["contacts"], responses=RESPONSES)

CanRead = requires(Permission.contacts_read)
CONTACT_ID = r"^[1-9][0-9]{0,17}$"
One = Annotated[str, Path(pattern=CONTACT_ID, examples=["17"])]
_HISTORY = TypeAdapter(ContactHistory)


class ContactStory(BaseModel):
    """A contact with everything that was, and was not, done."""

    model_config = ConfigDict(extra="allow")

    contact_id: str
    campaign_id: str
    external_id: str
    name: str
    state: str
    finished_reason: str
    due_at: str
    priority: int
    owner: str | None
    held: str
    """What keeps the contact out of the queue; empty for nothing."""
    ahead: int
    """Contacts that are due and come before this one."""
    numbers: list[dict[str, Any]]
    attempts: list[dict[str, Any]]
    refusals: list[dict[str, Any]]
    """Calls that were not placed, by reason."""


@router.get("", dependencies=[CanRead], summary="Find contacts")
async def index(
    who: Who,
    backend: Back,
    key: Annotated[
        str,
        Query(
            max_length=100,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            description="A number, your own key, an id, or part of a name; empty: the newest.",
            examples=["+390612345678"],
        ),
    ] = "",
    campaign: Annotated[str | None, Query(max_length=150, pattern=r"^[^\x00-\x1f\x7f/]+$")] = None,
    region: Annotated[RegionName, Query(description="Country of national numbers.")] = "IT",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[FoundContact]:
    """The first way that finds somebody: by number, key, id, then name; the newest first."""
    before = _behind(cursor)
    campaigns = who.scope.campaigns
    if campaign is not None:
        campaigns = ((await seen(campaign, backend, who)).campaign_id,)
    number = ""
    with suppress(InvalidNumber):
        number = parse_number(key, region, allow_premium=True)
    found = await ContactSearch(backend.database).find(
        key.strip(),
        number=number,
        campaigns=campaigns,
        most=limit + 1,
        before=before,
    )
    more = write_cursor(found[limit - 1].contact_id) if len(found) > limit else None
    return Page(items=found[:limit], next_cursor=more)


@router.get("/{contact}", dependencies=[CanRead], summary="See a contact")
async def show(contact: One, who: Who, backend: Back) -> ContactStory:
    """Who it is, every attempt, every call that was not placed."""
    story = await _story(contact, who, backend)
    told = _HISTORY.dump_python(story, mode="json")
    return ContactStory.model_validate(await story_as_seen(backend.database, who, told))


@router.get("/{contact}/why", dependencies=[CanRead], summary="Why it is dialed, or not")
async def why(contact: One, who: Who, backend: Back) -> Why:
    """A verdict in words, with the facts that it was made from."""
    story = await _story(contact, who, backend)
    told = await backend.why.contact(story.campaign_id, contact, now=backend.clock())
    return Why.model_validate(await story_as_seen(backend.database, who, told))


def _behind(cursor: str | None) -> str | None:
    place = read_cursor(cursor, 1)
    if place is not None and not re.fullmatch(CONTACT_ID, place[0]):
        raise BadCursor
    return place[0] if place else None


async def _story(contact: str, who: Who, backend: Back) -> ContactHistory:
    found = await Contacts(backend.database).history(ContactId(contact), now=backend.clock())
    require_seen(who, ContactNotFound(contact), campaign=found.campaign_id)
    return found
