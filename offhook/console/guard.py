"""Who is at a page, asked each time: rights change and sessions end while pages are open."""

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request

from offhook.accounts import Principal
from offhook.api.auth import principal_of
from offhook.api.services import services_of


async def principal_now(request: Request) -> Principal | None:
    """Whose page it is, as of now; None once the session has ended. It counts as a request."""
    request.scope.pop("principal", None)
    return await principal_of(request)


async def still_there(request: Request, who: Principal) -> bool:
    """Whether the session goes on. Only looking at a page doesn't prolong it."""
    services = services_of(request)
    accounts = services.accounts
    idle: timedelta = accounts.idle
    known = await accounts.sessions.of(who.id, now=services.clock(), idle=idle)
    return any(one.id == who.session_id for one in known)


def same_origin(connection: HTTPConnection) -> bool:
    """Whether a request comes from our own pages, as far as the browser says where it is from."""
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    ours = {connection.headers.get("host"), urlsplit(services_of(connection).public_url).netloc}
    return urlsplit(origin).netloc in ours - {""}
