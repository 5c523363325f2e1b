"""Routes of the API, a module for each resource."""

from collections.abc import Iterator

from fastapi import APIRouter
from fastapi.routing import APIRoute

from offhook.api.routes import (
    audit,
    callback_lists,
    callbacks,
    campaign_reports,
    campaigns,
    me,
    schedules,
    session,
    stream,
    tokens,
    users,
)

ROUTERS: tuple[APIRouter, ...] = (
    audit.router,
    callback_lists.router,
    callbacks.router,
    campaigns.router,
    campaign_reports.router,
    me.router,
    schedules.router,
    session.router,
    stream.router,
    tokens.router,
    users.router,
)


def routes() -> Iterator[APIRoute]:
    """Every route of every resource; paths are without the prefix of the API."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route
