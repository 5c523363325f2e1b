"""Campaigns: made, changed, and given orders."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response, status
from pydantic import AfterValidator, ConfigDict, Field

from activities.contracts import OrderAnswer, PauseCampaign, ResumeCampaign, StopCampaign
from dialer.model import AgentId, CampaignPhase, CampaignSettings
from offhook.accounts.roles import Permission
from offhook.api.auth import Who, requires
from offhook.api.etags import IfMatch, IfNoneMatch, is_known, set_etag, version_of
from offhook.api.idempotency import IdempotencyKey, Repeatable, request_id_of
from offhook.api.paging import Cursor, Limit, Page, read_moment_cursor, write_cursor
from offhook.api.problems import RESPONSES
from offhook.api.requests import Sent, storable
from offhook.api.seeing import OneCampaign
from offhook.api.services import Back
from offhook.offices.campaigns import Created
from offhook.storage.campaign_views import CampaignRow
from offhook.temporal.campaigns import Started

router = APIRouter(
    prefix="/campaigns", tags=["campaigns"], responses=RESPONSES, route_class=Repeatable
)

CanRead = requires(Permission.campaigns_read)
CanWrite = requires(Permission.campaigns_write)
CanCommand = requires(Permission.campaigns_command)
PRECONDITION: dict[int | str, dict[str, Any]] = {
    412: {"description": "The settings are at another version than `If-Match` says"}
}


class NewCampaign(Sent):
    """A campaign to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "settings": {
                        "name": "Spring",
                        "switch": "pbx",
                        "mode": "predictive",
                        "hours": "mon-fri 09:00-18:00; in Europe/Rome",
                    },
                    "agents": ["201", "202"],
                }
            ]
        }
    )

    settings: CampaignSettings
    """`switch` is an id or a name; what is left out is the default."""
    agents: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=100)], ...], Field(max_length=1_000)
    ] = ()
    """Ids; none are all agents of the switch."""


class StartCampaign(Sent):
    """Which run to start."""

    run_key: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """Names this run: the same key never runs twice. Default: `Idempotency-Key`, or a new one."""


class ClearBody(Sent):
    """What becomes of calls that nobody has answered yet."""

    clear: bool = False
    """Hang them up at once."""


Patch = Annotated[
    dict[str, Any],
    AfterValidator(storable),
    Body(
        description="A merge patch (RFC 7396) of the settings; null puts one back to its default.",
        examples=[{"wrap_up": 20, "pacing": {"target_abandonment": 0.02}}],
    ),
]


@router.get("", dependencies=[CanRead], summary="List campaigns")
async def index(
    who: Who,
    backend: Back,
    phase: Annotated[list[CampaignPhase] | None, Query(description="Only in these.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CampaignRow]:
    """Campaigns, newest first."""
    found = await backend.campaigns.views.page(
        after=read_moment_cursor(cursor),
        limit=limit + 1,
        phases=phase or (),
        only=who.scope.campaigns,
    )
    last = found[limit - 1] if len(found) > limit else None
    more = write_cursor(last.created_at.isoformat(), last.campaign_id) if last else None
    return Page(items=found[:limit], next_cursor=more)


@router.post("", dependencies=[CanWrite], status_code=201, summary="Make a campaign")
async def create(
    body: NewCampaign, backend: Back, idempotency_key: IdempotencyKey = None
) -> Created:
    """Make a campaign; a mode that the switch can't do is refused, with those it can.

    With the same `Idempotency-Key` the campaign is found that was made, unchanged.
    """
    agents = tuple(AgentId(one) for one in body.agents)
    return await backend.campaigns.create(body.settings, agents=agents, request_key=idempotency_key)


@router.get("/{campaign}", dependencies=[CanRead], summary="See a campaign")
async def show(on: OneCampaign) -> CampaignRow:
    """A campaign, by id or name."""
    return on


@router.get(
    "/{campaign}/settings",
    dependencies=[CanRead],
    summary="See a campaign's settings",
    responses={304: {"description": "They are as `If-None-Match` says"}},
)
async def settings(
    on: OneCampaign,
    backend: Back,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> CampaignSettings:
    """The settings in force; their version is the ETag."""
    found = await backend.campaigns.show(on.campaign_id)
    set_etag(response, found.version)
    if is_known(if_none_match, found.version):
        response.status_code = status.HTTP_304_NOT_MODIFIED
    return found.settings


@router.patch(
    "/{campaign}/settings",
    dependencies=[CanWrite],
    summary="Change a campaign's settings",
    responses=PRECONDITION,
)
async def change(
    on: OneCampaign,
    body: Patch,
    backend: Back,
    response: Response,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> CampaignSettings:
    """Change some settings, also while the campaign runs; what isn't named stays."""
    after = await backend.campaigns.patch(
        on.campaign_id,
        body,
        request_id=request_id_of(idempotency_key),
        version=version_of(if_match),
    )
    set_etag(response, after.version)
    return after.settings


@router.post("/{campaign}/start", dependencies=[CanCommand], summary="Start a campaign")
async def start(
    on: OneCampaign,
    backend: Back,
    body: StartCampaign | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Started:
    """Start a run, or find the one that goes on or that has ended with the same key."""
    key = (body.run_key if body is not None else None) or idempotency_key
    return await backend.campaigns.start(on.campaign_id, run_key=key)


@router.post("/{campaign}/pause", dependencies=[CanCommand], summary="Pause a campaign")
async def pause(
    on: OneCampaign,
    backend: Back,
    body: ClearBody | None = None,
    idempotency_key: IdempotencyKey = None,
) -> OrderAnswer:
    """Place no more calls until resumed; talks go on."""
    order = PauseCampaign(
        request_id=request_id_of(idempotency_key), clear=body is not None and body.clear
    )
    return await backend.campaigns.order(on.campaign_id, order)


@router.post("/{campaign}/resume", dependencies=[CanCommand], summary="Resume a campaign")
async def resume(
    on: OneCampaign, backend: Back, idempotency_key: IdempotencyKey = None
) -> OrderAnswer:
    """Place calls again."""
    order = ResumeCampaign(request_id=request_id_of(idempotency_key))
    return await backend.campaigns.order(on.campaign_id, order)


@router.post("/{campaign}/stop", dependencies=[CanCommand], summary="Stop a campaign")
async def stop(
    on: OneCampaign,
    backend: Back,
    body: ClearBody | None = None,
    idempotency_key: IdempotencyKey = None,
) -> OrderAnswer:
    """End the run once its calls have ended; the campaign can be started anew later."""
    order = StopCampaign(
        request_id=request_id_of(idempotency_key), clear=body is not None and body.clear
    )
    return await backend.campaigns.order(on.campaign_id, order)
