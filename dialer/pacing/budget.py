"""The abandonment budget: a purse that answers fill a little and abandoned calls empty.

A cap on a rate is a purse. Each person who answers pays in the cap (0.03), each abandoned one
takes out 1. While the purse isn't overdrawn, the rate since the start is at or under the cap,
whatever the length of the campaign: that is what keeps a campaign of 100 answers legal, where a
rate measured after the fact would not. The purse is also limited from above (`PURSE`), so that a
quiet morning does not buy a bad afternoon: over any stretch of answers, no more than the cap plus
one purse is abandoned.
"""

from dialer.events import Tally
from dialer.pacing.base import Abandoned, Observation, Served

PURSE = 4.0
"""Most abandoned calls that may be saved up."""


class Budget:
    """Counts answers and abandoned calls against the cap."""

    def __init__(self, target: float, tally: Tally) -> None:
        self.target = target
        self.answered = tally.answered
        self.abandoned = tally.abandoned
        self.balance = min(PURSE, target * tally.answered - tally.abandoned)
        """Abandoned calls that may still happen; negative while the cap is broken."""

    @property
    def rate(self) -> float:
        """Abandoned calls as a share of those that a person answered."""
        return self.abandoned / self.answered if self.answered else 0.0

    def retarget(self, target: float) -> None:
        """Go on with another cap, as if it had always been in force."""
        if target != self.target:
            self.target = target
            self.balance = min(PURSE, target * self.answered - self.abandoned)

    def observe(self, observation: Observation) -> None:
        """Count a person who answered and what became of him."""
        if isinstance(observation, Served | Abandoned):
            self.answered += 1
            self.balance += self.target
            if isinstance(observation, Abandoned):
                self.abandoned += 1
                self.balance -= 1.0
            self.balance = min(PURSE, self.balance)

    def words(self) -> str:
        """Say how much of the cap is used."""
        return f"abandonment {self.rate:.1%} of {self.target:.1%}"
