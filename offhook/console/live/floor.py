"""What the floor and the pages of campaigns follow: the floor, totals, and the last minutes."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialer.agent import AgentState
from dialer.model import AgentStatus
from offhook.storage.floor_reads import BUCKET, Bucket, Floor, FloorAgent, FloorReads, Totals

SHOWN = timedelta(minutes=15)
"""How far back charts go."""
STEPS = int(SHOWN / BUCKET)
FLOOR_EVERY = timedelta(seconds=1)
MINUTES_EVERY = timedelta(seconds=2)
_SETTLING = timedelta(seconds=90)
"""Calls that began longer ago have ended, or are talks: their steps are not read again."""
_TOTALS_EVERY = timedelta(seconds=2)
_TOTALS_COST = 25


@dataclass(frozen=True, slots=True)
class FloorNow:
    """The floor, and the totals of its campaigns."""

    floor: Floor
    totals: Mapping[str, Totals]

    def total(self, campaign: str) -> Totals:
        """Totals of a campaign; none where it has just begun."""
        return self.totals.get(campaign, Totals())


@dataclass
class FloorWatch:
    """Reads the floor each time, and totals as often as counting them is cheap."""

    reads: FloorReads
    clock: Callable[[], datetime]
    _totals: dict[str, Totals] = field(default_factory=dict)
    _next: datetime | None = None

    async def __call__(self) -> FloorNow:
        """The floor as it stands."""
        began = self.clock()
        floor = await self.reads.floor(now=began)
        ids = [one.campaign_id for one in floor.campaigns]
        if self._next is None or began >= self._next or any(i not in self._totals for i in ids):
            counting = self.clock()
            self._totals = {i: Totals() for i in ids} | await self.reads.totals(ids)
            took = self.clock() - counting
            self._next = self.clock() + max(_TOTALS_EVERY, _TOTALS_COST * took)
        return FloorNow(floor, dict(self._totals))


@dataclass(frozen=True, slots=True)
class Minutes:
    """The last minutes of a campaign, in steps from the oldest to the newest."""

    dials: tuple[int, ...]
    answers: tuple[int, ...]
    abandoned: tuple[int, ...]
    agents: tuple[Mapping[AgentState, int], ...]
    """By state, as seen while somebody watched."""


@dataclass
class MinutesWatch:
    """Keeps the last minutes of one campaign."""

    reads: FloorReads
    campaign: str
    clock: Callable[[], datetime]
    floor: Callable[[], Floor | None]
    """The floor that was read last, if anybody reads it."""
    _buckets: dict[datetime, Bucket] = field(default_factory=dict)
    _agents: deque[Mapping[AgentState, int]] = field(
        default_factory=lambda: deque(maxlen=int(SHOWN / MINUTES_EVERY))
    )

    async def __call__(self) -> Minutes:
        """The minutes until now."""
        now = self.clock()
        since = now - (_SETTLING if self._buckets else SHOWN)
        for bucket in await self.reads.history(self.campaign, since=_step(since)):
            self._buckets[bucket.at] = bucket
        newest = _step(now)
        steps = [newest - BUCKET * back for back in reversed(range(STEPS))]
        self._buckets = {at: one for at, one in self._buckets.items() if at >= steps[0]}
        row = [self._buckets.get(at) for at in steps]
        if (floor := self.floor()) is not None:
            own = [one for one in floor.agents if one.works_for == self.campaign]
            self._agents.append(by_state(own))
        return Minutes(
            dials=tuple(one.dials if one else 0 for one in row),
            answers=tuple(one.answers if one else 0 for one in row),
            abandoned=tuple(one.abandoned if one else 0 for one in row),
            agents=tuple(self._agents),
        )


def by_state(agents: Iterable[FloorAgent]) -> dict[AgentState, int]:
    """How many of those at work do what."""
    counts: dict[AgentState, int] = {}
    for one in agents:
        state = one.state or AgentState.idle
        if one.status is AgentStatus.available or state is not AgentState.idle:
            counts[state] = counts.get(state, 0) + 1
    return counts


def _step(at: datetime) -> datetime:
    seconds = BUCKET.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, tz=at.tzinfo)
