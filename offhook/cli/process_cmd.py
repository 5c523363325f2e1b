"""`offhook worker`, `offhook links`, `offhook api`: offhook's processes, run apart.

Each serves `/healthz`, `/readyz` and `/metrics`, and ends on SIGTERM or Ctrl-C once it has wound
up.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from offhook.cli.output import prepare
from offhook.loop import run_serving

log = structlog.get_logger()


@asynccontextmanager
async def stop_event() -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM and Ctrl-C set; a second such signal ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        log.info("stop_asked", signal=number.name)
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def worker() -> None:
    """Run a worker: campaigns, imports and the dialing itself.

    Example: offhook worker
    """
    from offhook.temporal.worker import run_worker

    settings = prepare("worker")

    async def serve() -> None:
        async with stop_event() as stop:
            await run_worker(settings, stop=stop)

    run_serving(serve())


def api() -> None:
    """Run the REST API and the console.

    Example: offhook api
    """
    from offhook.api.app import run_api

    run_serving(run_api(prepare("api")))


def links() -> None:
    """Run the connections to the switches: their events come in here.

    Example: offhook links
    """
    from offhook.links import run_links

    settings = prepare("links")

    async def serve() -> None:
        async with stop_event() as stop:
            await run_links(settings, stop=stop)

    run_serving(serve())
