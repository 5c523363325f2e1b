"""The first page: the first that somebody may see."""

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import ui

from offhook.console.guard import principal_now
from offhook.console.kit.layout import open_to, url


@ui.page("/")
async def home(request: Request) -> RedirectResponse:
    """Go on to where somebody works."""
    who = await principal_now(request)
    if who is None:
        return RedirectResponse(url("/login"), 303)
    places = open_to(who)
    return RedirectResponse(url(f"/{places[0].key}" if places else "/me"), 303)
