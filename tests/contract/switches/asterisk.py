"""A real Asterisk for the contract suite, with telephones and a proxy that are told what to do."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from yarl import URL

from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
    EndedBy,
    Event,
    SnapshotTaken,
    SwitchEvent,
)
from dialer.model import SwitchId
from offhook.link_stream import LinkStream, StreamHealth
from offhook.pbx.asterisk import RunningAsterisk
from offhook.switches.asterisk.client import AriClient
from offhook.switches.asterisk.connector import AsteriskConnector
from offhook.switches.asterisk.names import Names, Part
from offhook.switches.asterisk.settings import AsteriskSettings, TrunkLine
from offhook.switches.asterisk.stream import AsteriskStream
from offhook.switches.asterisk.switch import AsteriskSwitch
from offhook.switches.base import ConnectsAgents, SwitchAdapter
from offhook.switches.registry import HookRules, OpenSwitch, SwitchConfig
from tests.contract.switches.harness import PATIENCE_S, Act, Break, Inbox, Lie, Person, now
from tests.support.asterisk import end_every_call
from tests.support.fault_proxy import FaultProxy, Mistreat, Wrong, fault_proxy
from tests.support.sip_phones import Phone, SipPhones, sip_phones

TRUNK = "PJSIP/{number}@carrier"

_BREAKS = {
    Break.server_error: Wrong.server_error,
    Break.web_page: Wrong.web_page,
    Break.half_reply: Wrong.half_reply,
    Break.reset: Wrong.reset,
    Break.silence_after_acting: Wrong.silence_after_acting,
    Break.slow: Wrong.slow,
    Break.refusal: Wrong.refusal,
}
_LIES = {
    Lie.duplicate: Mistreat.duplicate,
    Lie.reorder: Mistreat.reorder,
    Lie.drop: Mistreat.drop,
}
_EVENTS: dict[type[SwitchEvent], tuple[str, str]] = {
    CallStarted: ("ChannelCreated", ""),
    CallRinging: ("ChannelStateChange", "Ringing"),
    CallAnswered: ("ChannelStateChange", "Up"),
    CallHeld: ("StasisStart", ""),
    CallJoined: ("ChannelEnteredBridge", ""),
    CallEnded: ("ChannelDestroyed", ""),
}
_CODES = {"busy": 486, "rejected": 603, "unavailable": 480}
_apps = itertools.count(1)


@dataclass
class Orders:
    """What the stream posts beside the events: snapshots for the campaigns."""

    snapshots: list[SnapshotTaken] = field(default_factory=list)

    async def post(self, channel: str, *, event: Event, key: str, now: datetime) -> None:
        del channel, key, now
        if isinstance(event, SnapshotTaken):
            self.snapshots.append(event)

    async def read(self, cursors: object, *, limit: int) -> list[Any]:
        """Not asked by a stream."""
        raise NotImplementedError

    async def wait(self, channels: object, *, timeout: float) -> None:
        """Not asked by a stream."""
        raise NotImplementedError


class AsteriskHarness:
    """A real Asterisk behind a proxy, telephones on its lines, and the adapter."""

    family = "asterisk"
    trunk = TRUNK
    agents: tuple[str, ...] = ("PJSIP/agent1", "PJSIP/agent2")
    fails_later = False

    def __init__(
        self, proxy: FaultProxy, carrier: SipPhones, desks: SipPhones, settings: AsteriskSettings
    ) -> None:
        self.proxy, self.carrier, self.desks, self.settings = proxy, carrier, desks, settings
        self.names = Names(settings.app)
        self.client = AriClient(settings, "contract")
        self.switch = AsteriskSwitch(settings, link="contract", client=self.client)
        self.adapter: SwitchAdapter = self.switch
        self.connector: ConnectsAgents = AsteriskConnector(self.client, link="contract")
        self.inbox = Inbox(translate=self.switch.translate)
        self.orders = Orders()
        self.health: list[StreamHealth] = []
        proxy.kind = lambda method, path: self._kind(method, path).value

    def person(self, number: str, person: Person) -> None:
        if person.kind == "answer":
            self.carrier.scripts[number] = Phone(ring_s=person.ring_s)
        elif person.kind == "no_answer":
            self.carrier.scripts[number] = Phone(ring_s=person.ring_s, answer=480)
        else:
            self.carrier.scripts[number] = Phone(ring_s=None, answer=_CODES[person.kind])

    def extension(self, agent: str) -> str:
        return agent.removeprefix("PJSIP/")

    def no_phone(self, agent: str) -> None:
        self.desks.scripts[agent.removeprefix("PJSIP/")] = Phone(answer=None)

    def break_next(self, act: Act, how: Break) -> None:
        self.proxy.next(lambda method, path: self._kind(method, path) is act, _BREAKS[how])

    def lie(self, what: Lie, *, about: str, only: type[SwitchEvent] | None = None) -> None:
        channel = self.names.of(about)

        def matches(event: dict[str, Any]) -> bool:
            found = event.get("channel") or event.get("peer") or {}
            kind, state = _EVENTS[only] if only else ("", "")
            return (
                found.get("id") == channel
                and kind in ("", event["type"])
                and state in ("", found.get("state"))
            )

        self.proxy.lie(matches, _LIES[what])

    def hang_up(self, correlator: str, by: EndedBy) -> None:
        del correlator  # one call at a time
        phones = self.carrier if by is EndedBy.customer else self.desks
        for call in list(phones.calls):
            phones.hang_up(call.user)

    def times_rung(self, number: str) -> int:
        return self.carrier.rung[number]

    def times_asked(self, act: Act) -> int:
        return self.proxy.asked[act.value]

    def in_progress(self) -> int:
        return sum(not call.over for call in self.carrier.calls)

    async def go_away(self) -> None:
        await self.proxy.stop()

    def _kind(self, method: str, path: str) -> Act:
        """Which command a request is; a question, or what the stream does, is a snapshot."""
        found = re.match(r"/ari/(?:channels|bridges)/([^/]+)(/.*)?$", path)
        if found is None or method == "GET":
            return Act.snapshot
        named, rest = self.names.read(URL(found[1], encoded=True).path), found[2] or ""
        part = named.part if named else Part.other
        if method == "DELETE":
            return Act.hang_up
        if rest.startswith("/play"):
            return Act.play_message
        if rest.startswith("/addChannel"):
            return Act.join
        return {Part.agent: Act.park, Part.diverted: Act.divert}.get(part, Act.place)


def settings_of(pbx: RunningAsterisk, url: str, app: str, **more: Any) -> AsteriskSettings:
    """How the adapter reaches a private Asterisk at an address."""
    values: dict[str, Any] = {
        "base_url": f"{url}/ari",
        "username": pbx.user,
        "password": SecretStr(pbx.password),
        "app": app,
        "trunks": (TrunkLine(address=TRUNK, lines=30),),
        "message_media": "sound:hello-world",
        "park_timeout": timedelta(seconds=1),
        "divert_timeout": timedelta(seconds=2),
        "read_timeout": timedelta(seconds=1),
        "total_timeout": timedelta(seconds=3),
    }
    return AsteriskSettings(**{**values, **more})


@asynccontextmanager
async def asterisk_harness(pbx: RunningAsterisk, **more: Any) -> AsyncIterator[AsteriskHarness]:
    """The session's PBX with fresh telephones, an application of its own and its event stream."""
    origin = pbx.ari_url.removesuffix("/ari")
    app = f"suite{next(_apps)}"
    async with (
        sip_phones(pbx.plan.carrier_port) as carrier,
        sip_phones(pbx.plan.agents_port) as desks,
        fault_proxy(origin) as proxy,
    ):
        harness = AsteriskHarness(proxy, carrier, desks, settings_of(pbx, proxy.url, app, **more))
        async with streaming(harness):
            try:
                yield harness
            finally:
                await end_every_call(pbx, patience_s=PATIENCE_S)
        await harness.client.aclose()


@asynccontextmanager
async def streaming(harness: AsteriskHarness) -> AsyncIterator[None]:
    """Read the PBX's events as production does, from the moment the block begins."""
    config = SwitchConfig(
        switch_id=SwitchId("s"), family="asterisk", name="contract", settings={}, secret="",
        hook_secret="",
    )  # fmt: skip
    opened = OpenSwitch(
        config=config,
        adapter=harness.adapter,
        hook=HookRules(),
        inventory=harness.switch.inventory,
        stream=AsteriskStream(harness.client, link="contract", look_every=timedelta(seconds=1)),
    )
    stream = LinkStream(
        opened, harness.inbox, harness.orders, lambda _, health: harness.health.append(health),
        clock=now,
    )  # fmt: skip
    task = asyncio.create_task(stream.run())
    try:
        await until(lambda: bool(harness.orders.snapshots))
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Any) -> None:
    """Wait until the PBX or the stream has come so far."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - another program's state
            await asyncio.sleep(0.01)
