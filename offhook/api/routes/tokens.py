"""Tokens: which programs have access, and to what."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from offhook.accounts.principal import Principal
from offhook.accounts.roles import Permission
from offhook.api.audit import Entry
from offhook.api.auth import requires
from offhook.api.problems import RESPONSES
from offhook.api.refusals import BeyondOneself
from offhook.api.requests import Key, Sent
from offhook.api.services import Svc
from offhook.storage.token_store import NewToken, TokenView

router = APIRouter(prefix="/tokens", tags=["tokens"], responses=RESPONSES)

Manager = Annotated[Principal, requires(Permission.tokens_write)]


class TokenBody(Sent):
    """A new token."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "crm", "scopes": ["callbacks:read"], "days": 90}]}
    )

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$")]
    scopes: Annotated[tuple[Permission, ...], Field(min_length=1, max_length=100)]
    days: Annotated[int, Field(ge=1, le=3_650)] = 365
    """How long it counts."""


class TokenList(BaseModel):
    """Tokens, the newest first."""

    items: list[TokenView]


@router.get("", dependencies=[requires(Permission.tokens_read)], summary="List the tokens")
async def index(services: Svc) -> TokenList:
    """Every token that was ever made, and when it was last used; never the token itself."""
    return TokenList(items=await services.tokens.all())


@router.post("", status_code=status.HTTP_201_CREATED, summary="Make a token")
async def create(body: TokenBody, services: Svc, who: Manager, entry: Entry) -> NewToken:
    """Make a token, which only this answer shows; it may no more than whoever makes it."""
    if not frozenset(body.scopes) <= who.permissions:
        raise BeyondOneself
    made = await services.tokens.create(
        body.name,
        body.scopes,
        now=services.clock(),
        lasts=timedelta(days=body.days),
        created_by=who.name,
    )
    entry.subject, entry.after = f"token/{made.view.id}", made.view
    return made


@router.delete("/{token_id}", summary="End a token")
async def revoke(token_id: Key, services: Svc, who: Manager, entry: Entry) -> TokenView:
    """End a token, by id or name: its next request is refused."""
    gone = await services.tokens.revoke(token_id, now=services.clock())
    entry.subject = f"token/{gone.id}"
    return gone
