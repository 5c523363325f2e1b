"""Lists of a campaign, how they are dialed, and its quotas."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import ConfigDict, Field

from dialer.lists import ListOrder
from dialer.model import CampaignId
from offhook.accounts.roles import Permission
from offhook.api.auth import requires
from offhook.api.idempotency import Repeatable
from offhook.api.paging import Page
from offhook.api.problems import RESPONSES
from offhook.api.requests import Sent
from offhook.api.seeing import OneCampaign
from offhook.api.services import Back
from offhook.storage.list_store import ListChange, ListRow, ListStore, QuotaRow

router = APIRouter(
    prefix="/campaigns/{campaign}", tags=["lists"], responses=RESPONSES, route_class=Repeatable
)

CanRead = requires(Permission.campaigns_read)
CanWrite = requires(Permission.campaigns_write)
Name = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f/]{1,100}$", examples=["newsletter"])]
ListName = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f/]{1,100}$", examples=["newsletter"])]
Filter = Annotated[str, Field(max_length=2_000, examples=['region == "North" and age > 40'])]


class NewList(Sent):
    """A list to be made."""

    name: ListName


class ListPatch(Sent):
    """How a list is dialed; what is not said stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"order": "newest", "weight": 3, "active": True}]}
    )

    weight: Annotated[int, Field(ge=1, le=1_000)] | None = None
    """Share among the lists that are mixed."""
    priority: Annotated[int, Field(ge=-100, le=100)] | None = None
    """Lists of a higher one are emptied first."""
    order: ListOrder | None = None
    attribute: Annotated[str, Field(max_length=200)] | None = None
    """What the order `attribute` sorts by."""
    filter: Filter | None = None
    """Who is dialed; an empty text takes the filter away."""
    active: bool | None = None
    owners: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Attribute that names each contact's agent by id, extension or name."""


class ResetList(Sent):
    """Whom to begin with anew."""

    everybody: bool = False
    """Also those who were spoken to."""


class ResetDone(Sent):
    """How many contacts are ready again."""

    contacts: int


class QuotaBody(Sent):
    """How many of a kind are enough."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"disposition": "sold", "most": 200, "filter": 'region == "North"'}]
        }
    )

    disposition: Annotated[str, Field(min_length=1, max_length=100)]
    most: Annotated[int, Field(ge=0, le=2**31 - 1)]
    filter: Filter = ""


@router.get("/lists", dependencies=[CanRead], summary="List a campaign's lists")
async def index(on: OneCampaign, backend: Back) -> Page[ListRow]:
    """How each is dialed, and how its contacts stand; all on one page."""
    return Page(items=await (await _store(backend)).all(CampaignId(on.campaign_id)))


@router.post("/lists", dependencies=[CanWrite], status_code=201, summary="Make a list")
async def create(on: OneCampaign, body: NewList, backend: Back) -> ListRow:
    """Make an empty list in the campaign."""
    store = await _store(backend)
    return await store.create(CampaignId(on.campaign_id), body.name, now=backend.clock())


@router.get("/lists/{name}", dependencies=[CanRead], summary="See a list")
async def show(on: OneCampaign, name: Name, backend: Back) -> ListRow:
    """One list by its name."""
    return await (await _store(backend)).find(CampaignId(on.campaign_id), name)


@router.patch("/lists/{name}", dependencies=[CanWrite], summary="Say how a list is dialed")
async def change(on: OneCampaign, name: Name, body: ListPatch, backend: Back) -> ListRow:
    """Change it, also while it is dialed."""
    store, campaign = await _store(backend), CampaignId(on.campaign_id)
    if body.owners is not None:
        await store.own(campaign, name, attribute=body.owners, now=backend.clock())
    asked = ListChange.model_validate(body.model_dump(exclude={"owners"}))
    return await store.change(campaign, name, asked, now=backend.clock())


@router.post("/lists/{name}/reset", dependencies=[CanWrite], summary="Dial a list anew")
async def reset(
    on: OneCampaign, name: Name, backend: Back, body: ResetList | None = None
) -> ResetDone:
    """Its contacts are as if they had never been called; removed ones stay so."""
    everybody = body is not None and body.everybody
    count = await (await _store(backend)).reset(
        CampaignId(on.campaign_id), name, everybody=everybody, now=backend.clock()
    )
    return ResetDone(contacts=count)


@router.get("/quotas", dependencies=[CanRead], summary="List a campaign's quotas")
async def quotas(on: OneCampaign, backend: Back) -> Page[QuotaRow]:
    """Each with how far it is; all on one page."""
    return Page(items=await (await _store(backend)).quotas(CampaignId(on.campaign_id)))


@router.put("/quotas/{name}", dependencies=[CanWrite], summary="Make or change a quota")
async def set_quota(on: OneCampaign, name: Name, body: QuotaBody, backend: Back) -> QuotaRow:
    """Whom a full quota is about is not dialed any more."""
    store, campaign = await _store(backend), CampaignId(on.campaign_id)
    await store.set_quota(
        campaign,
        name,
        disposition=body.disposition,
        most=body.most,
        filter_text=body.filter,
        now=backend.clock(),
    )
    return next(one for one in await store.quotas(campaign) if one.name == name)


@router.delete(
    "/quotas/{name}", dependencies=[CanWrite], status_code=204, summary="Take a quota away"
)
async def remove_quota(on: OneCampaign, name: Name, backend: Back) -> Response:
    """Whom it kept out is dialed again."""
    store = await _store(backend)
    await store.remove_quota(CampaignId(on.campaign_id), name, now=backend.clock())
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _store(backend: Back) -> ListStore:
    return ListStore(await backend.pool())
