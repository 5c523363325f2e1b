"""Events reach a listener whatever way it has with connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from offhook.simulator.sender import EventSender

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
OK_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OK_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
OK_CLOSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
GARBAGE = b"HELLO\r\nContent-Length: many\r\n\r\n"


class Wire:
    """A listener that answers from a list, then as in its last line; None is no answer."""

    def __init__(self, answers: Iterable[bytes | None], *, hang_up: bool) -> None:
        self.answers = list(answers)
        self.hang_up = hang_up
        self.seen: list[str] = []
        self.connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.seen.append(head.split(b" ", 2)[1].decode())
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is not None:
                    half = len(answer) // 2
                    writer.write(answer[:half])
                    await writer.drain()
                    writer.write(answer[half:])
                    await writer.drain()
                if self.hang_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def wired(
    *answers: bytes | None, hang_up: bool = False, retries: int = 0, timeout: float = 2
) -> AsyncIterator[tuple[EventSender, Wire]]:
    wire = Wire(answers, hang_up=hang_up)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/events?link=main"
    sender = EventSender(url, connections=1, timeout=timeout, retries=retries)
    try:
        yield sender, wire
    finally:
        await sender.close()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("answer", [OK, OK_BODY, OK_CHUNKED, OK_CLOSE])
async def test_events_of_a_call_arrive_in_order(answer: bytes) -> None:
    async with wired(answer) as (sender, wire):
        for number in range(5):
            sender.send("call", f"n={number}")
        await sender.drained()
        assert wire.seen == [f"/events?link=main&n={number}" for number in range(5)]
        assert sender.counts == {"delivered": 5}
        assert wire.connections == (5 if answer is OK_CLOSE else 1)


async def test_event_is_sent_again_when_a_kept_connection_was_closed() -> None:
    async with wired(OK, hang_up=True) as (sender, wire):
        for number in range(3):
            sender.send("call", f"n={number}")
        await sender.drained()
        assert sender.counts["delivered"] == 3
        assert [query[-1] for query in wire.seen] == ["0", "1", "2"]


async def test_listener_that_says_nothing_loses_the_event_after_the_timeout() -> None:
    async with wired(None, OK, timeout=0.1) as (sender, _):
        sender.send("call", "n=0")
        sender.send("call", "n=1")
        await sender.drained()
        assert sender.counts == {"unanswered": 1, "lost": 1, "delivered": 1}


async def test_refused_event_is_tried_again_when_retries_are_wanted() -> None:
    async with wired(BUSY, OK, retries=1) as (sender, wire):
        sender.send("call", "n=0")
        sender.send("call", "n=1")
        await sender.drained()
        assert [query[-1] for query in wire.seen] == ["0", "0", "1"]
        assert sender.counts == {"refused": 1, "delivered": 2}


async def test_answer_that_is_no_http_counts_as_none() -> None:
    async with wired(GARBAGE) as (sender, _):
        sender.send("call", "n=0")
        await sender.drained()
        assert sender.counts == {"unanswered": 1, "lost": 1}


async def test_event_with_a_listener_that_closes_at_once_is_lost_not_repeated_for_ever() -> None:
    async with wired(b"", hang_up=True) as (sender, wire):
        sender.send("call", "n=0")
        await sender.drained()
        assert len(wire.seen) == 1
        assert sender.counts == {"unanswered": 1, "lost": 1}


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http://", "nonsense"])
def test_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http address"):
        EventSender(url, connections=1, timeout=1, retries=0)


def test_events_are_sent_on_the_quicker_loop_too() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def send() -> dict[str, int]:
        async with wired(OK_BODY) as (sender, _):
            sender.send("call", "n=0")
            await sender.drained()
            return dict(sender.counts)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(send()) == {"delivered": 1}
