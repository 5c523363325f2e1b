"""One call for each free agent: nobody who answers ever waits, and agents idle while it rings."""

from datetime import datetime

from dialer.model import CampaignSettings
from dialer.pacing.base import Decision, Floor, Observation, Why


def calls_for_free_agents(floor: Floor) -> int:
    """Return the calls that still keep one free agent for every call in progress."""
    answered = len(floor.listening_ages) + len(floor.waiting_ages)
    return floor.free - len(floor.ringing_ages) - answered


class ProgressivePacer:
    """Keeps one call in progress for each free agent."""

    name = "progressive"

    def __init__(self, settings: CampaignSettings) -> None:
        self._settings = settings

    def retune(self, settings: CampaignSettings) -> None:
        """Take changed settings."""
        self._settings = settings

    def observe(self, observation: Observation, now: datetime) -> None:
        """Learn nothing: the rule has no estimates."""

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Return one call per free agent that has none yet."""
        place = max(0, calls_for_free_agents(floor))
        if floor.contacts_left is not None:
            place = min(place, floor.contacts_left)
        return Decision(
            place=place,
            why=Why.free_agents,
            reason=f"{floor.free} free, {len(floor.ringing_ages)} ringing,"
            f" {len(floor.waiting_ages)} waiting: one call per free agent",
        )
