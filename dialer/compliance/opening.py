"""When the clock lets a number be called: the campaign's hours for contacts, and the law's.

Asked of every contact that comes to the head of its list, before it is claimed. It says less than
`rule_call`, which is asked again at the moment of origination: nothing is counted here, and a
number that no profile covers is let through, so that whoever dials gives the reason for it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialer.compliance.judge import clock_findings, possible_zones
from dialer.compliance.scope import place_of, rules_for
from dialer.model import CampaignSettings, Number

OUTSIDE_HOURS = "outside_hours"
NEVER_OPEN_PAUSE = timedelta(days=1)
"""When hours that never open are looked at again: somebody may have changed them."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A number may not be called now: until when, and by which rule."""

    until: datetime
    rule: str


@dataclass(slots=True)
class Opening:
    """Answers for one campaign at one moment; numbers of the same place are looked up once."""

    settings: CampaignSettings
    now: datetime
    _known: dict[tuple[tuple[str, str], tuple[str, ...]], Closed | None] = field(
        default_factory=dict
    )

    def of(self, number: Number) -> Closed | None:
        """None if the clock lets the number be called now."""
        law = self.settings.compliance.asked
        if self.settings.contact_hours.is_always and not law:
            return None
        key = (place_of(number.number) if law else ("", ""), number.zones)
        if key not in self._known:
            self._known[key] = self._look(number)
        return self._known[key]

    def _look(self, number: Number) -> Closed | None:
        closed: list[Closed] = []
        hours, zones = self.settings.contact_hours, number.zones or (self.settings.hours.zone,)
        if not hours.contains(self.now, zones):
            opens_at = hours.next_open(self.now, zones) or self.now + NEVER_OPEN_PAUSE
            closed.append(Closed(opens_at, OUTSIDE_HOURS))
        rules = rules_for(self.settings.compliance, number.number) or ()
        for found in clock_findings(rules, possible_zones(number, self.settings), self.now):
            if not found.allowed:
                closed.append(Closed(found.until or self.now + NEVER_OPEN_PAUSE, found.rule))
        return max(closed, key=lambda one: one.until, default=None)
