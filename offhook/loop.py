"""The event loop of processes that serve: uvloop where there is one.

Worker, links and simulator read and write small messages all day, and much of what they spend is
the loop's own work: uvloop took 7 to 9 % off the CPU of a call in each of them (`bench dial`,
profiled runs). Commands that live for a moment aren't worth its import.
"""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


def run_serving(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a long-lived process's coroutine to its end."""
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(main)


def keep_what_is_loaded() -> None:
    """Leave what there is by now out of every later garbage collection.

    For a process that has imported and built all it needs: looking through hundreds of thousands of
    objects that stay anyway stops it for up to 400 ms at a time, which every request meanwhile has
    to wait for.
    """
    gc.collect()
    gc.freeze()


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes a loop; None, which is asyncio's own, on systems that uvloop isn't made for."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
