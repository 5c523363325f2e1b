"""The two front ends of the menu machine, each on its own telephone system, with one desk behind.

A front end is made to place all callers at once: a real telephone takes its time.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from activities.ivr_contracts import AgentFound
from dialer.model import AgentId, SwitchId
from ivr.tree import plant
from offhook.api.hooks import Hooks, Receive, Scope, Send
from offhook.api.ivr_hook import IVR_PREFIX, IvrHook
from offhook.inbound import LazyVoice
from offhook.link_watch import route
from offhook.pbx import callers
from offhook.pbx.install import Installed
from offhook.simulator.config import SimulatorConfig
from offhook.simulator.serve import Simulator, running_simulator
from offhook.simulator.voispeed_ivr import CallerScript
from offhook.storage.inbox import RawItem
from offhook.switches.base import CallerDesk
from offhook.switches.ivr_script import script_route
from offhook.switches.registry import SwitchConfig, open_switch
from tests.support.asterisk import real_pbx
from tests.support.ivr_desk import MemoryDesk
from tests.support.serving import serving

SWITCH = SwitchId("pbx")
NUMBER = "0733999"
TREE = """
ivr: contract
language: en
languages: [en, it]
start: menu
prompts:
  hello: {en: Press a key., it: Prema un tasto.}
nodes:
  menu:
    kind: menu
    prompt: hello
    keys: {1: pin, 2: italian, 3: reception}
    wait: 1s
    tries: 2
    no_input: nobody
    no_match: lost
  italian: {kind: language, language: it, next: pin}
  pin:
    kind: pin
    prompt: hello
    input: {length: 4, wait: 2s}
    tries: 2
    ok: agent
    wrong: reception
    locked: lost
    no_input: nobody
  agent: {kind: route, group: support, nobody: nobody, timeout: nobody}
  reception: {kind: transfer, to: 100}
  nobody: {kind: hangup}
  lost: {kind: hangup, prompt: hello}
"""


@dataclass(frozen=True)
class Case:
    """What a caller keys each time he is asked, and where he gets."""

    keys: tuple[str, ...]
    end: str
    through: tuple[str, ...]
    language: str = "en"


CASES: Mapping[str, Case] = {
    "a key leads where the menu says": Case(("3",), "transferred", ("menu", "reception")),
    "silence is asked again, then shown out": Case((), "completed", ("menu", "nobody")),
    "the second question counts": Case(("", "3"), "transferred", ("menu", "reception")),
    "keys that mean nothing, twice": Case(("7", "8"), "completed", ("menu", "lost")),
    "a right PIN reaches an agent": Case(("1", "4829"), "connected", ("menu", "pin", "agent")),
    "a wrong PIN may be tried again": Case(
        ("1", "1111", "4829"), "connected", ("menu", "pin", "agent")
    ),
    "wrong PINs reach the default": Case(
        ("1", "1111", "2222"), "transferred", ("menu", "pin", "reception")
    ),
    "who is locked out is shown out": Case(("1", "6666"), "completed", ("menu", "pin", "lost")),
    "another language goes on": Case(
        ("2", "4829"), "connected", ("menu", "italian", "pin", "agent"), language="it"
    ),
    "who hangs up is gone": Case(("1", "!"), "hung_up", ("menu", "pin")),
}


def number_of(place: int) -> str:
    """The number that the caller of a case calls from."""
    return f"+3907330000{place:02}"


class FrontEndUnderTest(Protocol):
    """One front end, its telephone system running."""

    async def call(self, case: Case, calling: str) -> None:
        """Call, key, and be there until the call is over or has left the tree."""
        ...


def make_desk() -> MemoryDesk:
    """The tree, a PIN, and an agent."""
    return MemoryDesk(
        trees=plant([("contract.yaml", TREE)]).trees,
        routes={NUMBER: "contract"},
        pins={"4829": "customer-7"},
        locked=frozenset({"6666"}),
        agents=[AgentFound(agent_id=AgentId("anna"), address="PJSIP/agent1")],
    )


class NoInbox:
    """Nobody reads events here but the hook of the menus."""

    async def add(self, channel: str, item: RawItem) -> None:
        """Keep nothing."""


@dataclass
class Responder:
    """VOIspeed's: the simulator asks the hook over HTTP."""

    simulator: Simulator
    script_url: str

    async def call(self, case: Case, calling: str) -> None:
        responders = self.simulator.responders
        responders.call(
            CallerScript(script_url=self.script_url, keys=case.keys, calling=calling, called=NUMBER)
        )
        await responders.idle()


@dataclass
class Telephone:
    """SIPp calls a real Asterisk."""

    installed: Installed
    port: int

    async def call(self, case: Case, calling: str) -> None:
        """Prompts are interrupted; where nothing is keyed, the prompt and the wait run out."""
        keys = "".join(";;;" if not one else one if one == "!" else f"{one};" for one in case.keys)
        script = callers.Script(keys=keys, calling=calling, stay_s=8)
        await callers.call(self.installed, sip_port=self.port, number=NUMBER, script=script)


@asynccontextmanager
async def voispeed(desk: MemoryDesk) -> AsyncIterator[FrontEndUnderTest]:
    """The hook, and a simulated PBX with responders that ask it."""
    hook = IvrHook(desk, desk)

    hooks = Hooks(NoInbox(), heard=hook.heard)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        target = hook if scope["path"].startswith(IVR_PREFIX) else hooks
        await target(scope, receive, send)

    async with serving(app) as base:
        events = (f"{base}/hooks/voispeed/secret",)
        async with running_simulator(SimulatorConfig(speed=20, events_urls=events)) as simulator:
            config = SwitchConfig(
                switch_id=SWITCH, family="voispeed", name="pbx", hook_secret="secret",
                settings={"base_url": simulator.url, "reception_ivr": "1", "hold_ivr": "2",
                          "zone": "UTC"},
                secret=simulator.config.token,
            )  # fmt: skip
            asks = script_route(config)
            assert asks is not None
            hook.serve([asks])
            opened = open_switch(config)
            hooks.serve([route(opened)])
            try:
                yield Responder(simulator, f"{base}{IVR_PREFIX}voispeed/secret")
            finally:
                await opened.adapter.aclose()


@asynccontextmanager
async def asterisk(
    desk: MemoryDesk, installed: Installed, home: Path
) -> AsyncIterator[FrontEndUnderTest]:
    """A real one, whose callers are answered here."""
    async with real_pbx(installed, agents=2, phones=0) as pbx:
        config = SwitchConfig(
            switch_id=SWITCH, family="asterisk", name="pbx", hook_secret="secret",
            settings={"base_url": pbx.asterisk.ari_url, "username": pbx.asterisk.user,
                      "destinations": {"100": "PJSIP/agent2"}},
            secret=pbx.asterisk.password,
        )  # fmt: skip
        opened = open_switch(config)
        assert opened.callers is not None
        assert opened.stream is not None
        voice = LazyVoice("", home / "prompts")
        opened.callers.serve(
            CallerDesk(sessions=desk, secrets=desk, routes=desk, voice=voice, audio=home, home=home)
        )
        stream = opened.stream

        async def listen() -> None:
            async with stream.connect() as events:
                async for _ in events:
                    pass

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0.3)
        try:
            yield Telephone(installed, pbx.asterisk.plan.sip_port)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await opened.callers.aclose()
            await opened.adapter.aclose()
