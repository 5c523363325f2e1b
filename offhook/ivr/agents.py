"""Who takes a caller: the most suitable agent, reserved by a lease, one look at a time.

Each look serves the queue in its order: callers who came before choose first, in thought, and an
agent whom one of them would get is not given to this one. So nobody overtakes, whichever worker
looks first, and an agent whom nobody ahead can use doesn't wait for them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from activities.ivr_contracts import AgentFound, AgentSearch, LeaveQueue, SeekAgent
from dialer.model import AgentId
from ivr.routing import CallerId, QueuePolicy, admits, in_order
from offhook.ivr.queue_order import choose, could_take, places
from offhook.ivr.queue_watch import QueueWatch
from offhook.storage.agent_routing import Floor, Queued, RoutingStore, SwitchQueue
from offhook.storage.pool import Pool

log = structlog.get_logger()

SILENT = timedelta(seconds=60)
"""A session that hasn't asked for so long waits no more."""
OFFER_LEASE = timedelta(seconds=60)
"""How long an agent is kept for a caller who is being connected."""
TALK_LEASE = timedelta(minutes=10)
"""How long an agent is kept who took a caller, unless the end of the talk is told before."""


@dataclass(frozen=True)
class PostgresAgentFinder:
    """Implements `activities.ivr.AgentFinder`."""

    pool: Pool
    clock: Callable[[], datetime]
    policy: QueuePolicy = field(default_factory=QueuePolicy)
    offer_lease: timedelta = OFFER_LEASE
    talk_lease: timedelta = TALK_LEASE
    watch: QueueWatch = field(init=False, repr=False)

    def __post_init__(self) -> None:
        watch = QueueWatch(RoutingStore(self.pool), self.clock, self.policy)
        object.__setattr__(self, "watch", watch)

    async def find(self, request: SeekAgent) -> AgentSearch:
        """Look once: join the queue or stay in it, and reserve an agent if it is this caller's
        turn. Repeated after an agent was reserved, it tells the same agent while the lease lasts.
        """
        now = self.clock()
        async with RoutingStore(self.pool).locked(request.switch_id, now=now) as switch:
            await switch.tidy(SILENT)
            if not await switch.waits(request):
                return AgentSearch(outcome="nobody")
            if request.refused is not None:
                await switch.refuse(request.session_id, request.refused)
            reserved = await switch.offered(request.session_id)
            if reserved is not None:
                await switch.stay(request.session_id)
                return AgentSearch(outcome="reserved", agent=reserved)
            return await self._look(switch, request)

    async def stirred(self, request: SeekAgent, *, within: timedelta) -> bool:
        """Wait until another look may bring the caller something new; false if nothing has
        changed so long.
        """
        return await self.watch.stirred(request, within=within)

    async def leave(self, request: LeaveQueue) -> None:
        """Give back the place, and the agent unless connected; nothing if there is none."""
        store, now = RoutingStore(self.pool), self.clock()
        if not request.connected:
            await store.leave(request.session_id, now=now)
        elif not await store.connected(request.session_id, now=now, until=now + self.talk_lease):
            log.warning("agent_lease_over", session=request.session_id)

    async def _look(self, switch: SwitchQueue, request: SeekAgent) -> AgentSearch:
        waiting = {one.waiting.caller: one for one in await switch.waiting()}
        caller = CallerId(request.session_id)
        if caller not in waiting:
            same = [one for one in waiting.values() if one.queue == (request.needs.group or "")]
            if not admits(len(same), self.policy):
                return AgentSearch(outcome="nobody")
            await switch.join(request)
            waiting = {one.waiting.caller: one for one in await switch.waiting()}
        else:
            await switch.stay(request.session_id)
        floor = await switch.floor()
        me = await self._with_tried(switch, waiting[caller], request.refused, floor)
        waiting[caller] = me
        if not could_take(me.needs, floor, switch.now):
            return AgentSearch(outcome="nobody")
        if switch.now >= request.since + request.max_wait:
            return AgentSearch(outcome="timeout")
        callers = in_order((one.waiting for one in waiting.values()), self.policy)
        order = [waiting[one.caller] for one in callers]
        chosen = choose(caller, order, floor, switch.now)
        if chosen is None:
            return AgentSearch(outcome="waiting", position=places(order)[caller])
        await switch.offer(request, chosen, switch.now + self.offer_lease)
        found = floor[chosen.agent_id]
        return AgentSearch(
            outcome="reserved",
            agent=AgentFound(
                agent_id=chosen.agent_id,
                address=found.address,
                number=found.number,
                reasons=chosen.reasons,
            ),
        )

    async def _with_tried(
        self,
        switch: SwitchQueue,
        me: Queued,
        refused: AgentId | None,
        floor: Mapping[AgentId, Floor],
    ) -> Queued:
        """The caller with those tried in vain; once it is everybody, all are asked again."""
        if refused is None:
            return me
        tried = me.tried | {refused}
        if not could_take(me.needs, floor, switch.now, tried=tried):
            tried = frozenset[AgentId]()
        await switch.set_tried(me.waiting.caller, sorted(tried))
        return replace(me, tried=frozenset(tried))
