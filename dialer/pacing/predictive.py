"""Calls ahead of the agents who will take them, as far as the abandonment budget allows.

The decision: place one more call while the chance that its answer would find nobody (`horizon`) is
at or under what that chance may be now (`price`). In the memoryless world, where the optimum can be
computed exactly, this rule with a constant limit stays within 0.2 % of it from 3 to 50 agents; it
needs no memorylessness itself.
"""

import math
from collections.abc import Callable
from datetime import datetime
from typing import assert_never

import numpy as np

from dialer.events import Tally
from dialer.model import CampaignSettings
from dialer.outcomes import Outcome
from dialer.pacing.base import (
    Abandoned,
    Answered,
    Count,
    Decision,
    Floor,
    MachineFound,
    NotAnswered,
    Observation,
    Parked,
    Placed,
    Served,
    TalkEnded,
    Why,
    WrapEnded,
)
from dialer.pacing.budget import SAFE_RISK, budget_of, retarget
from dialer.pacing.crowds import Crowds
from dialer.pacing.estimates import AnswerEstimate, DurationEstimate
from dialer.pacing.horizon import LEAST_RATE, MOMENTS, Outlook, outlook
from dialer.pacing.progressive import calls_for_free_agents
from dialer.pacing.race import Race

PRIOR_RATE = 0.3
PRIOR_RING_S = 12.0
PRIOR_TALK_S = 120.0
PRIOR_WRAP_S = 15.0
PRIOR_PARK_S = 6.0
NOT_DIALED = frozenset({Outcome.failed, Outcome.unavailable, Outcome.unknown})
"""Outcomes that say nothing about people: a trunk that fails for a minute must not teach that
nobody answers, or its return would bring a flood of answers.
"""
ENDING_CREDIT = 2.0
"""Abandoned calls under the cap, without which the end of a list is dialed safely."""
ENOUGH = 25.0
"""Endings of calls, the prior's included, before any call is placed ahead."""
RAMP = 0.6
"""Calls that may ring at once, per call that is known to have ended: all calls of a first burst
are equally old, and nothing is known yet of how calls of that age end.
"""
LEAST_RING_S = 15.0
"""Regulators want a phone to ring so long before a call is given up."""
GUESSES = 8
"""Numbers of calls that are weighed by a guess, before the rest is halved."""
CANCEL_FROM = 1.0
"""People expected to answer beyond what agents can take, before calls are taken back."""
OVERRUN = 3e-4
"""Greatest chance at which a call may be placed whose answer would be one too many abandoned of a
thousand.
"""
RECALL = 10.0 * OVERRUN
"""The same of calls that ring already, before the oldest are taken back."""
FAR = 9
"""Slack from which the last thousand answers are no matter."""
REFRESH_EVERY, REFRESH_MOST = 25, 200
"""Observations between two tabulations of the estimates: a fortieth of all, within these."""


class PredictivePacer:
    """Weighs every call's chance to shorten idle time against its chance to be abandoned."""

    name = "predictive"

    def __init__(self, settings: CampaignSettings, tally: Tally) -> None:
        self._settings = settings
        self._budget = budget_of(settings, tally)
        self._contacts_left = tally.contacts_left
        self._ended = tally.placed
        self._listen_s = 0.0
        rate, ring_s, talk_s = PRIOR_RATE, PRIOR_RING_S, PRIOR_TALK_S
        weight = 8.0
        if tally.placed > 0:
            rate = (PRIOR_RATE * weight + tally.answered) / (weight + tally.placed)
            rate = min(0.95, max(0.01, rate))
            weight = min(150.0, weight + tally.placed)
        if tally.answered > 10:
            ring_s = max(1.0, tally.ring_seconds / tally.answered)
        if tally.joined > 10:
            talk_s = max(1.0, tally.talk_seconds / tally.joined)
        self._answer = AnswerEstimate(
            rate,
            ring_s=ring_s,
            timeout_s=settings.ring_timeout.total_seconds(),
            half_life=1_200.0,
            weight=weight,
        )
        # The setting is the most that wrap-up may take; agents mostly need much less.
        wrap_s = min(PRIOR_WRAP_S, max(1.0, settings.wrap_up.total_seconds()))
        self._talk = DurationEstimate(talk_s, horizon_s=1200, half_life=400.0, weight=8.0)
        self._wrap = DurationEstimate(wrap_s, horizon_s=300, half_life=200.0, weight=8.0)
        self._park = DurationEstimate(PRIOR_PARK_S, horizon_s=120, half_life=100.0, weight=5.0)
        self._seen, self._refresh_at = 0, REFRESH_EVERY
        self._outlook = self._tabulate(0.0)
        self._crowds = Crowds()
        self._last_race: Race | None = None
        self._budget.lend(self._contacts_left * self._outlook.rate)

    def retune(self, settings: CampaignSettings) -> None:
        """Take changed settings of the same mode; what was learnt stays."""
        self._settings = settings
        retarget(self._budget, settings)

    def observe(self, observation: Observation, now: datetime) -> None:
        """Learn from what happened; every so often, tabulate what was learnt."""
        now_s = now.timestamp()
        match observation:
            case Placed():
                self._contacts_left = max(0, self._contacts_left - 1)
                self._answer.begin(now_s)
            case Answered(ring_s=ring_s):
                self._ended += 1
                self._answer.learn(now_s, ring_s, answered=True)
            case NotAnswered(ring_s=ring_s, outcome=outcome, cancelled=cancelled):
                if cancelled or outcome in NOT_DIALED:
                    self._answer.drop(now_s, ring_s)
                else:
                    self._ended += 1
                    self._answer.learn(now_s, ring_s, answered=False)
            case MachineFound(after_s=after_s):
                self._budget.observe(observation, now)
                self._answer.learn_machine()
                self._listen_s += 0.05 * (after_s - self._listen_s)
            case Served():
                self._budget.observe(observation, now)
                self._talk.begin(now_s)
            case TalkEnded(talk_s=talk_s):
                self._talk.learn(now_s, talk_s)
            case WrapEnded(wrap_s=wrap_s):
                self._wrap.learn(now_s, wrap_s)
            case Parked(ring_s=ring_s):
                self._park.learn(now_s, ring_s)
            case Abandoned():
                self._budget.observe(observation, now)
            case _:
                assert_never(observation)
        self._seen += 1
        if self._seen >= self._refresh_at:
            self._refresh_at = self._seen + min(REFRESH_MOST, max(REFRESH_EVERY, self._seen // 40))
            self._answer.notice(now_s)
            self._outlook = self._tabulate(now_s)
            self._budget.lend(self._contacts_left * self._outlook.rate)

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Return the calls worth their risk."""
        safe = max(0, calls_for_free_agents(floor))
        if floor.closing:
            words = "closing, so one call per free agent"
            return self._decide(floor, safe, Why.closing, lambda: words)
        free = floor.free - len(floor.waiting_ages)
        limit = self._limit(free, floor)
        if limit <= 0.0 or self._answer.evidence < ENOUGH:
            words = "no budget to run ahead yet"
            return self._decide(floor, safe, Why.no_budget, lambda: words)
        race = self._race(floor, free)
        if race.surely_over(limit):
            return self._decide(
                floor,
                safe,
                Why.too_risky if free >= 0 else Why.too_risky_waiting,
                lambda: f"{_expected(race)} against {_free_words(free)}: far over the risk allowed",
                cancel=lambda: self._too_many(floor, race),
            )
        place = self._most(race, limit, safe, self._ceiling(floor))
        soon = self._outlook.ring_mean_s * 2
        return self._decide(
            floor,
            place,
            Why.risk if free >= 0 else Why.risk_waiting,
            lambda: (
                f"{_expected(race)} against {_free_words(free)}"
                f" + {race.coming:.1f} coming free in {soon:.0f} s;"
                f" risk {race.risk(place):.1%} of {limit:.1%} allowed"
            ),
            cancel=0 if place > safe else lambda: self._too_many(floor, race),
        )

    def _limit(self, free: int, floor: Floor) -> float:
        """Return the greatest risk a call may have.

        The last contacts of a list bring too few answers to earn back what bad luck overspends.
        """
        limit = self._budget.risk_limit
        ending = floor.contacts_left is not None and self._budget.credit < ENDING_CREDIT
        if ending or not self._budget.may_spend:
            return min(limit, SAFE_RISK)
        return limit * weight(free, floor.agents)

    def _ceiling(self, floor: Floor) -> int:
        lines = self._settings.pacing.max_lines_per_agent * floor.agents
        ceiling = max(0, int(min(lines, RAMP * self._ended)) - len(floor.ringing_ages))
        return ceiling if floor.contacts_left is None else min(ceiling, floor.contacts_left)

    def _race(self, floor: Floor, free: int) -> Race:
        answers, freed = self._crowds.of(floor, self._outlook, self._answer.persons)
        slack, last = self._budget.slack, self._last_race
        spare = slack if slack < FAR else None
        if last is None or not last.is_of(answers, freed, free=free, spare=spare):
            last = self._last_race = Race(self._outlook, answers, freed, free=free, spare=spare)
        return last

    @staticmethod
    def _most(race: Race, limit: float, safe: int, ceiling: int) -> int:
        """Return the most calls of which the last one's risk is within the limit, and all but
        surely not that of one too many abandoned of a thousand.
        """
        if ceiling <= safe:
            return min(safe, ceiling)
        risk, overrun = race.risk(safe), race.overrun(safe)
        if risk > limit or overrun > OVERRUN:
            return safe
        tighter, other = (race.risk, limit), (race.overrun, OVERRUN)
        if overrun > 0.0 and _depth(overrun) - _depth(OVERRUN) < _depth(risk) - _depth(limit):
            tighter, other = other, tighter
        most = _last_within(*tighter, safe + 1, ceiling)
        holds, bound = other
        if most > safe + 1 and holds(most - 1) > bound:
            most = _last_within(holds, bound, safe + 1, most - 1)
        return most

    def _too_many(self, floor: Floor, race: Race) -> int:
        """How many calls to take back, of those that may: so many that the rest can be served, and
        that the last thousand answers are all but sure to keep their bound.
        """
        endangered = race.overrun(0) > RECALL
        if race.excess < CANCEL_FROM and not endangered:
            return 0
        ages = np.sort(np.asarray(floor.ringing_ages, dtype=np.float64))[::-1]
        steps = (ages[ages >= LEAST_RING_S] / AnswerEstimate.STEP_S).astype(np.intp)
        if len(steps) == 0:
            return 0
        chances = self._outlook.answers.take(steps, axis=0, mode="clip")
        count = 0
        if race.excess >= CANCEL_FROM:
            most = float(chances.mean(axis=0)[:MOMENTS].max())
            count = min(len(steps), math.ceil(race.excess / max(most, LEAST_RATE)))
        # The risk is that of one more call: of those that are left, one is that one.
        while endangered and count < len(steps):
            endangered = race.without(chances[: count + 1]).overrun(0) > RECALL
            count += endangered * (1 + count // 4)
        return min(count, len(steps))

    def _decide(
        self, floor: Floor, place: int, why: Why, words: Callable[[], str], cancel: Count = 0
    ) -> Decision:
        if floor.contacts_left is not None:
            place = min(place, floor.contacts_left)
        ringing, rate = len(floor.ringing_ages), self._outlook.rate
        budget, cap = self._budget.rate, self._budget.target

        def reason() -> str:
            return (
                f"{ringing} ringing at {rate:.0%} answer; {words()};"
                f" abandonment {budget:.1%} of {cap:.1%}"
            )

        return Decision(place=place, reason=reason, why=why, cancel=cancel)

    def _tabulate(self, now_s: float) -> Outlook:
        return outlook(
            self._answer,
            (self._talk, self._wrap, self._park),
            now_s,
            patience_s=self._settings.patience.total_seconds() + self._listen_s,
        )


def _last_within(risk: Callable[[int], float], limit: float, least: int, most: int) -> int:
    """How many calls, from `least` to `most`, have a risk within the limit, the last included.

    `least` of them have. On the scale of `_depth` risks lie all but on a line, so that two of them
    tell where the limit is crossed.
    """
    low, high = least, most + 1  # `low` calls are fine and `high` are too many
    wanted, before = _depth(limit), _depth(risk(least - 1))
    probe, step, guesses = low + 1, 1, GUESSES
    while high - low > (near := 1 + low // 20):  # the next decision, soon after, does the rest
        found = risk(probe - 1)
        if found <= limit:
            low = probe
        else:
            high = probe
        depth = _depth(found)
        fallen, before = (before - depth) / step, depth
        guesses -= 1
        if guesses > 0 and fallen > 0.0:
            guess = probe + math.floor((depth - wanted) / fallen)
        else:
            guess = (low + high) // 2
        guess = max(low + near, min(high - near, guess))
        probe, step = guess, guess - probe
    return low


def _depth(risk: float) -> float:
    """How far out a risk lies: all but a straight line over the number of calls."""
    return math.sqrt(-math.log(min(1.0, max(risk, 1e-300))))


def weight(free: int, agents: int) -> float:
    """How much more risk is worth taking than with one free agent of many.

    Idle agents queue for answers, so the more they are the longer the last one waits; and on a
    small floor the next possible number of calls is a big step, which a low limit never takes.
    """
    return math.sqrt(max(free, 0.5)) * (1.0 + 3.0 / max(1, agents))


def _expected(race: Race) -> str:
    return f"{race.expected:.1f} answers expected"


def _free_words(free: int) -> str:
    """Agents who are free, or people who already wait for one."""
    return f"{free} free" if free >= 0 else f"none free, {-free} waiting,"
