"""Telephone systems: how each is, what it has, and what is wrong with it."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from offhook.accounts.roles import Permission
from offhook.api.auth import requires
from offhook.api.paging import Cursor, Limit, Page, read_cursor, write_cursor
from offhook.api.problems import RESPONSES
from offhook.api.requests import Key
from offhook.api.services import Back
from offhook.offices.switches import SwitchHealth, SwitchOffice

router = APIRouter(prefix="/switches", tags=["switches"], responses=RESPONSES)

CanRead = requires(Permission.switches_read)
CanWrite = requires(Permission.switches_write)


class SwitchView(BaseModel):
    """A switch with all that is stored of it; never its secrets, nor its events' address."""

    switch_id: str
    name: str
    family: str
    settings: dict[str, Any]
    trunks: list[dict[str, Any]]
    agents: int


class SwitchCheck(BaseModel):
    """Everything that a campaign needs of a switch, tried."""

    name: str
    ok: bool
    checks: list[dict[str, Any]]
    """Each with what to do about it."""


@router.get("", dependencies=[CanRead], summary="List switches")
async def index(backend: Back, limit: Limit = 50, cursor: Cursor = None) -> Page[SwitchHealth]:
    """Switches by name, with how their links are."""
    place = read_cursor(cursor, 1)
    every = sorted(await _office(backend).all(), key=lambda one: one.name)
    rest = [one for one in every if place is None or one.name > place[0]]
    more = write_cursor(rest[limit - 1].name) if len(rest) > limit else None
    return Page(items=rest[:limit], next_cursor=more)


@router.get("/{switch}", dependencies=[CanRead], summary="See a switch")
async def show(switch: Key, backend: Back) -> SwitchView:
    """Settings and trunks; `offhook switch show` tells the address for its events too."""
    found = await _office(backend).show(switch)
    return SwitchView(
        switch_id=found.config.switch_id,
        name=found.config.name,
        family=found.config.family,
        settings=dict(found.config.settings),
        trunks=[asdict(trunk) for trunk in found.trunks],
        agents=len(found.agents),
    )


@router.post("/{switch}/check", dependencies=[CanWrite], summary="Check a switch")
async def check(switch: Key, backend: Back) -> SwitchCheck:
    """Reach it, log in, look at clock, events and rights; takes seconds."""
    results = await _office(backend).check(switch)
    return SwitchCheck(
        name=switch,
        ok=all(result.ok for result in results),
        checks=[asdict(result) for result in results],
    )


def _office(backend: Back) -> SwitchOffice:
    return SwitchOffice(backend.database, backend.settings)
