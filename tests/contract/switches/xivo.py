"""XiVO for the contract suite: the simulated xuc server, and the event stream of the links."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from dialer.events import (
    CallAnswered,
    CallEnded,
    CallJoined,
    CallRinging,
    CallStarted,
    EndedBy,
    SwitchEvent,
)
from dialer.model import SwitchId
from offhook.link_stream import LinkStream
from offhook.simulator.config import make_users
from offhook.simulator.faults import Fault, FaultKind
from offhook.simulator.model import EntityKind
from offhook.simulator.population import Behaviour, PersonKind
from offhook.simulator.xivo_config import XivoConfig, agent_id_of, login_of
from offhook.simulator.xivo_serve import XivoSimulator, running_xivo
from offhook.switches.base import ConnectsAgents, SwitchAdapter
from offhook.switches.dialled import NumberFormat
from offhook.switches.registry import HookRules, OpenSwitch, SwitchConfig
from offhook.switches.xivo.connector import XivoConnector
from offhook.switches.xivo.settings import XivoSettings
from offhook.switches.xivo.stream import XivoStream
from offhook.switches.xivo.switch import XivoSwitch
from tests.contract.switches.harness import PATIENCE_S, Act, Break, Inbox, Lie, Person, now

_COMMANDS = {
    Act.place: "dialFromQueue",
    Act.hang_up: "hangup",
    Act.snapshot: "getCurrentCallsPhoneEvents",
}
_BREAKS = {
    Break.server_error: FaultKind.status_500,
    Break.web_page: FaultKind.html,
    Break.half_reply: FaultKind.half_reply,
    Break.reset: FaultKind.reset,
    Break.silence_after_acting: FaultKind.act_then_timeout,
    Break.slow: FaultKind.latency,
    Break.refusal: FaultKind.refuse,
}
_LIES = {
    Lie.duplicate: FaultKind.event_duplicate,
    Lie.reorder: FaultKind.event_reorder,
    Lie.drop: FaultKind.event_drop,
}
_EVENTS: dict[type[SwitchEvent], str] = {
    CallStarted: "EventRinging",
    CallRinging: "EventDialing",
    CallAnswered: "EventEstablished",
    CallJoined: "EventEstablished",
    CallEnded: "EventReleased",
}
_BY = {EndedBy.customer: EntityKind.gateway, EndedBy.agent: EntityKind.user}


@dataclass
class _Posted:
    """Takes the snapshots that the stream gives to campaigns."""

    snapshots: list[Any] = field(default_factory=list)

    async def read(self, cursors: Any, *, limit: int) -> list[Any]:
        return []

    async def wait(self, channels: Any, *, timeout: float) -> None:
        await asyncio.sleep(timeout)

    async def post(self, channel: str, *, event: Any, key: str, now: Any) -> None:
        self.snapshots.append(event)


class XivoHarness:
    """The simulator's xuc face and the XiVO adapter."""

    family = "xivo"
    trunk = "1"
    fails_later = False

    def __init__(self, simulator: XivoSimulator, adapter: XivoSwitch, inbox: Inbox) -> None:
        self._simulator = simulator
        self.adapter: SwitchAdapter = adapter
        self.inbox = inbox
        self.connector: ConnectsAgents = XivoConnector(xivo_settings(simulator), adapter.client)
        self.agents = tuple(str(agent_id_of(user)) for user in simulator.config.users)

    def person(self, number: str, person: Person) -> None:
        self._simulator.face.pbx.scripts[number] = [
            Behaviour(
                kind=PersonKind(person.kind),
                ring_s=person.ring_s,
                talk_s=person.talk_s,
                patience_s=person.patience_s,
            )
        ]

    def extension(self, agent: str) -> str:
        users = self._simulator.config.users
        return next(user.extension for user in users if str(agent_id_of(user)) == agent)

    def no_phone(self, agent: str) -> None:
        users = self._simulator.config.users
        user = next(user for user in users if str(agent_id_of(user)) == agent)
        self._simulator.face.pbx.users[user.id].phone_dead = True

    def break_next(self, act: Act, how: Break) -> None:
        self._simulator.faults.add(
            Fault(kind=_BREAKS[how], service=_COMMANDS[act], next=1, delay_s=2.0)
        )

    def lie(self, what: Lie, *, about: str, only: type[SwitchEvent] | None = None) -> None:
        event = _EVENTS[only] if only else None
        self._simulator.faults.add(Fault(kind=_LIES[what], extid=about, event=event))

    def hang_up(self, correlator: str, by: EndedBy) -> None:
        pbx = self._simulator.face.pbx
        call = next(call for call in pbx.calls.values() if call.extid == correlator)
        leg = next(leg for leg in call.legs() if leg.entity.kind is _BY[by])
        pbx.hang_up(call, leg)

    def times_rung(self, number: str) -> int:
        return self._simulator.face.pbx.recorder.times_dialled[number]

    def times_asked(self, act: Act) -> int:
        return self._simulator.face.services[_COMMANDS[act]]

    def in_progress(self) -> int:
        return len(self._simulator.face.pbx.calls)

    async def go_away(self) -> None:
        await self._simulator.stop()


def xivo_settings(simulator: XivoSimulator, **change: Any) -> XivoSettings:
    """Settings for a simulator, with short times."""
    config = simulator.config
    given: dict[str, Any] = {
        "base_url": simulator.url,
        "login": "admin",
        "agent_logins": tuple(login_of(user) for user in config.users),
        "password": SecretStr(config.token),
        "number_format": NumberFormat.e164,
        "reply_timeout": timedelta(seconds=0.5),
        "reconnect_first": timedelta(milliseconds=50),
        **change,
    }
    return XivoSettings(**given)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - another program's state
            await asyncio.sleep(0.01)


@asynccontextmanager
async def xivo_harness() -> AsyncIterator[XivoHarness]:
    """A fresh PBX, 25 times as fast as life, with the adapter and the event path."""
    async with running_xivo(XivoConfig(speed=25, users=make_users(2))) as simulator:
        settings = xivo_settings(simulator)
        adapter = XivoSwitch(settings, link="contract")
        inbox, posted = Inbox(translate=adapter.translate), _Posted()
        config = SwitchConfig(
            switch_id=SwitchId("s"),
            family="xivo",
            name="contract",
            settings={},
            secret="",
            hook_secret="",
        )
        opened = OpenSwitch(
            config=config,
            adapter=adapter,
            hook=HookRules(),
            inventory=adapter.inventory,
            stream=XivoStream(settings, link="contract"),
        )
        stream = LinkStream(opened, inbox, posted, lambda *_: None, clock=now)
        listening = asyncio.create_task(stream.run())
        await _until(lambda: len(simulator.face.connections) > len(settings.agent_logins))
        await _until(lambda: bool(posted.snapshots))
        try:
            yield XivoHarness(simulator, adapter, inbox)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await adapter.aclose()
