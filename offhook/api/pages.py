"""Health, readiness and metrics beside the API, open or only for who may watch the floor.

Load balancers and the supervisor have no token: whether the process is ready is told to anybody in
any case, and what is wrong only to who may know.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from offhook.accounts.roles import Permission
from offhook.api.auth import principal_of
from offhook.api.problems import id_of, problem_of
from offhook.api.refusals import NotAuthenticated, ScopeMissing
from offhook.health import Health


def page_routes(health: Health, *, open_metrics: bool) -> list[Route]:
    """The routes of the process's pages."""
    routes = health.routes()
    if open_metrics:
        return routes
    return [_guarded(route, health) if route.path != "/healthz" else route for route in routes]


def _guarded(route: Route, health: Health) -> Route:
    async def page(request: Request) -> Response:
        principal = await principal_of(request)
        if principal is not None and principal.may(Permission.floor_read):
            answer: Response = await route.endpoint(request)
            return answer
        if route.path == "/readyz":
            wrong = bool(await health.problems())
            told = {"status": "unready" if wrong else "ready", "process": health.process}
            return JSONResponse(told, status_code=503 if wrong else 200)
        missing = NotAuthenticated() if principal is None else ScopeMissing(Permission.floor_read)
        return problem_of(id_of(request), missing)

    return Route(route.path, page)
