"""What happens, as it happens: server-sent events that can be gone on with where they broke off.

An event's id is a position in the feed, not of one campaign: it names how far each journal had been
read that moves, and how far what is noted. Only the last event of what one look found carries it,
so going on repeats at most those of one look; each event's own `id` in its data tells them apart.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from activities.ports import StoreUnavailable
from offhook.accounts.principal import Principal
from offhook.accounts.roles import Permission
from offhook.api.auth import Who, requires
from offhook.api.problems import RESPONSES
from offhook.api.seeing import seen
from offhook.api.services import Back
from offhook.feed.facts import Fact, FactKind
from offhook.feed.live import Listener, ListenerTooSlow, LiveFeed, Wanted
from offhook.feed.reader import Position

router = APIRouter(prefix="/stream", tags=["stream"], responses=RESPONSES)

EVENTS = "text/event-stream"
BEAT = timedelta(seconds=15)
MOST_S = 600
"""A stream ends after so many seconds, and browsers come back by themselves: whoever lost the
right to listen hears no more then.
"""
RETRY = timedelta(seconds=2)
"""When a browser is to come back after the stream has ended."""
_NEEDS = {
    "call": Permission.calls_read,
    "agent": Permission.agents_read,
    "pacing": Permission.campaigns_read,
    "campaign": Permission.campaigns_read,
    "callback": Permission.callbacks_read,
    "webhook": Permission.webhooks_read,
}
_GROUPS = frozenset(kind.partition(".")[0] for kind in FactKind)
KINDS = "|".join(sorted({*FactKind, *_GROUPS})).replace(".", r"\.")


@router.get(
    "",
    dependencies=[requires(Permission.floor_read)],
    summary="Follow what happens",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events until whoever asked goes away",
            "content": {
                EVENTS: {
                    "schema": {"type": "string"},
                    "example": "id: WzE3...\nevent: call.ended\n"
                    'data: {"id":"c1.0.3.1200.0","kind":"call.ended","at":"2026-03-02T09:00:00Z",'
                    '"campaign_id":"c1","data":{"attempt_id":"c1-3-17","outcome":"answered"}}\n\n',
                }
            },
        },
        410: {"description": "The position is too old to go on from"},
    },
)
async def follow(
    who: Who,
    backend: Back,
    campaign: Annotated[
        list[Annotated[str, Query(pattern=r"^[^\x00-\x1f\x7f/]{1,150}$")]] | None,
        Query(description="Only these campaigns, by id or name.", max_length=50),
    ] = None,
    kind: Annotated[
        list[Annotated[str, Query(pattern=f"^({KINDS})$")]] | None,
        Query(description="Only these kinds: `call.ended`, or `call` for all of calls."),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(description="Go on behind this event; browsers send it by themselves.")
    ] = None,
    after: Annotated[
        str | None,
        Query(max_length=8_000, description="The same, for whoever can't set headers."),
    ] = None,
    lasts_s: Annotated[
        int, Query(ge=0, le=MOST_S, description="Seconds after which the stream ends.")
    ] = MOST_S,
) -> StreamingResponse:
    """Every fact of calls, agents, campaigns, pacing and callbacks, within half a second.

    A comment comes every 15 s. Whoever takes events too slowly is sent `stream.ended` with the code
    `listener_too_slow` and let go; going on behind the last id misses nothing for an hour.
    """
    word = last_event_id or after
    position = None if not word else Position.read(word)
    campaigns = None
    if campaign:
        campaigns = frozenset([(await seen(one, backend, who)).campaign_id for one in campaign])
    wanted = Wanted(
        campaigns=campaigns,
        kinds=frozenset(kind) if kind else None,
        allows=lambda fact: may_hear(who, fact),
    )
    feed = await backend.feed()
    feed.require_recent(position)
    return StreamingResponse(
        _events(feed, wanted, position, lasts_s),
        media_type=EVENTS,
        headers={"x-accel-buffering": "no"},
    )


def may_hear(who: Principal, fact: Fact) -> bool:
    """Whether somebody may be told of a fact: by permission, and by whose campaign it is."""
    about = fact.kind.partition(".")[0]
    needed = _NEEDS.get(about)
    if needed is not None and not who.may(needed):
        return False
    scope = who.scope
    # A fact tells neither the queue of a callback nor the groups of an agent.
    if (about == "callback" and scope.queues is not None) or (
        about == "agent" and scope.groups is not None
    ):
        return False
    return scope.has(campaign=fact.campaign_id)


async def _events(
    feed: LiveFeed, wanted: Wanted, position: Position | None, lasts_s: float
) -> AsyncIterator[bytes]:
    try:
        async with feed.listen(wanted, after=position) as listener:
            milliseconds = round(RETRY.total_seconds() * 1_000)
            yield f"retry: {milliseconds}\n".encode() + _place(listener) + b"\n"
            async for piece in _pieces(listener, lasts_s):
                yield piece
    except (ListenerTooSlow, StoreUnavailable) as error:
        said = orjson.dumps({"code": error.code, "detail": str(error)})
        yield b"event: stream.ended\ndata: " + said + b"\n\n"


async def _pieces(listener: Listener, lasts_s: float) -> AsyncIterator[bytes]:
    facts, before = aiter(listener), listener.position
    clock = asyncio.get_running_loop().time
    ends_at = clock() + lasts_s
    coming = asyncio.ensure_future(anext(facts))
    try:
        while (left := ends_at - clock()) > 0:
            await asyncio.wait({coming}, timeout=min(BEAT.total_seconds(), left))
            moved, before = listener.position is not before, listener.position
            place = _place(listener) if moved else b""
            if coming.done():
                yield place + _event(coming.result())
                coming = asyncio.ensure_future(anext(facts))
            else:
                # An id without data moves the browser's place on, and wakes nobody.
                yield b": beat\n" + place + b"\n"
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await coming


def _place(listener: Listener) -> bytes:
    return f"id: {listener.position.text()}\n".encode()


def _event(fact: Fact) -> bytes:
    return f"event: {fact.kind}\ndata: ".encode() + fact.body + b"\n\n"
