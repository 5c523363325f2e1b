"""Events of a stream on their way into the inbox: what waits for what."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from dialer.model import SwitchId
from offhook.link_stream import LinkStream
from offhook.storage.inbox import RawItem
from offhook.switches.base import Arrived, Correlated
from offhook.switches.registry import HookRules, OpenSwitch, SwitchConfig


def arrived(key: str, *, waited_for: bool) -> Arrived:
    return Arrived(
        payload={}, named=Correlated(correlator="a-1", dedup_key=key), waited_for=waited_for
    )


@dataclass
class Line:
    """A stream that says what it is told to, and the commits that came of it."""

    queue: "asyncio.Queue[Sequence[Arrived]]" = field(default_factory=asyncio.Queue)
    commits: "asyncio.Queue[list[str]]" = field(default_factory=asyncio.Queue)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncIterator[Arrived]]:
        yield self._events()

    async def _events(self) -> AsyncIterator[Arrived]:
        while True:
            for event in await self.queue.get():
                yield event

    async def append_raw(self, _channel: str, items: Sequence[RawItem]) -> int:
        self.commits.put_nowait([item.key for item in items])
        return len(items)


class Silent:
    """An adapter and an inbox for snapshots that nobody asks about here."""

    async def snapshot(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    found = Line()
    config = SwitchConfig(
        switch_id=SwitchId("pbx"),
        family="asterisk",
        name="pbx",
        settings={},
        secret="",
        hook_secret="",
    )
    opened = OpenSwitch(
        config=config,
        adapter=cast(Any, Silent()),
        hook=HookRules(),
        inventory=cast(Any, None),
        stream=found,
    )
    stream = LinkStream(
        opened,
        found,
        cast(Any, Silent()),
        lambda _switch, _health: None,
        clock=lambda: datetime.now(UTC),
    )
    task = asyncio.create_task(stream.run())
    yield found
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_event_that_nobody_waits_for_is_committed_with_one_that_somebody_waits_for(
    line: Line,
) -> None:
    line.queue.put_nowait([arrived("rings", waited_for=False)])
    await asyncio.sleep(0)
    line.queue.put_nowait([arrived("comes", waited_for=True)])
    assert await line.commits.get() == ["rings", "comes"]


async def test_event_that_nobody_waits_for_is_committed_though_nothing_else_comes(
    line: Line,
) -> None:
    for _ in range(2):
        line.queue.put_nowait([arrived("rings", waited_for=False)])
        assert await line.commits.get() == ["rings"]
