"""Calls ahead of the agents who will take them, as far as the abandonment budget allows."""

import math
from datetime import datetime

from dialer.events import Tally
from dialer.model import CampaignSettings
from dialer.pacing.base import Answered, Decision, Floor, NotAnswered, Observation
from dialer.pacing.budget import Budget
from dialer.pacing.progressive import calls_for_free_agents


class PredictivePacer:
    """Places calls against the agents free now, one and a half standard deviations on the safe
    side.
    """

    name = "predictive"

    def __init__(self, settings: CampaignSettings, tally: Tally) -> None:
        self._settings = settings
        self._budget = Budget(settings.pacing.target_abandonment, tally)
        self._answers = 6.0 + tally.answered
        self._ends = 20.0 + max(tally.placed, tally.answered)

    def retune(self, settings: CampaignSettings) -> None:
        """Take changed settings."""
        self._settings = settings
        self._budget.retarget(settings.pacing.target_abandonment)

    def observe(self, observation: Observation, now: datetime) -> None:
        """Learn the answer probability and what the budget is used for."""
        self._budget.observe(observation)
        if isinstance(observation, Answered):
            self._answers += 1
        if isinstance(observation, Answered | NotAnswered):
            self._ends += 1

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Return the calls whose likely answers find a free agent."""
        p = self._answers / self._ends
        ringing = len(floor.ringing_ages)
        place = calls_for_free_agents(floor)
        if self._budget.balance >= 1.0 and not floor.closing:
            free = floor.free - len(floor.waiting_ages)
            root = (math.sqrt(2.25 + 4 * max(0, free)) - 1.5) / 2
            place = max(place, math.floor(root * root / p) - ringing)
        place = max(0, place)
        if floor.contacts_left is not None:
            place = min(place, floor.contacts_left)
        return Decision(
            place=place,
            reason=f"{ringing} ringing at {p:.0%} answer; {floor.free} free;"
            f" {self._budget.words()}",
        )
