"""A fixed number of calls for each free agent, chosen by a person who accepts what comes of it.

The cap still rules: while the abandonment rate is at or over it, the ratio is one.
"""

import math
from datetime import datetime

from dialer.events import Tally
from dialer.model import CampaignSettings
from dialer.pacing.base import Decision, Floor, Observation, Why
from dialer.pacing.budget import budget_of, retarget


class PowerPacer:
    """Keeps `ratio` calls in progress for each free agent."""

    name = "power"

    def __init__(self, settings: CampaignSettings, tally: Tally) -> None:
        self._settings = settings
        self._budget = budget_of(settings, tally)

    def retune(self, settings: CampaignSettings) -> None:
        """Take changed settings."""
        self._settings = settings
        retarget(self._budget, settings)

    def observe(self, observation: Observation, now: datetime) -> None:
        """Count who was served and who was not."""
        self._budget.observe(observation, now)

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Return the calls that bring the free agents up to the ratio."""
        shed = self._budget.balance < 1.0
        ratio = 1.0 if shed else self._settings.pacing.ratio
        in_progress = len(floor.ringing_ages) + len(floor.listening_ages) + len(floor.waiting_ages)
        place = max(0, math.floor(ratio * floor.free) - in_progress)
        if floor.contacts_left is not None:
            place = min(place, floor.contacts_left)
        why = ", held at 1 by the cap" if shed else ""
        return Decision(
            place=place,
            why=Why.ratio_held if shed else Why.ratio,
            reason=f"{floor.free} free, {in_progress} in progress, ratio {ratio:g}{why};"
            f" {self._budget.words()}",
        )
