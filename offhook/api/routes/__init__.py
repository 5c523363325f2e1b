"""Routes of the API, a module for each resource."""

from collections.abc import Iterator

from fastapi import APIRouter
from fastapi.routing import APIRoute

from offhook.api.routes import (
    agents,
    audit,
    callback_lists,
    callbacks,
    calls,
    campaign_reports,
    campaigns,
    contacts,
    dnc,
    forecasts,
    imports,
    ivr,
    lists,
    me,
    pins,
    schedules,
    session,
    stream,
    switches,
    tokens,
    users,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    agents.router,
    audit.router,
    callback_lists.router,
    callbacks.router,
    calls.router,
    campaigns.router,
    campaign_reports.router,
    contacts.router,
    dnc.router,
    forecasts.router,
    imports.router,
    ivr.router,
    lists.router,
    me.router,
    pins.router,
    schedules.router,
    session.router,
    stream.router,
    switches.router,
    tokens.router,
    users.router,
    webhooks.router,
)


def routes() -> Iterator[APIRoute]:
    """Every route of every resource; paths are without the prefix of the API."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route
