"""Webhooks: other programs that are told what happens."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from offhook.accounts.principal import Principal
from offhook.accounts.roles import Permission
from offhook.api.auth import Who, requires
from offhook.api.idempotency import IdempotencyKey
from offhook.api.paging import Cursor, Limit, Page, read_cursor, write_cursor
from offhook.api.problems import RESPONSES, BadCursor
from offhook.api.refusals import OutOfScope
from offhook.api.requests import FIRST, LAST, Key, Sent
from offhook.api.seeing import seen
from offhook.api.services import Back
from offhook.offices.webhooks import NewWebhook, Replayed
from offhook.storage.webhook_store import DeliveryView, TryView, WebhookNotFound, WebhookView
from offhook.storage.webhook_tables import DeliveryState
from offhook.webhooks.service import sender_for

router = APIRouter(prefix="/webhooks", tags=["webhooks"], responses=RESPONSES)

CanRead = requires(Permission.webhooks_read)
CanWrite = requires(Permission.webhooks_write)
KindName = Annotated[str, Field(max_length=60, pattern=r"^[a-z_.]+$", examples=["call.ended"])]
Delivery = Annotated[int, Path(ge=1, le=2**63 - 1)]
Instant = Annotated[AwareDatetime, Field(ge=FIRST, le=LAST)]


class WebhookBody(Sent):
    """An address, and what it is told."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "crm",
                    "url": "https://crm.example.com/offhook",
                    "kinds": ["call.ended", "callback"],
                    "campaigns": ["Spring"],
                }
            ]
        }
    )

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/]+$")]
    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    kinds: Annotated[tuple[KindName, ...], Field(max_length=50)] = ()
    """Whole kinds, or what they begin with; none are all."""
    campaigns: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=150)], ...], Field(max_length=50)
    ] = ()
    """Ids or names; none are all, and everything else besides."""


class ReplayBody(Sent):
    """What to send again: one event, or what happened in a time."""

    event_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    since: Instant | None = None
    """A day ago."""
    until: Instant | None = None
    """Now."""


@router.get("", dependencies=[CanRead], summary="List webhooks")
async def index(
    who: Who, backend: Back, limit: Limit = 50, cursor: Cursor = None
) -> Page[WebhookView]:
    """Webhooks by name, and whether they fail; never their secrets."""
    place = read_cursor(cursor, 1)
    # In the order of the cursor, which the database's may not be.
    every = sorted(await (await backend.webhooks()).store.all(), key=lambda one: one.name)
    rest = [one for one in every if _visible(who, one) and (place is None or one.name > place[0])]
    more = write_cursor(rest[limit - 1].name) if len(rest) > limit else None
    return Page(items=rest[:limit], next_cursor=more)


@router.post("", dependencies=[CanWrite], status_code=201, summary="Add a webhook")
async def add(body: WebhookBody, who: Who, backend: Back) -> NewWebhook:
    """Tell an address of what happens from now on; its secret is shown this once."""
    if who.scope.queues is not None or who.scope.groups is not None:
        raise OutOfScope
    campaigns = [(await seen(one, backend, who)).campaign_id for one in body.campaigns]
    if not campaigns and who.scope.campaigns is not None:
        campaigns = list(who.scope.campaigns)
    return await (await backend.webhooks()).add(
        body.name, body.url, kinds=body.kinds, campaigns=campaigns, now=backend.clock()
    )


@router.get("/{webhook}", dependencies=[CanRead], summary="See a webhook")
async def show(webhook: Key, who: Who, backend: Back) -> WebhookView:
    """A webhook by id or name."""
    return await _seen(webhook, who, backend)


@router.delete("/{webhook}", dependencies=[CanWrite], status_code=204, summary="Remove a webhook")
async def remove(webhook: Key, who: Who, backend: Back) -> Response:
    """Tell it nothing more, and forget its deliveries."""
    view = await _seen(webhook, who, backend)
    await (await backend.webhooks()).remove(view.id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/{webhook}/test", dependencies=[CanWrite], summary="Send a message now")
async def test(webhook: Key, who: Who, backend: Back) -> DeliveryView:
    """Send `webhook.test` to it and say what it answered; a failure is tried again as any."""
    view = await _seen(webhook, who, backend)
    office = await backend.webhooks()
    async with sender_for(backend.settings) as sender:
        return await office.test(view.id, sender, now=backend.clock())


@router.post("/{webhook}/rotate", dependencies=[CanWrite], summary="Replace the secret")
async def rotate(webhook: Key, who: Who, backend: Back) -> NewWebhook:
    """Sign with a new secret, shown this once, and with the old one besides until the next time."""
    view = await _seen(webhook, who, backend)
    return await (await backend.webhooks()).rotate(view.id)


@router.post("/{webhook}/enable", dependencies=[CanWrite], summary="Enable a webhook")
async def enable(webhook: Key, who: Who, backend: Back) -> WebhookView:
    """Send to it again after it was disabled; what happened meanwhile waits for a replay."""
    view = await _seen(webhook, who, backend)
    return await (await backend.webhooks()).enable(view.id)


@router.post("/{webhook}/replay", dependencies=[CanWrite], summary="Send again")
async def replay(
    webhook: Key,
    who: Who,
    backend: Back,
    body: ReplayBody | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Replayed:
    """Send one event again, or what happened in a time; ids stay, so receivers can tell."""
    view = await _seen(webhook, who, backend)
    wanted = body or ReplayBody()
    return await (await backend.webhooks()).replay(
        view.id,
        since=wanted.since,
        until=wanted.until,
        event=wanted.event_id,
        order=idempotency_key,
        now=backend.clock(),
    )


@router.get("/{webhook}/deliveries", dependencies=[CanRead], summary="List deliveries")
async def deliveries(
    webhook: Key,
    who: Who,
    backend: Back,
    state: Annotated[DeliveryState | None, Query(description="Only in this state.")] = None,
    kind: Annotated[
        str | None, Query(max_length=60, pattern=r"^[a-z_.]+$", description="Only of this kind.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeliveryView]:
    """What was sent to it, the newest first, with the last answer to each."""
    view = await _seen(webhook, who, backend)
    found = await (await backend.webhooks()).store.deliveries(
        view.id, before=_before(cursor), limit=limit + 1, state=state, kind=kind
    )
    more = write_cursor(str(found[limit - 1].id)) if len(found) > limit else None
    return Page(items=found[:limit], next_cursor=more)


@router.get("/{webhook}/deliveries/{delivery}/tries", dependencies=[CanRead], summary="List tries")
async def tries(webhook: Key, delivery: Delivery, who: Who, backend: Back) -> Page[TryView]:
    """Every request of a delivery, and what came of it; all on one page."""
    view = await _seen(webhook, who, backend)
    return Page(items=await (await backend.webhooks()).store.tries(view.id, delivery))


async def _seen(webhook: str, who: Principal, backend: Back) -> WebhookView:
    view = await (await backend.webhooks()).store.find(webhook)
    if not _visible(who, view):
        raise WebhookNotFound(webhook)
    return view


def _visible(who: Principal, view: WebhookView) -> bool:
    """Whether all that it is told is of what somebody may see.

    Facts aren't told apart by queue or group on their way there: who sees only some sees none.
    """
    scope = who.scope
    if scope.queues is not None or scope.groups is not None:
        return False
    theirs = scope.campaigns
    return theirs is None or (bool(view.campaigns) and set(view.campaigns) <= set(theirs))


def _before(cursor: str | None) -> int | None:
    place = read_cursor(cursor, 1)
    if place is None:
        return None
    text = place[0]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadCursor
    return int(text)
