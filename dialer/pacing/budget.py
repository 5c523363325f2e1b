"""The abandonment budget: a purse that answers fill a little and abandoned calls empty.

A cap on a rate is a purse. Each person who answers pays in the cap (0.03), each abandoned one
takes out 1. While the purse isn't overdrawn, the rate since the start is at or under the cap,
whatever the length of the campaign: that is what keeps a campaign of 100 answers legal, where a
rate measured after the fact would not. The purse is also limited from above (`PURSE`), so that a
quiet morning does not buy a bad afternoon.

What the purse buys is risk: `risk_limit` is the greatest chance to be abandoned at which a call may
still be placed (`horizon`). It is the Lagrange multiplier of the budget, found by feedback: it
follows the purse at once (proportional) and learns slowly which level spends what comes in
(integral). A purse that is overdrawn is in debt, to be paid by the people who are yet to be
dialed: risk falls steeply with the debt, but not to nothing, since on a small floor an hour without
any risk costs more. What nobody will pay back isn't spent: then only calls are placed that hardly
ever lead to an abandoned one (`SAFE_RISK`).

A purse bounds what is abandoned over any stretch of answers, but by its depth and by whatever the
calls in flight then bring. The last 999 answers are known, though: `slack` is how many more may be
abandoned before a thousand answers in a row hold too many. It is no price but a bound, which the
pacer holds every placement to (`predictive`); nothing is learnt upwards while it is short, or the
limit would grow while it isn't what holds calls back, and be spent in one burst afterwards.
"""

import math
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from dialer.events import Tally
from dialer.model import CampaignSettings
from dialer.pacing.base import Abandoned, MachineFound, Observation, Served
from dialer.pacing.window import WindowCounts

PURSE = 5.0
"""Most abandoned calls that may be saved up."""
LOAN, DAY_LOAN, PLEDGED = 2.7, 1.2, 0.5
"""Most abandoned calls that may be spent before they are earned, with the price of the next, and
the share of what the people on the list will earn that stands for it: a cap holds over a campaign
or a month, and the first hour need not be spent in idleness to keep it. The last contacts pay it
back. Where it holds over a day or less, the list doesn't pay by its end, so the loan is smaller.
"""
DAY = timedelta(days=1)
DEBT = 0.8
"""How steeply the limit falls, per abandoned call that isn't earned yet: the exponent."""
THRIFT = 0.97
"""Share of the cap that is spent on purpose; the rest is for bad luck at the end."""
PRICE = 1.2
"""Credit and loan from which risk is bought: one abandoned call, and a margin for two at once."""
WINDOW = 1_000
"""Answers in a row that are held to a bound of their own."""
SPREAD = 0.5
"""Abandoned calls that a window may hold over the cap, per square root of those it may hold on
average: 32 at 3 %, so that bad luck with calls that can't be taken back stays within 35.
"""
SHORT = 4
"""Slack at which the bound, not the price, is likely to hold calls back."""
FIRST_RISK, FIRST_CAP, BY_CAP = 0.0098, 0.03, 0.85
"""Limit to start with at a cap; the optimum of very different floors lies around it, and goes with
this power of the cap.
"""
LEAST_CAP = 1e-4
"""Caps under it are as good as none at all."""
LEAST_LEARNT, MOST_LEARNT, MOST_RISK = 0.001, 0.03, 0.06
"""Bounds of what is learnt, and of the limit: where the last thousand answers hold calls back for
hours, the purse is full for hours, and what it would pay for must not grow all the while.
"""
SAFE_RISK = 0.0002
"""Limit while the purse can't pay: about one abandoned call in a thousand answers."""
SHED = -2.0
"""Credit under which not even that is allowed: one call per free agent until it is earned back."""
STEADY = 2.5
"""Purse at which the limit is as learnt, once it could be saved."""
FIRST_STEADY = 0.5
SAVING = 0.06
"""The same at the start, and how fast it grows with what was earned: a short campaign would spend
too little if it saved the whole purse first.
"""
PULL = 0.25
"""How much the limit follows the purse: the exponent, per abandoned call."""
SPILL = 3.75
"""Purse above which it is likely to overflow, so that the limit rises twice as fast again."""
LEARN = PULL * PULL / 4.0
"""How much the learnt limit moves with each abandoned call that answers earn, per abandoned call
off `STEADY`. Slow: with `PULL` it makes a critically damped loop.
"""


class Budget:
    """Counts answers and abandoned calls against the cap, and says what risk it can afford."""

    def __init__(
        self,
        target: float,
        tally: Tally,
        *,
        window: timedelta | None = None,
        false_machines: float = 0.0,
    ) -> None:
        self.target = target
        self._false_machines = false_machines
        self._counts = WindowCounts(window, tally)
        self.loan = 0.0
        """Abandoned calls that the people who are yet to be dialed will pay for."""
        self.balance = self._fresh_balance()
        """Abandoned calls that may still happen; negative while the cap is broken."""
        self._log_risk = _first_log_risk(target)
        self._recent: deque[bool] = deque(_last(tally, WINDOW - 1), maxlen=WINDOW - 1)
        self._recent_abandoned = sum(self._recent)

    @property
    def answered(self) -> float:
        """Persons who answered within the window."""
        return self._counts.answered

    @property
    def abandoned(self) -> float:
        """Those of them whom nobody took."""
        return self._counts.abandoned

    @property
    def rate(self) -> float:
        """Abandoned calls as a share of those that a person answered."""
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def credit(self) -> float:
        """How many abandoned calls the rate over the window is under the cap."""
        return self.target * self.answered - self.abandoned

    @property
    def risk_limit(self) -> float:
        """Greatest chance of abandonment at which a call may be placed now; 0 is none."""
        credit = self.credit
        if credit < SHED:
            return 0.0
        if credit + self.loan < PRICE:
            return SAFE_RISK
        spill = max(0.0, self.balance - SPILL)
        debt = max(0.0, -credit)
        pull = PULL * (self._excess + 2.0 * spill) - DEBT * debt
        return min(MOST_RISK, max(SAFE_RISK, math.exp(self._log_risk + pull)))

    @property
    def may_spend(self) -> bool:
        """Whether one more abandoned call can be paid for, if only by people yet to be dialed."""
        return self.credit + self.loan >= PRICE

    @property
    def slack(self) -> int:
        """How many of the next answers may be abandoned before any thousand hold too many."""
        usual = self.target * WINDOW
        return max(0, int(usual + SPREAD * math.sqrt(usual)) - self._recent_abandoned)

    @property
    def _excess(self) -> float:
        """How far the purse is over what it should hold."""
        return self.balance - min(STEADY, FIRST_STEADY + SAVING * self.target * self.answered)

    def _fresh_balance(self) -> float:
        return min(PURSE, THRIFT * self.target * self.answered - self.abandoned)

    def retarget(
        self, target: float, *, window: timedelta | None = None, false_machines: float = 0.0
    ) -> None:
        """Go on with another cap, as if it had always been in force."""
        self._false_machines = false_machines
        widened = self._counts.resize(window)
        if target != self.target or widened:
            self._log_risk += _first_log_risk(target) - _first_log_risk(self.target)
            self.target = target
            self.balance = self._fresh_balance()

    def lend(self, answers_to_come: float) -> None:
        """Say how many more people are expected to answer at least."""
        window = self._counts.window
        most = LOAN if window is None or window > DAY else DAY_LOAN
        self.loan = min(most, PLEDGED * self.target * answers_to_come)

    def observe(self, observation: Observation, now: datetime) -> None:
        """Count a person who answered and what became of him."""
        match observation:
            case Served() | Abandoned():
                self._count(now, lost=isinstance(observation, Abandoned))
            case MachineFound() if self._false_machines:
                share = self._false_machines
                self._counts.add(now, share, share)
                self.balance = min(PURSE, self.balance - (1.0 - THRIFT * self.target) * share)
            case _:
                pass

    def _count(self, now: datetime, *, lost: bool) -> None:
        self._counts.add(now, 1.0, float(lost))
        self.balance += THRIFT * self.target
        if len(self._recent) == WINDOW - 1:
            self._recent_abandoned -= self._recent[0]
        self._recent.append(lost)
        self._recent_abandoned += lost
        if lost:
            self.balance -= 1.0
        self.balance = min(PURSE, self.balance)
        excess = self._excess
        if self.may_spend and (excess < 0.0 or self.slack > SHORT):
            self._log_risk += LEARN * self.target * excess
            self._log_risk = min(math.log(MOST_LEARNT), max(math.log(LEAST_LEARNT), self._log_risk))

    def words(self) -> str:
        """Say how much of the cap is used."""
        return f"abandonment {self.rate:.1%} of {self.target:.1%}"


def _first_log_risk(target: float) -> float:
    """The limit that a budget with this cap starts with, as a logarithm."""
    return math.log(FIRST_RISK) + BY_CAP * math.log(max(target, LEAST_CAP) / FIRST_CAP)


def _last(tally: Tally, count: int) -> Iterator[bool]:
    """The last answers of an earlier run, oldest first: abandoned or not, spread over each hour."""
    hours = []
    for _, answered, abandoned in reversed(tally.hours):
        hours.append((answered, abandoned))
        count -= answered
        if count <= 0:
            break
    for answered, abandoned in reversed(hours):
        for number in range(answered):
            yield (number + 1) * abandoned // answered > number * abandoned // answered


def budget_of(settings: CampaignSettings, tally: Tally) -> Budget:
    """The budget that a campaign's settings ask for."""
    pacing = settings.pacing
    return Budget(
        pacing.target_abandonment,
        tally,
        window=pacing.abandonment_window,
        false_machines=pacing.false_machines,
    )


def retarget(budget: Budget, settings: CampaignSettings) -> None:
    """Have a budget go by changed settings."""
    pacing = settings.pacing
    budget.retarget(
        pacing.target_abandonment,
        window=pacing.abandonment_window,
        false_machines=pacing.false_machines,
    )
