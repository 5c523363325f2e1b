"""Other dialers' rules, re-implemented from their descriptions to compare with; no part of offhook.

VICIdial's adaptive dial level and OMniDialer's predictive formula follow what their sources and
documents say they compute; they see the same floor and the same observations as our pacers, and
their own loop timings. Unlike our pacers they keep state from one decision to the next.
"""

import math
from collections import deque
from datetime import datetime
from enum import StrEnum

from dialer.model import CampaignSettings
from dialer.pacing.base import (
    Abandoned,
    Answered,
    Decision,
    Floor,
    NotAnswered,
    Observation,
    Served,
    TalkEnded,
)


def placed_by_level(level: float, floor: Floor) -> int:
    """Calls that bring all calls in progress, talks included, up to `level` per agent at work."""
    talking = len(floor.talking_ages) + floor.joining
    in_progress = len(floor.ringing_ages) + len(floor.waiting_ages) + talking
    return max(0, round(level * (floor.free + talking)) - in_progress)


class FixedRatio:
    """A constant number of calls in progress per agent, talks included; nothing stops it."""

    name = "ratio"

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio

    def observe(self, observation: Observation, now: datetime) -> None:
        """Learn nothing."""

    def retune(self, settings: CampaignSettings) -> None:
        """Stay as it is."""

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """What is lacking to the ratio."""
        return Decision(place=placed_by_level(self._ratio, floor), reason="ratio")


class Adapt(StrEnum):
    """What VICIdial does when today's drops are over the cap."""

    hard_limit = "hard_limit"
    average = "average"
    tapered = "tapered"


class VicidialAdapt:
    """A dial level, multiplied every 15 s by how many more agents than calls wait."""

    LEVEL_EVERY_S, PLACE_EVERY_S, SAMPLES = 15.0, 2.5, 15
    LATEST = 1_700
    """When the shift ends, as hours and minutes in one number: eight hours after it began."""

    def __init__(self, rule: Adapt, *, target: float, aim: float = 0.0, most: float = 3.0) -> None:
        self.name = f"vicidial_{rule}"
        self._rule, self._target, self._aim, self._most = rule, 100.0 * target, aim, most
        self._level = 1.0
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=self.SAMPLES)
        self._sampled = self._levelled = self._placed = float("-inf")
        self._answers = self._drops = self._calls = 0
        self._minute: deque[tuple[float, bool]] = deque()

    def observe(self, observation: Observation, now: datetime) -> None:
        """Count calls, answers and drops."""
        if isinstance(observation, Answered | NotAnswered):
            self._calls += 1
            self._minute.append((now.timestamp(), False))
        elif isinstance(observation, Served | Abandoned):
            self._answers += 1
            lost = isinstance(observation, Abandoned)
            self._drops += lost
            if lost:
                self._minute.append((now.timestamp(), True))

    def retune(self, settings: CampaignSettings) -> None:
        """Stay as it is."""

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Sample each second, set the level every 15 s, place every 2.5 s."""
        now_s = now.timestamp()
        if now_s - self._sampled >= 1.0:
            self._sampled = now_s
            self._samples.append((floor.free, len(floor.waiting_ages), floor.agents))
        if now_s - self._levelled >= self.LEVEL_EVERY_S:
            self._levelled = now_s
            self._set_level(now, now_s)
        if now_s - self._placed < self.PLACE_EVERY_S:
            return Decision(place=0, reason="between rounds")
        self._placed = now_s
        return Decision(place=placed_by_level(self._level, floor), reason="level")

    def _set_level(self, now: datetime, now_s: float) -> None:
        ready, waiting, agents = (
            sum(each) / len(each) for each in zip(*self._samples, strict=True)
        )
        difference = ready - waiting + self._aim
        change = difference / agents if difference and agents else 0.0
        level = min(self._most, max(1.0, round(self._level * (1.0 + change), 3)))
        while self._minute and self._minute[0][0] < now_s - 60.0:
            self._minute.popleft()
        drops = sum(lost for _, lost in self._minute)
        calls = len(self._minute) - drops
        if calls > 20 and 100.0 * drops / calls > 50.0:
            level /= 2.0
        if self._calls > 50 and 100.0 * self._drops / max(1, self._answers) > self._target:
            level = self._over(level, now)
        self._level = max(1.0, level)

    def _over(self, level: float, now: datetime) -> float:
        if self._rule is Adapt.hard_limit:
            return 1.0
        if self._rule is Adapt.average:
            return level / 2.0
        left = self.LATEST - (100 * now.hour + now.minute)
        return 1.0 if left < 0 else level * min(1.0, left / 1000.0)


class OmniDialer:
    """Expected free agents over expected answers, tempered by a short memory of drops."""

    name = "omnidialer"
    WARM_UP, TICK_S, WEIGHT, LEAST_HIT = 50, 1.0, 0.1, 0.05

    def __init__(self, *, target: float, ring_s: float) -> None:
        self._target, self._ring_s = target, ring_s
        self._hit, self._drop, self._handle_s = 0.3, 0.0, 120.0
        self._handled = self._over = 0
        self._latched = False
        self._acted = float("-inf")

    def observe(self, observation: Observation, now: datetime) -> None:
        """Move the averages."""
        match observation:
            case Answered():
                self._hit += self.WEIGHT * (1.0 - self._hit)
            case NotAnswered():
                self._hit -= self.WEIGHT * self._hit
            case Served():
                self._handled += 1
                self._drop -= self.WEIGHT * self._drop
            case Abandoned():
                self._drop += self.WEIGHT * (1.0 - self._drop)
            case TalkEnded(talk_s=talk_s):
                self._handle_s += self.WEIGHT * (talk_s - self._handle_s)
            case _:
                pass

    def retune(self, settings: CampaignSettings) -> None:
        """Stay as it is."""

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """The formula, once a second."""
        if now.timestamp() - self._acted < self.TICK_S:
            return Decision(place=0, reason="between rounds")
        self._acted = now.timestamp()
        hit = max(self.LEAST_HIT, self._hit)
        gamma = self._gamma()
        ringing = len(floor.ringing_ages)
        if self._latched or self._handled < self.WARM_UP:
            place = floor.free - ringing - len(floor.waiting_ages)
            return Decision(place=max(0, place), reason="progressive")
        expected = sum(
            1.0 - math.exp(-self._ring_s / max(1.0, self._handle_s - age))
            for age in floor.talking_ages
        )
        place = math.floor((floor.free + expected - ringing * hit) / hit * gamma)
        return Decision(place=max(0, place), reason="formula")

    def _gamma(self) -> float:
        share = self._drop / self._target
        self._over = self._over + 1 if share >= 1.0 else 0
        if self._over >= 5:
            self._latched = True
        elif share < 0.8:
            self._latched = False
        return 1.0 if share <= 0.5 else max(0.2, 1.0 - 0.8 * (share - 0.5) / 0.5)
