"""The process that faces the switches: receives their events and watches their health.

One task a switch asks it now and then what it has; what changed goes to the tables and, as an
event, into the switch's inbox channel, where every campaign that dials through it reads it. Nothing
here is on the way between an answered customer and an agent except the hook itself. Switches that
are added, changed or removed are noticed within two seconds.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

import structlog

from activities.ports import Inbox, StoreUnavailable, switch_channel
from dialer.events import AgentChanged, TrunksChanged
from dialer.model import Agent, SwitchId, Trunk
from dialer.switching import AgentView, SwitchError, SwitchSnapshot, TrunkView
from offhook.api.hooks import HookRoute, Hooks, HookStatus
from offhook.errors import OffhookError
from offhook.link_orphans import Orphans
from offhook.link_says import Teller, say_for_ever
from offhook.link_stream import EventLog, LinkStream, StreamHealth
from offhook.switches.base import CallerDesk
from offhook.switches.ivr_script import ScriptRoute, script_route
from offhook.switches.registry import OpenSwitch, SwitchConfig, open_switch
from offhook.telemetry import counter

log = structlog.get_logger()

RELOAD_EVERY = timedelta(seconds=2)
LOOK_EVERY = timedelta(seconds=5)
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(seconds=30)
RECORDING_GRACE = timedelta(seconds=10)
"""What an engine that lives needs to close a recording itself, and more than a look takes."""

_LOOKS = counter(
    "dialer_link_looks_total",
    "Times a switch was asked what it has, by family and result.",
    labels=("family", "result"),
)


class LinkState(StrEnum):
    """How a link is."""

    connecting = "connecting"
    up = "up"
    down = "down"
    misconfigured = "misconfigured"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """What the process knows of one switch, for `switch list` and people who look."""

    switch_id: SwitchId
    name: str
    family: str
    state: LinkState = LinkState.connecting
    since: datetime
    detail: str = ""
    looked_at: datetime | None = None
    calls: int = 0
    stream: str = ""
    """How the event stream is, in families that have one: connecting, up or down."""
    stream_detail: str = ""
    agents_reachable: int = 0
    lines: int = 0
    busy_lines: int = 0


class ScriptServer(Protocol):
    """Answers the responders of switches (`offhook.api.ivr_hook.IvrHook`)."""

    def serve(self, routes: Sequence[ScriptRoute]) -> None:
        """Answer exactly these from now on."""
        ...


class LinkStore(Protocol):
    """What the links read and write of the record; failures are `StoreUnavailable`."""

    async def switches(self) -> Sequence[SwitchConfig]: ...
    async def agents(self, switch: SwitchId) -> Sequence[Agent]: ...
    async def trunks(self, switch: SwitchId) -> Sequence[Trunk]: ...
    async def save_reachable(self, switch: SwitchId, reachable: dict[str, bool]) -> None:
        """Write whether the agents at these addresses can be called."""
        ...

    async def save_trunks(self, switch: SwitchId, trunks: Sequence[Trunk]) -> None:
        """Write lines and `enabled` of these trunks."""
        ...

    async def open_correlators(self, switch: SwitchId) -> Set[str]:
        """The attempts and parks on the switch that somebody minds."""
        ...


class LeftRecordings(Protocol):
    """Closes recordings whose engine died and whose customer has left."""

    async def close_left(
        self, switch: str, present: Collection[str], *, quiet_since: datetime, now: datetime
    ) -> Sequence[str]:
        """Close those of no call that is `present` and untouched since then; their names."""
        ...


@dataclass(slots=True)
class _Running:
    opened: OpenSwitch
    tasks: "tuple[asyncio.Task[None], ...]"


@dataclass(slots=True)
class Links:
    """Keeps one watcher per stored switch, and the hook's routes in step with them."""

    store: LinkStore
    inbox: Inbox
    hooks: Hooks
    events: EventLog | None = None
    """Where the events of streams are committed; without it none is read."""
    recordings: LeftRecordings | None = None
    """Where recordings that no engine closed are closed; without it they wait for a take-over."""
    teller: Teller | None = None
    """Told all the time which switches are watched; without it nothing is placed on them."""
    scripts: ScriptServer | None = None
    """Where responders ask what to do; without it none is answered."""
    desk: CallerDesk | None = None
    """What callers are served with; without it none is answered."""
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    look_every: timedelta = LOOK_EVERY
    reload_every: timedelta = RELOAD_EVERY
    status: dict[SwitchId, LinkStatus] = field(default_factory=dict)
    _running: dict[SwitchId, _Running] = field(default_factory=dict)
    _bad: dict[SwitchId, SwitchConfig] = field(default_factory=dict)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch for the length of the block."""
        tasks = [asyncio.create_task(self._reload_for_ever(), name="links")]
        if self.teller is not None:
            saying = say_for_ever(self.teller, self._heard)
            tasks.append(asyncio.create_task(saying, name="watch said"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for switch in list(self._running):
                await self._stop(switch)

    async def reload(self) -> None:
        """Read the switches and start, restart or stop watchers to match; one that died of a bug is
        started again, because a switch that nobody listens to strands its customers.
        """
        wanted = {config.switch_id: config for config in await self.store.switches()}
        for switch, running in list(self._running.items()):
            dead = [task for task in running.tasks if task.done() and not task.cancelled()]
            for task in dead:
                log.error("link_task_died", switch=switch, task=task.get_name(),
                          exc_info=task.exception())  # fmt: skip
            if dead or wanted.get(switch) != running.opened.config:
                await self._stop(switch)
        for switch in set(self.status) - set(wanted):
            del self.status[switch]
        for switch, config in wanted.items():
            if switch not in self._running:
                self._start(config)
        self.hooks.serve(
            route(running.opened)
            for running in self._running.values()
            if running.opened.stream is None
        )

        if self.scripts is not None:
            found = [script_route(running.opened.config) for running in self._running.values()]
            self.scripts.serve([one for one in found if one is not None])

    async def _reload_for_ever(self) -> None:
        while True:
            try:
                await self.reload()
            except StoreUnavailable as error:
                log.warning("links_cannot_read_switches", error=str(error))
            await asyncio.sleep(self.reload_every.total_seconds())

    def _heard(self) -> list[SwitchId]:
        return [switch for switch, running in self._running.items() if self._hears(running)]

    def _hears(self, running: _Running) -> bool:
        """Whether events of a switch reach us: its stream is up, or it delivers them itself."""
        status = self.status.get(running.opened.config.switch_id)
        return running.opened.stream is None or (status is not None and status.stream == "up")

    def _start(self, config: SwitchConfig) -> None:
        if self._bad.get(config.switch_id) == config:
            return  # told already
        status = LinkStatus(
            switch_id=config.switch_id,
            name=config.name,
            family=config.family,
            since=self.clock(),
        )
        try:
            opened = open_switch(config)
        except OffhookError as error:
            log.error("link_misconfigured", switch=config.switch_id, code=error.code)
            self._bad[config.switch_id] = config
            self.status[config.switch_id] = replace(
                status, state=LinkState.misconfigured, detail=error.message
            )
            return
        self.status[config.switch_id] = status
        watcher = _Watcher(self, opened)
        tasks = [asyncio.create_task(watcher.run(), name=f"link {config.switch_id}")]
        if opened.callers is not None and self.desk is not None:
            opened.callers.serve(self.desk)
        if opened.stream is not None and self.events is not None:
            stream = LinkStream(opened, self.events, self.inbox, self._told, clock=self.clock)
            tasks.append(asyncio.create_task(stream.run(), name=f"events {config.switch_id}"))
        self._running[config.switch_id] = _Running(opened, tuple(tasks))

    def _told(self, switch: SwitchId, health: StreamHealth) -> None:
        """Show how an event stream is, where people look for it."""
        shown = self.hooks.status.setdefault(switch, HookStatus())
        shown.counts["stored"] = health.stored
        shown.last_at = health.last_at
        if switch in self.status:
            self.status[switch] = replace(
                self.status[switch], stream=health.state, stream_detail=health.detail
            )

    async def _stop(self, switch: SwitchId) -> None:
        running = self._running.pop(switch)
        for task in running.tasks:
            task.cancel()
        await asyncio.gather(*running.tasks, return_exceptions=True)
        if running.opened.callers is not None:
            await running.opened.callers.aclose()
        await running.opened.adapter.aclose()


def route(opened: OpenSwitch) -> HookRoute:
    """How the hook receives for a switch."""
    return HookRoute(
        switch_id=opened.config.switch_id,
        family=opened.config.family,
        secret=opened.config.hook_secret,
        file=opened.adapter.file,
        allow=opened.hook.allow,
        dropped=opened.hook.dropped,
    )


class _Watcher:
    """Looks at one switch for ever; slower and slower while it doesn't answer."""

    def __init__(self, links: Links, opened: OpenSwitch) -> None:
        self._links = links
        self._opened = opened
        self._switch = opened.config.switch_id
        self._trunks: tuple[TrunkView, ...] | None = None
        self._orphans = Orphans(opened.adapter)

    async def run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                seen = await self._opened.adapter.snapshot()
            except SwitchError as error:
                self._failed(error)
                wait, pause = pause, min(pause * 2, LONGEST_PAUSE)
            else:
                wait, pause = self._links.look_every, FIRST_PAUSE
                self._answered(seen)
                try:
                    await self._tell(seen)
                except StoreUnavailable as error:
                    log.warning("link_cannot_store", switch=self._switch, error=str(error))
            await asyncio.sleep(wait.total_seconds() * random.uniform(0.8, 1.2))

    def _failed(self, error: SwitchError) -> None:
        _LOOKS.labels(self._opened.config.family, error.code).inc()
        status = self._links.status[self._switch]
        if status.state is not LinkState.down:
            log.warning("link_down", switch=self._switch, code=error.code, error=str(error))
            status = replace(status, state=LinkState.down, since=self._links.clock())
        self._links.status[self._switch] = replace(
            status, detail=str(error)[:300], looked_at=self._links.clock()
        )

    def _answered(self, seen: SwitchSnapshot) -> None:
        _LOOKS.labels(self._opened.config.family, "ok").inc()
        status = self._links.status[self._switch]
        if status.state is not LinkState.up:
            log.info("link_up", switch=self._switch, trunks=len(seen.trunks))
            status = replace(status, state=LinkState.up, since=self._links.clock())
        self._links.status[self._switch] = replace(
            status,
            detail="",
            looked_at=self._links.clock(),
            calls=len(seen.calls),
            agents_reachable=sum(agent.reachable for agent in seen.agents),
            lines=sum(trunk.lines for trunk in seen.trunks if trunk.enabled),
            busy_lines=sum(trunk.busy_lines for trunk in seen.trunks),
        )

    async def _tell(self, seen: SwitchSnapshot) -> None:
        """Post what changed, then write it: a crash between the two posts it again."""
        await self._tell_agents(seen.agents)
        # How many lines are busy changes all the time and is the engine's own business.
        trunks = tuple(replace(trunk, busy_lines=0) for trunk in seen.trunks)
        if trunks != self._trunks:
            await self._tell_trunks(trunks)
            self._trunks = trunks
        if self._opened.names_are_ours:
            minded = await self._links.store.open_correlators(self._switch)
            await self._orphans.end(seen.calls, minded, self._links.clock())
        await self._close_recordings(seen)

    async def _close_recordings(self, seen: SwitchSnapshot) -> None:
        can = self._opened.adapter.capabilities
        recordings = self._links.recordings
        if recordings is None or not (can.records_calls and can.lists_calls):
            return
        now = self._links.clock()
        closed = await recordings.close_left(
            self._switch,
            [view.correlator for view in seen.calls],
            quiet_since=now - RECORDING_GRACE,
            now=now,
        )
        if closed:
            log.warning("recordings_closed", switch=self._switch, count=len(closed))

    async def _tell_agents(self, views: Sequence[AgentView]) -> None:
        reachable = {view.address: view.reachable for view in views}
        changed: dict[str, bool] = {}
        for agent in await self._links.store.agents(self._switch):
            # An agent whom the switch doesn't know any more can't be called either.
            now_reachable = reachable.get(agent.address, False)
            if now_reachable != agent.reachable:
                changed[agent.address] = now_reachable
                await self._post_agent(replace(agent, reachable=now_reachable))
        if changed:
            await self._links.store.save_reachable(self._switch, changed)

    async def _post_agent(self, agent: Agent) -> None:
        now = self._links.clock()
        log.info("agent_reachable", agent=agent.agent_id, reachable=agent.reachable)
        await self._links.inbox.post(
            switch_channel(self._switch),
            event=AgentChanged(agent=agent),
            key=f"agent {agent.agent_id} {now.isoformat()}",
            now=now,
        )

    async def _tell_trunks(self, views: Sequence[TrunkView]) -> None:
        seen = {view.address: view for view in views}
        before = tuple(await self._links.store.trunks(self._switch))
        after = tuple(
            replace(trunk, lines=view.lines, enabled=view.enabled)
            if (view := seen.get(trunk.address))
            else replace(trunk, enabled=False)
            for trunk in before
        )
        if after == before:
            return
        now = self._links.clock()
        await self._links.inbox.post(
            switch_channel(self._switch),
            event=TrunksChanged(trunks=after),
            key=f"trunks {now.isoformat()}",
            now=now,
        )
        await self._links.store.save_trunks(self._switch, after)
