"""`/healthz`, `/readyz` and `/metrics`: the same three pages for every process.

`/healthz` answers as long as the event loop turns; `/readyz` runs the process's checks and says
which of them fails, so that a supervisor, a load balancer and a person see the same.
"""

import asyncio
import http.client
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from offhook.telemetry import registry

Check = Callable[[], Awaitable[str | None]]
"""Returns None when all is well, else what is wrong; raising counts as wrong too."""

CHECK_TIMEOUT = timedelta(seconds=2)


class Health:
    """A process's state, as the three pages tell it."""

    def __init__(self, process: str, checks: Mapping[str, Check] | None = None) -> None:
        self.process = process
        self._checks: dict[str, Check] = dict(checks or {})

    def add(self, name: str, check: Check) -> None:
        """Make readiness depend on one more thing."""
        self._checks[name] = check

    def routes(self) -> list[Route]:
        """The pages, to be put among the routes of any Starlette or FastAPI application."""
        return [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]

    def app(self) -> Starlette:
        """The pages as an application of their own."""
        return Starlette(routes=self.routes())

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve the pages for the length of the block; yields the port, chosen when `port` is 0."""
        config = uvicorn.Config(
            self.app(), host=host, port=port, log_config=None, access_log=False, lifespan="off"
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(), name="health pages")
        try:
            while not server.started:
                if task.done():
                    await task
                    raise OSError(f"the health pages can't listen on {host}:{port}")
                await asyncio.sleep(0.01)
            yield server.servers[0].sockets[0].getsockname()[1]
        finally:
            server.should_exit = True
            await asyncio.gather(task, return_exceptions=True)

    async def problems(self) -> dict[str, str]:
        """What is wrong now, by check; empty when the process is ready."""
        names = list(self._checks)
        answers = await asyncio.gather(*(self._ask(name) for name in names))
        return {name: wrong for name, wrong in zip(names, answers, strict=True) if wrong}

    async def _ask(self, name: str) -> str | None:
        try:
            return await asyncio.wait_for(self._checks[name](), CHECK_TIMEOUT.total_seconds())
        except TimeoutError:
            return f"no answer within {CHECK_TIMEOUT.total_seconds():g} s"
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    async def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "process": self.process})

    async def _readyz(self, _request: Request) -> Response:
        problems = await self.problems()
        checks = {name: problems.get(name, "ok") for name in self._checks}
        status = "unready" if problems else "ready"
        body = {"status": status, "process": self.process, "checks": checks}
        return JSONResponse(body, status_code=503 if problems else 200)

    async def _metrics(self, _request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it is a part of."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install nothing."""
        yield


async def is_ready(host: str, port: int) -> bool:
    """Whether a process's `/readyz` says that it is ready."""
    return await asyncio.to_thread(_get_ready, host, port)


def _get_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=CHECK_TIMEOUT.total_seconds() + 1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
