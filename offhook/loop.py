"""The event loop of processes that serve: uvloop where there is one.

Worker, links and simulator read and write small messages all day, and much of what they spend is
the loop's own work: uvloop took 7 to 9 % off the CPU of a call in each of them (`bench dial`,
profiled runs). Commands that live for a moment aren't worth its import.
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
