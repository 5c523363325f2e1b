"""Agents: who works where, what they chose, and what they can do."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from dialer.model import AgentStatus, CampaignId
from dialer.windows import CallingHours
from offhook.accounts.principal import Principal
from offhook.accounts.roles import Permission
from offhook.api.agent_seeing import agent_as_seen, is_of_groups, profile_as_seen
from offhook.api.auth import Who, requires
from offhook.api.idempotency import Repeatable
from offhook.api.paging import Cursor, Limit, Page, read_cursor, write_cursor
from offhook.api.problems import RESPONSES
from offhook.api.refusals import OutOfScope
from offhook.api.requests import Sent
from offhook.api.seeing import OneCampaign, seen
from offhook.api.services import Back
from offhook.offices.not_ready import check_reason
from offhook.storage.agent_profiles import AgentProfiles, Profile
from offhook.storage.agent_store import AgentRow, AgentStore, PreviewRow
from offhook.storage.errors import AgentNotFound

router = APIRouter(tags=["agents"], responses=RESPONSES, route_class=Repeatable)

CanRead = requires(Permission.agents_read)
CanWrite = requires(Permission.agents_write)
Named = Annotated[
    str,
    Path(
        pattern=r"^[^\x00-\x1f\x7f/]{1,150}$",
        description="Id, address, extension or name.",
        examples=["201"],
    ),
]
Filter = Annotated[str, Query(max_length=150, pattern=r"^[^\x00-\x1f\x7f]*$")]
Skill = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f=]+$")]


def _hours(text: str) -> str:
    if text:
        CallingHours.model_validate(text)
    return text


class StatusBody(Sent):
    """What an agent chooses."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": "not_ready", "status_reason": "lunch"}]}
    )

    status: AgentStatus
    status_reason: Annotated[str, Field(max_length=40, pattern="^[a-z0-9_]*$")] = ""
    """Why, with `not_ready` only: one of `GET /not-ready-reasons`, or nothing."""


class ReasonsView(BaseModel):
    """What an agent who is not ready may say."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": ["break", "lunch"]}]})

    items: tuple[str, ...]
    """In the order in which they are offered."""


class ProfileBody(Sent):
    """What an agent can do; what is not said stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"skills": {"router": 8, "billing": 0}, "languages": ["it"], "groups": {"a": 0}}
            ]
        }
    )

    skills: dict[Skill, Annotated[int, Field(ge=0, le=10)]] | None = None
    """Levels; 0 takes a skill away."""
    groups: dict[Skill, Annotated[int, Field(ge=0, le=100)] | None] | None = None
    """Penalties, the lower is asked first; null leaves a group."""
    languages: (
        Annotated[tuple[Annotated[str, Field(pattern="^[a-z]{2,3}$")], ...], Field(max_length=20)]
        | None
    ) = None
    hours: Annotated[str, Field(max_length=200), AfterValidator(_hours)] | None = None
    """Working hours, such as `mon-fri 09:00-18:00`; empty is always."""


class MembersBody(Sent):
    """Who is to work for a campaign too, and who is to leave it."""

    add: Annotated[tuple[Annotated[str, Field(max_length=150)], ...], Field(max_length=500)] = ()
    remove: Annotated[tuple[Annotated[str, Field(max_length=150)], ...], Field(max_length=500)] = ()


class PreviewBody(Sent):
    """What an agent says to a contact on offer."""

    answer: Literal["accept", "skip"]


@router.get("/agents", dependencies=[CanRead], summary="List agents")
async def index(
    who: Who,
    backend: Back,
    switch: Filter = "",
    status: Annotated[AgentStatus | None, Query(description="Only who chose it.")] = None,
    status_reason: Annotated[Filter, Query(description="Only who is not ready for it.")] = "",
    campaign: Annotated[Filter, Query(description="Only who is in it: its id or name.")] = "",
    group: Annotated[Filter, Query(description="Only who takes its calls.")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AgentRow]:
    """Agents by id, with what they chose and why, which campaigns they are in, and what they do."""
    place = read_cursor(cursor, 1)
    inside = (await seen(campaign, backend, who)).campaign_id if campaign else ""
    rest = sorted(
        (
            row
            for one in await (await _store(backend)).all(switch=switch)
            if (row := agent_as_seen(who, one)) is not None
            and (place is None or row.agent_id > place[0])
            and status in {None, row.status}
            and status_reason in {"", row.status_reason}
            and (not inside or inside in row.campaigns)
            and (not group or group in row.groups)
        ),
        key=lambda row: row.agent_id,
    )
    more = write_cursor(rest[limit - 1].agent_id) if len(rest) > limit else None
    return Page(items=rest[:limit], next_cursor=more)


@router.get("/not-ready-reasons", dependencies=[CanRead], summary="Why one may be not ready")
async def reasons(backend: Back) -> ReasonsView:
    """What an agent who is not ready may say: the setting `OFFHOOK_DESK__NOT_READY_REASONS`."""
    return ReasonsView(items=backend.settings.desk.reasons)


@router.get("/agents/{agent}", dependencies=[CanRead], summary="See an agent")
async def show(agent: Named, who: Who, backend: Back) -> AgentRow:
    """One agent."""
    return await _seen(agent, who, backend)


@router.put("/agents/{agent}/status", dependencies=[CanWrite], summary="Set an agent's status")
async def status(agent: Named, body: StatusBody, who: Who, backend: Back) -> AgentRow:
    """Available, not_ready (and why) or logged_off; a talk goes on to its end."""
    row = await _seen(agent, who, backend)
    store = await _store(backend)
    check_reason(body.status, body.status_reason, backend.settings.desk.reasons)
    await store.set_status(row, body.status, reason=body.status_reason, now=backend.clock())
    return await _seen(row.agent_id, who, backend)


@router.get("/agents/{agent}/profile", dependencies=[CanRead], summary="What an agent can do")
async def profile(agent: Named, who: Who, backend: Back) -> Profile:
    """Skills, groups, languages, working hours."""
    row = await _seen(agent, who, backend)
    profiles = AgentProfiles(await backend.pool())
    return profile_as_seen(who, await profiles.change(row.agent_id, now=backend.clock()))


@router.patch(
    "/agents/{agent}/profile", dependencies=[CanWrite], summary="Say what an agent can do"
)
async def set_profile(agent: Named, body: ProfileBody, who: Who, backend: Back) -> Profile:
    """Skills and groups are merged into those there are; languages and hours replaced."""
    row = await _seen(agent, who, backend)
    if who.scope.groups is not None and not set(body.groups or ()) <= set(who.scope.groups):
        raise OutOfScope
    profiles, now = AgentProfiles(await backend.pool()), backend.clock()
    changed = await profiles.change(
        row.agent_id,
        skills=body.skills,
        groups=body.groups,
        languages=body.languages,
        hours=body.hours,
        now=now,
    )
    return profile_as_seen(who, changed)


@router.get("/agents/{agent}/preview", dependencies=[CanRead], summary="What is on offer")
async def preview(agent: Named, who: Who, backend: Back) -> PreviewRow:
    """The contact that an agent reads, in preview mode."""
    row = await _seen(agent, who, backend)
    return await (await _store(backend)).on_offer(row)


@router.post("/agents/{agent}/preview", dependencies=[CanWrite], summary="Answer an offer")
async def answer(agent: Named, body: PreviewBody, who: Who, backend: Back) -> PreviewRow:
    """Have the contact on offer dialed, or skip it."""
    row = await _seen(agent, who, backend)
    store = await _store(backend)
    return await store.answer(row, dial=body.answer == "accept", now=backend.clock())


@router.get(
    "/campaigns/{campaign}/agents", dependencies=[CanRead], summary="List a campaign's agents"
)
async def members(on: OneCampaign, who: Who, backend: Back) -> Page[AgentRow]:
    """Who may work for it, all on one page."""
    return await _members(on.campaign_id, who, backend)


@router.patch(
    "/campaigns/{campaign}/agents", dependencies=[CanWrite], summary="Change a campaign's agents"
)
async def change_members(
    on: OneCampaign, body: MembersBody, who: Who, backend: Back
) -> Page[AgentRow]:
    """Also while it runs; who talks finishes before he leaves."""
    store, here = await _store(backend), CampaignId(on.campaign_id)
    named = {name: await store.find(name) for name in (*body.add, *body.remove)}
    for name, row in named.items():
        if not is_of_groups(who, row):
            raise AgentNotFound(name)
    for name in body.add:
        await store.add(named[name], campaign=here, now=backend.clock())
    for name in body.remove:
        await store.remove(named[name], campaign=here)
    return await _members(on.campaign_id, who, backend)


async def _members(campaign: str, who: Principal, backend: Back) -> Page[AgentRow]:
    rows = await (await _store(backend)).members(CampaignId(campaign))
    return Page(items=[one for row in rows if (one := agent_as_seen(who, row)) is not None])


async def _store(backend: Back) -> AgentStore:
    return AgentStore(await backend.pool())


async def _seen(agent: str, who: Principal, backend: Back) -> AgentRow:
    row = agent_as_seen(who, await (await _store(backend)).find(agent))
    if row is None:
        raise AgentNotFound(agent)
    return row
