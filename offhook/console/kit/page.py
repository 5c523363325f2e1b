"""How a page comes about: who may see it, what it follows, what happens when something fails."""

import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup
from nicegui import ui
from nicegui.client import Client
from nicegui.context import context
from nicegui.element import Element
from temporalio.service import RPCError

from activities.ports import StoreUnavailable
from dialer.numbers import InvalidNumber
from dialer.rejections import Rejected
from offhook.accounts import Permission, Principal
from offhook.accounts.audit import Draft
from offhook.api.refusals import PermissionMissing
from offhook.console.console import Console
from offhook.console.guard import principal_now, still_there
from offhook.console.kit.layout import expect_news, frame, url
from offhook.console.kit.markup import joined
from offhook.console.kit.panel import Act, Panel
from offhook.console.kit.parts import empty, notice, page_head
from offhook.console.kit.words import sentence
from offhook.console.live.feed import Feed, News
from offhook.errors import OffhookError

log = structlog.get_logger()
T = TypeVar("T")
CHECK_EVERY_S = 60.0
"""How often a page that is only looked at asks whether its session goes on."""
HEARD_EVERY_S = 4.0
"""How often a page is told that all is well; it complains after three times as long."""
OURS = (OffhookError, Rejected, InvalidNumber, StoreUnavailable)
"""Errors that say what happened in words for people."""


@dataclass
class Visit:
    """One page in one browser."""

    console: Console
    request: Request
    who: Principal
    client: Client
    banner: Element | None = None
    """What says that news have stopped."""
    _heard: float = field(init=False, default=0.0)

    def param(self, name: str) -> str:
        """A part of the page's address."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str:
        """A parameter of the page's address."""
        return self.request.query_params.get(name, "").strip()[:200]

    async def panel(
        self,
        read: Callable[[], Awaitable[Markup]] | Markup,
        *,
        on_act: Callable[[Act], Awaitable[None]] | None = None,
    ) -> Panel:
        """A panel; what it can't read it says in its place."""
        markup = read if isinstance(read, Markup) else await _readable(read)
        return Panel(markup, on_act=None if on_act is None else self._guarded(on_act))

    async def live(
        self,
        feed: Feed[T],
        view: Callable[[T], Markup],
        *,
        on_act: Callable[[Act], Awaitable[None]] | None = None,
        alike: Hashable | None = None,
    ) -> Panel:
        """A panel that shows what a feed tells, at once and for as long as the page is open.

        Pages that give the same `alike` show the same, which is then made once for all of them.
        """

        def seen(news: News[T]) -> Markup:
            return view(news.value) if alike is None else feed.seen(news, alike, view)

        async def first() -> Markup:
            return seen(await feed.now())

        panel = await self.panel(first, on_act=on_act)
        self._follow(feed, lambda news: panel.show(seen(news)))
        return panel

    def follow(self, feed: Feed[T], show: Callable[[T], None]) -> None:
        """Have `show` told what a feed says while the page is open."""
        self._follow(feed, lambda news: show(news.value))

    def _follow(self, feed: Feed[T], show: Callable[[News[T]], None]) -> None:
        def told(news: News[T]) -> None:
            if not news.problem:
                show(news)
                self.heard()

        if self.banner is not None:
            expect_news(self.banner)
        leave: list[Callable[[], None]] = []
        self.client.on_connect(lambda: leave.append(feed.follow(told)) if not leave else None)
        self.client.on_disconnect(lambda: [one() for one in _taken(leave)])
        self.client.on_delete(lambda: [one() for one in _taken(leave)])

    def heard(self) -> None:
        """Tell the page now and then that what it shows is of now, though nothing changes."""
        now = time.monotonic()
        if now - self._heard > HEARD_EVERY_S:
            self._heard = now
            self.client.run_javascript("offhookHeard()")

    def _guarded(
        self, on_act: Callable[[Act], Awaitable[None]]
    ) -> Callable[[Act], Awaitable[None]]:
        async def acted(act: Act) -> None:
            now = await principal_now(self.request)
            if now is None:
                ui.navigate.to(url("/login"))
                return
            self.who = now
            try:
                await on_act(act)
            except (*OURS, RPCError) as error:
                complain(error)
            except Exception as error:
                log.exception("console_act_broke", act=act.name)
                complain(error)

        return acted

    def audited(self, action: str, subject: str = "") -> AbstractAsyncContextManager[Draft]:
        """Record the command that the block carries out."""
        request_id = str(self.request.scope.get("request_id", ""))
        return self.console.services.audited(self.who, action, subject, request_id=request_id)

    def require(self, permission: Permission) -> None:
        """Raise `PermissionMissing` where the person may not do it."""
        if not self.who.may(permission):
            raise PermissionMissing(permission)


def _taken(leave: list[Callable[[], None]]) -> list[Callable[[], None]]:
    found, leave[:] = list(leave), []
    return found


async def _readable(read: Callable[[], Awaitable[Markup]]) -> Markup:
    try:
        return await read()
    except OURS as error:
        return notice("bad", says(error)[0], says(error)[1])


Build = Callable[[Visit], Awaitable[None]]


def console_page(
    path: str, *, title: str, place: str, needs: Permission
) -> Callable[[Build], Build]:
    """Make a page of what the function builds; only who `needs` allows gets to see it."""

    def register(build: Build) -> Build:
        @ui.page(path, title=f"{title} · offhook", response_timeout=15)
        async def page(request: Request) -> Response | None:
            who = await principal_now(request)
            if who is None:
                return RedirectResponse(url(f"/login?next={request.url.path}"), 303)
            visit = Visit(request.app.state.console, request, who, context.client)
            visit.banner = frame(who, place, visit.console.clock())
            if not who.may(needs):
                Panel(joined(page_head(title), _barred(needs)))
                return None
            _watch_session(visit)
            await _built(build, visit, title)
            return None

        return build

    return register


async def _built(build: Build, visit: Visit, title: str) -> None:
    try:
        await build(visit)
    except OURS as error:
        _failed(title, error)
    except Exception as error:
        log.exception("console_page_broke", page=visit.client.page.path)
        _failed(title, error)


def _failed(title: str, error: Exception) -> None:
    message, hint = says(error)
    Panel(joined(page_head(title), notice("bad", message, hint)))


def _barred(needs: Permission) -> Markup:
    return empty(
        "This page isn't for your role",
        f"It needs the permission {needs}. An administrator can change your role under People.",
    )


def _watch_session(visit: Visit) -> None:
    async def check() -> None:
        if not await still_there(visit.request, visit.who):
            ui.navigate.to(url("/login?ended=yes"))

    ui.timer(CHECK_EVERY_S, check, immediate=False)


def says(error: Exception) -> tuple[str, str]:
    """What happened, and what to do next, with the error's code."""
    if isinstance(error, RPCError):
        return "Temporal did not take the request", "repeat it (temporal)"
    if not isinstance(error, OURS):
        return "Something went wrong that nobody expected", "look into the API's log (unexpected)"
    code = str(getattr(error, "code", "error"))
    text = str(error)
    hint = getattr(error, "hint", None)
    return sentence(text), f"{hint} ({code})" if hint else f"({code})"


def complain(error: Exception) -> None:
    """Say that something was refused, and what to do next."""
    message, hint = says(error)
    ui.notify(
        message,
        caption=hint,
        position="top",
        classes="toast-bad",
        timeout=9000,
        close_button="Close",
    )


def confirm_done(message: str) -> None:
    """Say that something was done."""
    ui.notify(message, position="top", classes="toast-good", timeout=3500)
