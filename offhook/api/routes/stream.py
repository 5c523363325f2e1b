"""What happens, as it happens: server-sent events that can be gone on with where they broke off.

An event's id is a position in the feed, not of one campaign: it names how far each journal had been
read that moves, and how far what is noted. Each event carries the position behind itself, so going
on misses nothing and repeats nothing, over a restart of this process too.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from activities.ports import StoreUnavailable
from offhook.accounts.roles import Permission
from offhook.api.auth import Who, requires
from offhook.api.hearing import Hearing, hearing_now, hearing_of
from offhook.api.problems import RESPONSES
from offhook.api.refusals import NotAuthenticated
from offhook.api.seeing import seen
from offhook.api.services import Back, Svc
from offhook.feed.facts import Fact, FactKind
from offhook.feed.live import Listener, ListenerTooSlow, LiveFeed, Wanted
from offhook.feed.reader import Position

router = APIRouter(prefix="/stream", tags=["stream"], responses=RESPONSES)

EVENTS = "text/event-stream"
BEAT = timedelta(seconds=15)
MOST_S = 600
"""A stream ends after so many seconds, and browsers come back by themselves."""
RETRY = timedelta(seconds=2)
"""When a browser is to come back after the stream has ended."""
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
    request: Request,
    who: Who,
    services: Svc,
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

    A comment comes every 15 s. The stream ends with `stream.ended` and a code: `listener_too_slow`
    for whoever takes events too slowly, `not_authenticated` for whoever has logged out or may not
    listen any more. Going on behind the last id misses nothing and repeats nothing, for an hour.
    """
    word = last_event_id or after
    position = None if not word else Position.read(word)
    campaigns = None
    if campaign:
        campaigns = frozenset([(await seen(one, backend, who)).campaign_id for one in campaign])
    ear = _Ear(request, await hearing_of(services, who))
    wanted = Wanted(
        campaigns=campaigns,
        kinds=frozenset(kind) if kind else None,
        allows=lambda fact: ear.hearing.may_hear(fact),
    )
    feed = await backend.feed()
    feed.require_recent(position)
    return StreamingResponse(
        _events(feed, wanted, position, ear, lasts_s),
        media_type=EVENTS,
        headers={"x-accel-buffering": "no"},
    )


@dataclass
class _Ear:
    """Whoever listens, looked at again now and then."""

    request: Request
    hearing: Hearing

    async def look(self) -> None:
        """Raise `NotAuthenticated` for who may not listen any more."""
        now = await hearing_now(self.request)
        if now is None:
            raise NotAuthenticated
        self.hearing = now


async def _events(
    feed: LiveFeed, wanted: Wanted, position: Position | None, ear: _Ear, lasts_s: float
) -> AsyncIterator[bytes]:
    try:
        async with feed.listen(wanted, after=position) as listener:
            milliseconds = round(RETRY.total_seconds() * 1_000)
            yield f"retry: {milliseconds}\n".encode() + _place(listener) + b"\n"
            async for piece in _pieces(listener, ear, lasts_s):
                yield piece
    except (ListenerTooSlow, StoreUnavailable, NotAuthenticated) as error:
        said = orjson.dumps({"code": error.code, "detail": str(error)})
        yield b"event: stream.ended\ndata: " + said + b"\n\n"


async def _pieces(listener: Listener, ear: _Ear, lasts_s: float) -> AsyncIterator[bytes]:
    facts = aiter(listener)
    clock, beat = asyncio.get_running_loop().time, BEAT.total_seconds()
    ends_at, looks_at = clock() + lasts_s, clock() + beat
    coming = asyncio.ensure_future(anext(facts))
    try:
        while (left := ends_at - clock()) > 0:
            await asyncio.wait({coming}, timeout=max(0.0, min(looks_at - clock(), left)))
            if clock() >= looks_at:
                await ear.look()
                looks_at = clock() + beat
                # An id without data moves the browser's place on, and wakes nobody.
                yield b": beat\n" + (b"" if coming.done() else _place(listener)) + b"\n"
            if coming.done():
                yield _place(listener) + _event(coming.result())
                coming = asyncio.ensure_future(anext(facts))
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await coming


def _place(listener: Listener) -> bytes:
    return b"id: " + listener.position.word.encode() + b"\n"


def _event(fact: Fact) -> bytes:
    return f"event: {fact.kind}\ndata: ".encode() + fact.body + b"\n\n"
