"""No agents: a menu or message takes the call, so only lines and originations limit it."""

from datetime import datetime

from dialer.model import CampaignSettings
from dialer.pacing.base import Decision, Floor, Observation, Why


class AgentlessPacer:
    """Fills the campaign's concurrency; the engine spaces originations by calls per second."""

    name = "agentless"

    def __init__(self, settings: CampaignSettings) -> None:
        self._settings = settings

    def retune(self, settings: CampaignSettings) -> None:
        """Take changed settings."""
        self._settings = settings

    def observe(self, observation: Observation, now: datetime) -> None:
        """Learn nothing: the rule has no estimates."""

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Return the calls that fill the allowed concurrency."""
        limit = self._settings.pacing.concurrency
        in_progress = (
            len(floor.ringing_ages)
            + len(floor.listening_ages)
            + len(floor.waiting_ages)
            + floor.joining
            + len(floor.talking_ages)
        )
        place = max(0, limit - in_progress)
        if floor.contacts_left is not None:
            place = min(place, floor.contacts_left)
        return Decision(
            place=place,
            why=Why.concurrency,
            reason=f"{in_progress} of {limit} allowed calls are in progress",
        )
