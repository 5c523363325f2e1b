"""Who of a queue would get whom, and which place each has: pure, for a look and for the watch."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from dialer.model import AgentId
from dialer.suitability import Needs, Ranked, rank
from ivr.routing import CallerId, QueuePolicy
from offhook.settings import Settings
from offhook.storage.agent_routing import Floor, Queued


def queue_policy(settings: Settings) -> QueuePolicy:
    """Who may wait for an agent, and who is next."""
    bonus = timedelta(seconds=settings.ivr.vip_bonus_s)
    return QueuePolicy(max_length=settings.ivr.queue_length, vip_bonus=bonus)


def served(
    order: Sequence[Queued], floor: Mapping[AgentId, Floor], now: datetime
) -> Iterator[tuple[CallerId, Ranked]]:
    """Callers in their order, each with the agent left for them once those ahead have chosen."""
    free = {key: one.candidate for key, one in floor.items() if one.candidate.free}
    for one in order:
        if not free:
            return
        ranking = rank(one.needs, free.values(), now=now, tried=one.tried)
        if ranking.suitable:
            yield one.waiting.caller, ranking.suitable[0]
            del free[ranking.suitable[0].agent_id]


def choose(
    caller: CallerId, order: Sequence[Queued], floor: Mapping[AgentId, Floor], now: datetime
) -> Ranked | None:
    """The agent that the caller gets once those ahead have chosen; None if there is none left."""
    return next((agent for who, agent in served(order, floor, now) if who == caller), None)


def could_take(
    needs: Needs, floor: Mapping[AgentId, Floor], now: datetime, *, tried: Collection[AgentId] = ()
) -> bool:
    """Whether somebody on duty could take such a caller, now or once they are free."""
    everybody = [agent.candidate.model_copy(update={"free": True}) for agent in floor.values()]
    return bool(rank(needs, everybody, now=now, tried=tried).suitable)


def places(order: Sequence[Queued]) -> dict[CallerId, int]:
    """The place of everybody in their own queue, from 1."""
    reached: Counter[str] = Counter()
    found: dict[CallerId, int] = {}
    for one in order:
        reached[one.queue] += 1
        found[one.waiting.caller] = reached[one.queue]
    return found
