"""What serving processes run on."""

import asyncio
import sys

import pytest

from offhook.loop import fast_loop, run_serving


def test_serving_returns_what_its_coroutine_returns() -> None:
    async def main() -> int:
        await asyncio.sleep(0)
        return 7

    assert run_serving(main()) == 7


def test_serving_runs_on_uvloop_where_there_is_one() -> None:
    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run_serving(main()).partition(".")[0] == "uvloop"


def test_serving_runs_on_asyncio_where_there_is_no_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    assert fast_loop() is None
    assert run_serving(asyncio.sleep(0, 7)) == 7
