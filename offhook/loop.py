"""The event loop of processes that serve: uvloop where there is one.

Measured on the live path: half of what links, worker and simulator spend is asyncio's own reading,
writing and scheduling, and uvloop does that for a third of the price. Commands that live for a
moment aren't worth its import.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


def run_serving(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a long-lived process's coroutine to its end."""
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(main)


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes a loop; None, which is asyncio's own, on systems that uvloop isn't made for."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
