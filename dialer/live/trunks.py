"""Lines and calls per second: what the switch can carry, whatever the agents could take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialer.model import Trunk, TrunkId

BURST = 0.1
"""Seconds' worth of calls that may leave at once after a pause."""


@dataclass(slots=True)
class Bucket:
    """Calls per second, as tokens that come back with time; reading it changes nothing."""

    rate: float
    tokens: float
    at: datetime

    @classmethod
    def full(cls, rate: float, now: datetime) -> "Bucket":
        """A bucket that allows a burst at once."""
        return cls(rate, max(1.0, rate * BURST), now)

    def available(self, now: datetime) -> float:
        """Tokens there are now."""
        back = max(0.0, (now - self.at).total_seconds()) * self.rate
        return min(max(1.0, self.rate * BURST), self.tokens + back)

    def take(self, count: int, now: datetime) -> None:
        """Use tokens."""
        self.tokens = self.available(now) - count
        self.at = max(self.at, now)

    def retune(self, rate: float, now: datetime) -> None:
        """Change the rate from now on."""
        self.tokens, self.at, self.rate = self.available(now), max(self.at, now), rate

    def next_at(self) -> datetime:
        """When a whole token is there."""
        return self.at + timedelta(seconds=max(0.0, 1.0 - self.tokens) / self.rate + 1e-6)


NO_TRUNK = Trunk(trunk_id=TrunkId(""), address="", lines=1_000_000)
"""Stands for the switch itself where it names no trunks."""


@dataclass(slots=True)
class Trunks:
    """Which lines are in use, and which trunk the next call takes."""

    known: tuple[Trunk, ...]
    allowed: Sequence[TrunkId]
    bucket: Bucket
    used: dict[TrunkId, int] = field(default_factory=dict)
    usable: tuple[Trunk, ...] = ()
    buckets: dict[TrunkId, Bucket] = field(default_factory=dict)
    """Of the trunks that limit calls per second."""

    def __post_init__(self) -> None:
        self.configure(self.known, self.allowed, self.bucket.at)

    def configure(self, known: Iterable[Trunk], allowed: Sequence[TrunkId], now: datetime) -> None:
        """Take over what the switch and the settings say."""
        self.known, self.allowed = tuple(known), tuple(allowed)
        if not self.known and not self.allowed:
            self.usable = (NO_TRUNK,)
        else:
            self.usable = tuple(
                trunk
                for trunk in self.known
                if trunk.enabled
                and trunk.lines > 0
                and trunk.calls_per_second != 0
                and (not self.allowed or trunk.trunk_id in self.allowed)
            )
        limited = {t.trunk_id: t.calls_per_second for t in self.usable if t.calls_per_second}
        for trunk_id in [known for known in self.buckets if known not in limited]:
            del self.buckets[trunk_id]
        for trunk_id, rate in limited.items():
            if trunk_id in self.buckets:
                self.buckets[trunk_id].retune(rate, now)
            else:
                # Empty: a limit that comes and goes must not give away a burst each time.
                self.buckets[trunk_id] = Bucket(rate, 0.0, now)

    def free_lines(self) -> int:
        """How many more calls fit."""
        return sum([self._free(trunk) for trunk in self.usable])

    def startable(self, now: datetime) -> int:
        """How many more calls fit that the trunks' calls per second allow now."""
        if not self.buckets:
            return self.free_lines()
        return sum([min(self._free(trunk), self._tokens(trunk, now)) for trunk in self.usable])

    def _free(self, trunk: Trunk) -> int:
        return max(0, trunk.lines - self.used.get(trunk.trunk_id, 0))

    def _tokens(self, trunk: Trunk, now: datetime) -> int:
        bucket = self.buckets.get(trunk.trunk_id)
        return trunk.lines if bucket is None else max(0, int(bucket.available(now)))

    def pick(self, now: datetime) -> Trunk | None:
        """The trunk with the smallest share of its lines in use that may start a call now; the
        first of equals.
        """
        best, best_share = None, 1.0
        for trunk in self.usable:
            share = self.used.get(trunk.trunk_id, 0) / trunk.lines
            if share < best_share and (not self.buckets or self._tokens(trunk, now) > 0):
                best, best_share = trunk, share
        return best

    def next_at(self) -> datetime | None:
        """When a call may start again that waits for calls per second alone."""
        due = [
            max(self.bucket.next_at(), self.buckets[t.trunk_id].next_at())
            if t.trunk_id in self.buckets
            else self.bucket.next_at()
            for t in self.usable
            if self._free(t) > 0
        ]
        return min(due, default=None)

    def start(self, trunk_id: TrunkId, now: datetime) -> None:
        """A call is placed: it takes a line, and counts for the trunk's calls per second."""
        self.occupy(trunk_id)
        if trunk_id in self.buckets:
            self.buckets[trunk_id].take(1, now)

    def occupy(self, trunk_id: TrunkId) -> None:
        """A call takes a line."""
        self.used[trunk_id] = self.used.get(trunk_id, 0) + 1

    def release(self, trunk_id: TrunkId) -> None:
        """A call gives its line back."""
        left = self.used.get(trunk_id, 0) - 1
        if left > 0:
            self.used[trunk_id] = left
        else:
            self.used.pop(trunk_id, None)
