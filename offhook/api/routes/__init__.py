"""Routes of the API, a module for each resource."""

from collections.abc import Iterator

from fastapi import APIRouter
from fastapi.routing import APIRoute

from offhook.api.routes import callback_lists, callbacks

ROUTERS: tuple[APIRouter, ...] = (callback_lists.router, callbacks.router)


def routes() -> Iterator[APIRoute]:
    """Every route of every resource; paths are without the prefix of the API."""
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route
