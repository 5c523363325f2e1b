"""VOIspeed for the contract suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from pydantic import SecretStr

from dialer.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallJoined,
    CallRinging,
    CallStarted,
    EndedBy,
    SwitchEvent,
)
from offhook.simulator.config import (
    GATEWAY,
    HOLD_IVR,
    MESSAGE_IVR,
    RECEPTION_IVR,
    SimulatorConfig,
)
from offhook.simulator.faults import Fault, FaultKind
from offhook.simulator.model import EntityKind
from offhook.simulator.population import Behaviour, PersonKind
from offhook.simulator.serve import Simulator, running_simulator
from offhook.switches.base import ConnectsAgents, SwitchAdapter
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.connector import VoispeedConnector
from offhook.switches.voispeed.settings import VoispeedSettings
from offhook.switches.voispeed.switch import VoispeedSwitch
from tests.contract.switches.harness import Act, Break, Inbox, Lie, Person, event_path

_SERVICES = {
    Act.place: "call_request_ext",
    Act.park: "call_request_ext",
    Act.join: "call_transfer_ext",
    Act.divert: "call_divert_ext",
    Act.play_message: "call_divert_ext",
    Act.hang_up: "call_terminate",
    Act.snapshot: "get_current_calls",
}
_BREAKS = {
    Break.server_error: FaultKind.status_500,
    Break.web_page: FaultKind.html,
    Break.half_reply: FaultKind.half_reply,
    Break.reset: FaultKind.reset,
    Break.silence_after_acting: FaultKind.act_then_timeout,
    Break.slow: FaultKind.latency,
    Break.refusal: FaultKind.refuse,
    Break.fails_later: FaultKind.fail_command,
}
_LIES = {
    Lie.duplicate: FaultKind.event_duplicate,
    Lie.reorder: FaultKind.event_reorder,
    Lie.drop: FaultKind.event_drop,
}
_EVENTS: dict[type[SwitchEvent], str] = {
    CallStarted: "call_out",
    CallRinging: "call_progress",
    CallAnswered: "call_response",
    CallHeld: "call_response",
    CallJoined: "call_transfer",
    CallEnded: "call_terminated",
}
_BY = {
    EndedBy.customer: EntityKind.gateway,
    EndedBy.agent: EntityKind.user,
    EndedBy.switch: EntityKind.ivr,
}


class VoispeedHarness:
    """The simulator's VOIspeed face and the VOIspeed adapter."""

    family = "voispeed"
    trunk = GATEWAY
    agents: tuple[str, ...] = ("101", "102")
    fails_later = True

    def __init__(
        self,
        simulator: Simulator,
        adapter: VoispeedSwitch,
        inbox: Inbox,
        connector: VoispeedConnector,
    ) -> None:
        self._simulator = simulator
        self.connector: ConnectsAgents = connector
        self.adapter: SwitchAdapter = adapter
        self.inbox = inbox

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
        return self._simulator.face.pbx.users[agent].extension

    def no_phone(self, agent: str) -> None:
        self._simulator.face.pbx.users[agent].phone_dead = True

    def break_next(self, act: Act, how: Break) -> None:
        self._simulator.faults.add(
            Fault(kind=_BREAKS[how], service=_SERVICES[act], next=1, delay_s=0.1)
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
        return self._simulator.face.pbx.tries[number]

    def times_asked(self, act: Act) -> int:
        return self._simulator.face.services[_SERVICES[act]]

    def in_progress(self) -> int:
        return len(self._simulator.face.pbx.calls)

    async def go_away(self) -> None:
        await self._simulator.stop()


@asynccontextmanager
async def voispeed_harness() -> AsyncIterator[VoispeedHarness]:
    """A fresh PBX, 25 times as fast as life, with the adapter and the event path."""
    config = SimulatorConfig(speed=25)
    async with running_simulator(config) as simulator:
        settings = VoispeedSettings(
            base_url=simulator.url,
            token=SecretStr(config.token),
            reception_ivr=RECEPTION_IVR,
            hold_ivr=HOLD_IVR,
            message_ivr=MESSAGE_IVR,
            zone=config.zone,
            read_timeout=timedelta(seconds=1),
            total_timeout=timedelta(seconds=3),
        )
        client = VoispeedClient(settings, "contract")
        adapter = VoispeedSwitch(settings, link="contract", client=client)
        connector = VoispeedConnector(settings, client, "contract")
        async with event_path(adapter, "voispeed") as (inbox, url):
            await simulator.set_events_urls([url])
            yield VoispeedHarness(simulator, adapter, inbox, connector)
            await simulator.set_events_urls([])
        await adapter.aclose()
