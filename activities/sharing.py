"""How a dial loop shares lines and agents with the other loops of its switch.

Every second it tells what its engine goes by and takes what it may have from then on. The answer
reaches the engine as events, through the same queue as everything else, and nothing is told again
before they are applied: otherwise an engine could go by more than it has said (ADR 6).
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from activities.ports import DialStore, Lease, Shares
from dialer.engine import Engine
from dialer.events import AgentChanged, AgentWithdrawn, Event, TrunksChanged
from dialer.model import TrunkId
from dialer.sharing import Demand, TrunkDemand

EXCHANGE = timedelta(seconds=1)
SOON = timedelta(milliseconds=200)
"""Between exchanges while shares are moving."""
KEPT = 0.85
"""Of a want that has passed, so that a moment without one gives nothing away."""
AGENTS_KEPT = 3
"""Exchanges that a need for agents is told after it has passed."""


class Sharing:
    """Keeps one engine's shares up to date for as long as `run` runs."""

    def __init__(
        self,
        *,
        store: DialStore,
        engine: Engine,
        clock: Callable[[], datetime],
        apply: Callable[[Event], Awaitable[None]],
        ask: Callable[[Callable[[], Awaitable[Shares]]], Awaitable[Shares]],
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._apply = apply
        self._ask = ask
        self._wanted: dict[TrunkId, TrunkDemand] = {}
        self._agents: deque[int] = deque(maxlen=AGENTS_KEPT)
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Exchange at once: something about the switch has changed."""
        self._nudged.set()

    async def run(self, lease: Lease) -> None:
        """Exchange until cancelled; `LeaseLost` ends it too."""
        while True:
            demand = self._demand()
            shares = await self._ask(
                lambda: self._store.share(lease, demand, now=self._clock())  # noqa: B023 (awaited at once)
            )
            for event in self._events(shares):
                await self._apply(event)
            pause = SOON if shares.unsettled else EXCHANGE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._nudged.wait()
            self._nudged.clear()

    def _demand(self) -> Demand:
        demand = self._engine.demand(self._clock())
        self._agents.append(demand.agents)
        self._wanted = {trunk.trunk_id: self._smooth(trunk) for trunk in demand.trunks}
        return replace(demand, agents=max(self._agents), trunks=tuple(self._wanted.values()))

    def _smooth(self, trunk: TrunkDemand) -> TrunkDemand:
        before = self._wanted.get(trunk.trunk_id, trunk)
        return replace(
            trunk,
            wanted=max(trunk.wanted, int(before.wanted * KEPT)),
            rate_wanted=max(trunk.rate_wanted, int(before.rate_wanted * KEPT)),
        )

    def _events(self, shares: Shares) -> Iterator[Event]:
        if shares.trunks != self._engine.trunks:
            yield TrunksChanged(trunks=shares.trunks)
        for agent in shares.agents:
            known = self._engine.agents.get(agent.agent_id)
            # Whether a device can be called the engine hears sooner than the tables do.
            told = agent if known is None else replace(agent, reachable=known.reachable)
            if told != known and not self._engine.is_leaving(agent.agent_id):
                yield AgentChanged(agent=told)
        for agent_id, reason in shares.leaving:
            if agent_id in self._engine.agents:
                yield AgentWithdrawn(agent_id=agent_id, reason=reason)
