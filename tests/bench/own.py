"""What benches that measure one process run beside themselves: a process and a database."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tests.support.stack import TEMPLATE, make_template, postgres_server

Measure = Callable[[str, argparse.Namespace], Coroutine[Any, Any, dict[str, Any]]]


@asynccontextmanager
async def own_process(module: str, *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m module words`, with pipes, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


def print_measured(measure: Measure, asked: argparse.Namespace) -> None:
    """Measure on a database of its own, and print what was found as one JSON object."""
    with postgres_server() as postgres:
        make_template(postgres)
        url = asyncio.run(postgres.create(template=TEMPLATE))
        print(json.dumps(asyncio.run(measure(url, asked))))  # noqa: T201
