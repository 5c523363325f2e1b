"""Preview: a person reads the record first, so one contact is on offer to each free agent.

An agent with an offer, or with a call that was dialed for him, isn't free: nothing rings ahead.
"""

from datetime import datetime

from dialer.pacing.base import Decision, Floor, Why
from dialer.pacing.progressive import ProgressivePacer


class PreviewPacer(ProgressivePacer):
    """Offers one contact to each free agent; the call follows when the agent, or time, says so."""

    name = "preview"

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Return one offer per free agent."""
        place = floor.free
        if floor.contacts_left is not None:
            place = min(place, floor.contacts_left)
        return Decision(
            place=place,
            why=Why.on_offer,
            reason=f"{floor.free} free: one contact on offer to each",
        )
