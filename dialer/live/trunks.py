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

    def __post_init__(self) -> None:
        self.configure(self.known, self.allowed)

    def configure(self, known: Iterable[Trunk], allowed: Sequence[TrunkId]) -> None:
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
                and (not self.allowed or trunk.trunk_id in self.allowed)
            )

    def free_lines(self) -> int:
        """How many more calls fit."""
        return sum(max(0, trunk.lines - self.used.get(trunk.trunk_id, 0)) for trunk in self.usable)

    def pick(self) -> Trunk | None:
        """The trunk with the smallest share of its lines in use; the first of equals."""
        best, best_share = None, 1.0
        for trunk in self.usable:
            share = self.used.get(trunk.trunk_id, 0) / trunk.lines
            if share < best_share:
                best, best_share = trunk, share
        return best

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
