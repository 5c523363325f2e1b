"""Strangers at the hook's port while a campaign runs: they cost little, and it hears everything."""

import asyncio
import resource
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from offhook.api.guarded import MAX_HEAD, GuardedProtocol
from offhook.api.hooks import MAX_QUERY, Hooks
from offhook.simulator.serve import Simulator
from offhook.storage.inbox import RawItem
from offhook.telemetry import registry
from tests.support.fault_floor import FaultFloor, fault_floor
from tests.support.floor_stack import SWITCH
from tests.support.serving import serving

MEGABYTE = 1024 * 1024
MOST_MEMORY = 64 * MEGABYTE
"""What an attack may add to the process, simulator and campaign included."""


async def say(base: str, data: bytes, *, times: int = 1) -> bytes:
    """Send bytes to a server, and return what it says until it closes or has answered."""
    where = urlsplit(base)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        with suppress(ConnectionError):
            for _ in range(times):
                writer.write(data)
                await writer.drain()
        with suppress(ConnectionError):
            return await reader.read(4096)
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: links", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def status(reply: bytes) -> int:
    return int(reply[9:12]) if reply.startswith(b"HTTP/1.1 ") else 0


def counted(name: str, **labels: str) -> float:
    """A counter of this process."""
    return registry.get_sample_value(name, labels) or 0.0


def ended(reason: str) -> float:
    return counted("dialer_hook_connections_refused_total", reason=reason)


class Hearing:
    """A sink that keeps nothing."""

    async def add(self, channel: str, item: RawItem) -> None:
        """Commit it."""


class Impatient(GuardedProtocol):
    """Waits for a head as long as a test can."""

    head_within_s = 0.1


class Crowded(GuardedProtocol):
    """Takes three connections."""

    max_connections = 3


# -- the guard by itself ---------------------------------------------------------------------------


async def test_endless_address_is_cut_off_long_before_it_is_whole() -> None:
    cut = ended("too_long")
    async with serving(Hooks(Hearing()), http=GuardedProtocol) as base:
        start = b"GET /hooks/voispeed/x?a="
        reply = await say(base, start + b"a" * (2 * MAX_HEAD))
        assert status(reply) in (0, 431)  # a reset may overtake the reply
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await say(base, start + b"a" * MEGABYTE, times=10)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown * 1024 < 8 * MEGABYTE
    assert ended("too_long") == cut + 2


async def test_flood_of_headers_is_cut_off() -> None:
    async with serving(Hooks(Hearing()), http=GuardedProtocol) as base:
        head = get("/hooks/voispeed/x", *(f"X-{n}: {'y' * 100}" for n in range(5_000)))
        assert status(await say(base, head)) in (0, 404, 431)
        assert status(await say(base, get("/hooks/voispeed/x"))) == 404


async def test_half_a_request_is_ended_in_time() -> None:
    before = ended("too_slow")
    async with serving(Hooks(Hearing()), http=Impatient) as base:
        assert status(await say(base, b"GET /hooks/voispeed/x?a=1 HTTP/1.1\r\nHost: li")) == 408
        assert status(await say(base, b"")) == 408
    assert ended("too_slow") == before + 2


async def test_second_half_request_on_a_kept_connection_is_ended_in_time() -> None:
    async with serving(Hooks(Hearing()), http=Impatient) as base:
        where = urlsplit(base)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(get("/hooks/voispeed/x"))
        assert status(await reader.readuntil(b"not found\n")) == 404
        writer.write(b"GET /hooks/voi")
        assert status(await reader.read()) == 408
        writer.close()


async def test_connections_beyond_the_limit_are_turned_away() -> None:
    before = ended("too_many")
    async with serving(Hooks(Hearing()), http=Crowded) as base:
        where = urlsplit(base)
        held = [await asyncio.open_connection(where.hostname, where.port) for _ in range(3)]
        assert status(await say(base, b"")) == 503
        for _, writer in held:
            writer.close()
    assert ended("too_many") == before + 1


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /hooks/voispeed/\xff\xfe?a=\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hooks/voispeed/%FF%00?a=%FF HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[::1/hooks/voispeed/x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hooks/voispeed/x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 1000 + b"\r\n\r\n",
        b"POST /hooks/voispeed/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nabc",
        b"GET /hooks/voispeed/x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n"
        b"Upgrade: websocket\r\n\r\n",
    ],
)
async def test_nonsense_is_refused_and_the_next_request_is_served(request_line: bytes) -> None:
    async with serving(Hooks(Hearing()), http=Impatient) as base:
        assert status(await say(base, request_line)) in (400, 404, 405)
        assert status(await say(base, get("/hooks/voispeed/x"))) == 404


# -- while a campaign runs -------------------------------------------------------------------------


async def long_queries(base: str, simulator: Simulator) -> None:
    """Queries of 10 MB, with the right secret and without."""
    for _ in range(3):
        await say(base, f"GET {_path(simulator)}?a=".encode() + b"a" * MEGABYTE, times=10)
    for _ in range(5):
        query = "a" * (MAX_QUERY + 1)
        assert status(await say(base, get(f"{_path(simulator)}?a={query}"))) == 414


async def wrong_secrets(base: str, simulator: Simulator) -> None:
    """Five thousand guesses, forty at a time."""
    where = urlsplit(base)

    async def guess(first: int) -> None:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        for number in range(125):
            writer.write(get(f"/hooks/voispeed/guess{first + number}?event=4"))
            assert status(await reader.readuntil(b"not found\n")) == 404
        writer.close()

    before = counted("dialer_hook_events_total", family="unknown", result="not_found")
    await asyncio.gather(*(guess(number * 125) for number in range(40)))
    after = counted("dialer_hook_events_total", family="unknown", result="not_found")
    assert after - before == 5_000


async def control_characters(base: str, simulator: Simulator) -> None:
    """Events with everything that a query may not have, and still has."""
    for query in (
        "event_name=call_terminated&call_id=%00%01&extid=c1-1-1%00%0D%0A&outcome=%FF",
        "event_name=%1B[2J&extid=%ED%A0%80&x=%F0%9F%98%80",
        "event=4&extid=" + "c" * 4_000,
        "%00=%00&event_type=1",
        "a&b&c&=&&&;;;event=1",
    ):
        assert status(await say(base, get(f"{_path(simulator)}?{query}"))) in (200, 400)


async def half_requests(base: str, simulator: Simulator) -> None:
    """A hundred connections that never finish their request."""
    where = urlsplit(base)
    held = [await asyncio.open_connection(where.hostname, where.port) for _ in range(100)]
    for _, writer in held:
        writer.write(b"GET /hooks/voispeed/s3cret?event=4&ext")
    await asyncio.sleep(1.0)
    for _, writer in held:
        writer.close()


async def many_events(base: str, simulator: Simulator) -> None:
    """A flood of well-formed events of calls that nobody knows."""
    where = urlsplit(base)

    async def flood(first: int) -> None:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        for number in range(25):
            query = f"event_name=call_terminated&call_id={first + number}&extid=x-{first + number}"
            writer.write(get(f"{_path(simulator)}?{query}"))
            assert status(await reader.readuntil(b"ok\n")) == 200
        writer.close()

    await asyncio.gather(*(flood(number * 25) for number in range(40)))


def _path(simulator: Simulator) -> str:
    return urlsplit(simulator.senders[0].url).path


Attack = Callable[[str, Simulator], Awaitable[None]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attack", "refused"),
    [
        (long_queries, {"too_long": 5}),
        (wrong_secrets, {}),
        (control_characters, {}),
        (half_requests, {}),
        (many_events, {}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_campaign_hears_its_pbx_whatever_strangers_send(
    database_url: str, attack: Attack, refused: dict[str, int]
) -> None:
    async with fault_floor(database_url, contacts=8) as floor, asyncio.timeout(50):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        dialing = asyncio.create_task(floor.stack.dial())
        where = urlsplit(floor.simulator.senders[0].url)
        await attack(f"http://{where.netloc}", floor.simulator)
        told = await floor.tell(await dialing)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert told.judged.clean, told
        assert told.differences == []
        assert grown * 1024 < MOST_MEMORY
        assert _delivered(floor) == {"delivered"}
        counts = floor.stack.hooks.status[SWITCH].counts
        assert {name: counts[name] for name in refused} == refused


def _delivered(floor: FaultFloor) -> set[str]:
    """What became of the events that the PBX itself sent."""
    return {name for sender in floor.simulator.senders for name in sender.counts}
