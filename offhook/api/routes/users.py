"""Users: who has an account, what each may, links that let them in."""

from typing import Annotated, Self

from fastapi import APIRouter, Request, Response, status
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from offhook.accounts.principal import EVERYTHING, Principal, Scope
from offhook.accounts.roles import ROLES, Permission, Role
from offhook.accounts.service import OneTimeLink
from offhook.api.audit import Entry
from offhook.api.auth import requires
from offhook.api.etags import IfMatch, set_etag, version_of
from offhook.api.paging import Cursor, Limit, Page, read_cursor, write_cursor
from offhook.api.problems import RESPONSES
from offhook.api.refusals import BeyondOneself
from offhook.api.requests import Key, Sent
from offhook.api.services import Services, Svc
from offhook.storage.account_sessions import SessionView
from offhook.storage.account_store import UserChange, UserView

router = APIRouter(prefix="/users", tags=["users"], responses=RESPONSES)

CanSee = requires(Permission.users_read)
Manager = Annotated[Principal, requires(Permission.users_write)]
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
AgentKey = Annotated[str, Field(max_length=150)]
Names = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=150)], ...], Field(max_length=500)
]


class ScopeBody(Sent):
    """Whose campaigns, queues and groups are seen; null is all of them."""

    campaigns: Names | None = None
    queues: Names | None = None
    groups: Names | None = None

    def scope(self) -> Scope:
        """The same, as it is kept."""
        return Scope(campaigns=self.campaigns, queues=self.queues, groups=self.groups)


class UserBody(Sent):
    """A new user, who chooses a password by the link in the answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "login": "rossi",
                    "name": "Anna Rossi",
                    "role": "supervisor",
                    "scope": {"queues": ["support"]},
                }
            ]
        }
    )

    login: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$")]
    role: Role
    name: Name = ""
    scope: ScopeBody | None = None
    agent_id: AgentKey | None = None
    """The agent that they are at the desk."""


class UserChangeBody(Sent):
    """What changes; what is not said stays."""

    name: Name | None = None
    role: Role | None = None
    scope: ScopeBody | None = None
    agent_id: AgentKey | None = None
    """Empty: none any more."""
    disabled: bool | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing is to change")
        return self

    def change(self) -> UserChange:
        """The same, as the store takes it."""
        return UserChange(
            name=self.name,
            role=self.role,
            scope=None if self.scope is None else self.scope.scope(),
            agent_id=self.agent_id,
            disabled=self.disabled,
        )


class LinkView(BaseModel):
    """A link that sets a password, once; it is not shown again."""

    login: str
    url: str
    ends_at: AwareDatetime


class NewUser(BaseModel):
    """A user that was just added, and how they get in."""

    user: UserView
    link: LinkView


class SessionsView(BaseModel):
    """Sessions that count, the newest first."""

    items: list[SessionView]


@router.get("", dependencies=[CanSee], summary="List the users")
async def index(services: Svc, limit: Limit = 50, cursor: Cursor = None) -> Page[UserView]:
    """Users by login."""
    place = read_cursor(cursor, 1)
    found = await services.accounts.users.page(after=place[0] if place else "", limit=limit + 1)
    more = write_cursor(found[limit - 1].login) if len(found) > limit else None
    return Page(items=found[:limit], next_cursor=more)


@router.post("", status_code=status.HTTP_201_CREATED, summary="Add a user")
async def create(
    body: UserBody, request: Request, response: Response, services: Svc, who: Manager, entry: Entry
) -> NewUser:
    """Add a user without a password, and make the link by which they choose one."""
    _require_within(who, body.role)
    now = services.clock()
    user = await services.accounts.add_user(
        body.login,
        body.role,
        now=now,
        name=body.name,
        scope=body.scope.scope() if body.scope else EVERYTHING,
        agent_id=body.agent_id,
    )
    entry.subject, entry.after = f"user/{user.id}", user
    link = await services.accounts.make_link(user.id, now=now)
    set_etag(response, user.version)
    return NewUser(user=user, link=_link(services, request, link))


@router.get("/{user_id}", dependencies=[CanSee], summary="See a user")
async def show(user_id: Key, response: Response, services: Svc) -> UserView:
    """A user, by id or login."""
    user = await services.accounts.users.find(user_id)
    set_etag(response, user.version)
    return user


@router.patch("/{user_id}", summary="Change a user")
async def change(
    user_id: Key,
    body: UserChangeBody,
    response: Response,
    services: Svc,
    who: Manager,
    entry: Entry,
    if_match: IfMatch = None,
) -> UserView:
    """Change name, role, scope or agent; whoever is disabled is logged out at once."""
    await _require_over(services, who, user_id, body.role)
    before, after = await services.accounts.users.change(
        user_id, body.change(), now=services.clock(), version=version_of(if_match)
    )
    entry.subject, entry.before, entry.after = f"user/{after.id}", before, after
    set_etag(response, after.version)
    return after


@router.post("/{user_id}/link", summary="Make a link that sets a password")
async def link(
    user_id: Key, request: Request, services: Svc, who: Manager, entry: Entry
) -> LinkView:
    """A link with which the user sets a password, once; the one before is void."""
    user = await _require_over(services, who, user_id)
    made = await services.accounts.make_link(user.id, now=services.clock())
    entry.subject, entry.after = f"user/{user.id}", {"lasts": str(made.lasts)}
    return _link(services, request, made)


@router.get("/{user_id}/sessions", dependencies=[CanSee], summary="List a user's sessions")
async def sessions(user_id: Key, services: Svc) -> SessionsView:
    """Where the user is logged in."""
    accounts = services.accounts
    user = await accounts.users.find(user_id)
    return SessionsView(
        items=await accounts.sessions.of(user.id, now=services.clock(), idle=accounts.idle)
    )


@router.delete(
    "/{user_id}/sessions",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="End all sessions of a user",
)
async def end_sessions(user_id: Key, services: Svc, who: Manager, entry: Entry) -> None:
    """Log the user out everywhere."""
    user = await _require_over(services, who, user_id)
    entry.subject = f"user/{user.id}"
    entry.after = {"ended": await services.accounts.sessions.end(user.id)}


def _require_within(who: Principal, role: Role) -> None:
    if not ROLES[role] <= who.permissions:
        raise BeyondOneself


async def _require_over(
    services: Services, who: Principal, user_id: str, role: Role | None = None
) -> UserView:
    """The user; raises `BeyondOneself` for one who may, or would come to, do more than `who`."""
    user = await services.accounts.users.find(user_id)
    _require_within(who, user.role)
    if role is not None:
        _require_within(who, role)
    return user


def _link(services: Services, request: Request, made: OneTimeLink) -> LinkView:
    base = services.public_url or str(request.base_url)
    return LinkView(login=made.login, url=made.url(base), ends_at=services.clock() + made.lasts)
