"""The event receiver: what it takes, what it refuses, and when it acknowledges."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import httpx
import pytest
from structlog.testing import capture_logs

from activities.ports import StoreUnavailable
from dialer.model import SwitchId
from offhook.api.hooks import MAX_QUERY, HookRoute, Hooks, read_query
from offhook.storage.inbox import RawItem
from offhook.switches.base import Correlated
from tests.support.serving import serving

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SWITCH = SwitchId("pbx")


@dataclass(slots=True)
class Sink:
    """Keeps what is committed; can be slow or broken."""

    kept: list[tuple[str, RawItem]] = field(default_factory=list)
    broken: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def __post_init__(self) -> None:
        self.gate.set()

    async def add(self, channel: str, item: RawItem) -> None:
        self.arrived.release()
        await self.gate.wait()
        if self.broken:
            raise StoreUnavailable("gone")
        self.kept.append((channel, item))


def name_event(payload: dict[str, str]) -> Correlated:
    return Correlated(correlator=payload.get("extid", ""), dedup_key=str(sorted(payload.items())))


def make_route(allow: tuple[str, ...] = ()) -> HookRoute:
    return HookRoute(
        switch_id=SWITCH,
        family="voispeed",
        secret="s3cret",
        file=name_event,
        allow=tuple(ip_network(network) for network in allow),
        dropped=frozenset({"token"}),
    )


def client_of(hooks: Hooks, address: str = "10.1.2.3") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=hooks, client=(address, 4000))  # type: ignore[arg-type]  # httpx asks for mutable mappings
    return httpx.AsyncClient(transport=transport, base_url="http://links")


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def hooks(sink: Sink) -> Hooks:
    hooks = Hooks(sink, clock=lambda: AT, max_waiting=2)
    hooks.serve([make_route()])
    return hooks


async def test_event_is_kept_whole_on_its_switchs_channel(hooks: Hooks, sink: Sink) -> None:
    async with client_of(hooks) as client:
        reply = await client.get("/hooks/voispeed/s3cret?event=4&extid=c-1-1&odd=%C3%A8+%2B39")
    ((channel, item),) = sink.kept
    assert reply.status_code == 200
    assert channel == "switch:pbx"
    assert item.payload == {"event": "4", "extid": "c-1-1", "odd": "è +39"}
    assert (item.correlator, item.received_at) == ("c-1-1", AT)
    assert hooks.status[SWITCH].last_at == AT
    assert hooks.status[SWITCH].counts["stored"] == 1


async def test_event_is_acknowledged_only_after_it_is_committed(hooks: Hooks, sink: Sink) -> None:
    sink.gate.clear()
    async with client_of(hooks) as client:
        asking = asyncio.create_task(client.get("/hooks/voispeed/s3cret?event=4"))
        await sink.arrived.acquire()
        assert not asking.done()
        sink.gate.set()
        assert (await asking).status_code == 200


async def test_event_that_could_not_be_committed_is_not_acknowledged(
    hooks: Hooks, sink: Sink
) -> None:
    sink.broken = True
    async with client_of(hooks) as client:
        reply = await client.get("/hooks/voispeed/s3cret?event=4")
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
    assert hooks.status[SWITCH].last_at is None


async def test_event_whose_commit_takes_too_long_is_not_acknowledged(sink: Sink) -> None:
    hooks = Hooks(sink, clock=lambda: AT, commit_within=timedelta(milliseconds=10))
    hooks.serve([make_route()])
    sink.gate.clear()
    async with client_of(hooks) as client:
        assert (await client.get("/hooks/voispeed/s3cret?event=4")).status_code == 503


async def test_flood_beyond_the_limit_is_told_to_come_back(hooks: Hooks, sink: Sink) -> None:
    sink.gate.clear()
    async with client_of(hooks) as client:
        waiting = [
            asyncio.create_task(client.get(f"/hooks/voispeed/s3cret?event={n}")) for n in range(2)
        ]
        await sink.arrived.acquire()
        await sink.arrived.acquire()
        turned_away = await client.get("/hooks/voispeed/s3cret?event=9")
        sink.gate.set()
        replies = await asyncio.gather(*waiting)
    assert turned_away.status_code == 503
    assert [reply.status_code for reply in replies] == [200, 200]


@pytest.mark.parametrize(
    "path",
    [
        "/hooks/voispeed/wrong",
        "/hooks/voispeed/",
        "/hooks/voispeed/s3cret/more",
        "/hooks/o2g/s3cret",
        "/hooks/voispeed/s3cr%C3%A9t",
    ],
)
async def test_wrong_secret_is_not_found(hooks: Hooks, sink: Sink, path: str) -> None:
    async with client_of(hooks) as client:
        assert (await client.get(f"{path}?event=4")).status_code == 404
    assert sink.kept == []


async def test_route_that_was_removed_is_not_found(hooks: Hooks) -> None:
    hooks.serve([])
    async with client_of(hooks) as client:
        assert (await client.get("/hooks/voispeed/s3cret?event=4")).status_code == 404


@pytest.mark.parametrize(
    ("address", "code"),
    [("10.1.2.3", 200), ("10.9.9.9", 403), ("::ffff:10.1.2.3", 200), ("unix", 403)],
)
async def test_address_must_be_on_the_list_where_there_is_one(
    hooks: Hooks, address: str, code: int
) -> None:
    hooks.serve([make_route(allow=("10.1.0.0/16", "fd00::/8"))])
    async with client_of(hooks, address) as client:
        assert (await client.get("/hooks/voispeed/s3cret?event=4")).status_code == code


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE"])
async def test_other_methods_are_refused(hooks: Hooks, method: str) -> None:
    async with client_of(hooks) as client:
        reply = await client.request(method, "/hooks/voispeed/s3cret?event=4")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("a=" + "x" * MAX_QUERY, 414),
        ("", 400),
        ("=5", 400),
        ("&".join(f"k{n}=1" for n in range(201)), 400),
        ("event=99&event_name=tea_time", 200),
        ("event=not+a+number", 200),
    ],
)
async def test_query_is_bounded_and_otherwise_taken_as_it_is(
    hooks: Hooks, query: str, code: int
) -> None:
    async with client_of(hooks) as client:
        assert (await client.get(f"/hooks/voispeed/s3cret?{query}")).status_code == code


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (b"a=perch%C3%A9", "perché"),
        (b"a=perch%E9", "perché"),
        (b"a=perch\xe9", "perché"),
        (b"a=one&a=two", "two"),
        (b"a=x%00%0D%0Ay", "x   y"),
        (b"a=", ""),
    ],
)
def test_query_is_read_whatever_its_encoding(query: bytes, value: str) -> None:
    assert read_query(query) == {"a": value}


async def test_token_that_the_switch_repeats_is_not_stored(hooks: Hooks, sink: Sink) -> None:
    async with client_of(hooks) as client:
        await client.get("/hooks/voispeed/s3cret?event=4&token=hush")
    assert sink.kept[0][1].payload == {"event": "4"}


async def test_refusals_are_logged_once_in_a_while_and_never_with_the_query(hooks: Hooks) -> None:
    hooks.serve([make_route(allow=("192.0.2.0/24",))])
    with capture_logs() as lines:
        async with client_of(hooks) as client:
            for _ in range(5):
                await client.get("/hooks/voispeed/s3cret?number=%2B390733123456")
    assert [line["event"] for line in lines] == ["hook_refused"]
    assert "390733123456" not in str(lines)
    assert "s3cret" not in str(lines)


async def test_hook_answers_over_a_real_socket(hooks: Hooks, sink: Sink) -> None:
    async with serving(hooks) as base, httpx.AsyncClient(trust_env=False) as client:
        for n in range(3):
            reply = await client.get(f"{base}/hooks/voispeed/s3cret?event={n}")
            assert reply.text == "ok\n"
    assert len(sink.kept) == 3
