"""Names for attempts and parks that no other campaign, shard or earlier engine ever used.

`campaign-epoch-n` for an attempt and `campaign-epoch-pn` for a park: the epoch is the lease's, so a
name says who made it, and a restarted engine starts counting again without clashing.
"""

import hashlib
import re

LONGEST = 64
"""What every switch family can carry."""

_OWN = re.compile(r"-\d+-(p?)\d+")


class Correlators:
    """Makes and recognises the names of one campaign's shard."""

    def __init__(self, campaign: str, shard: int, epoch: int) -> None:
        self.prefix = _short(campaign) + (f".{shard}" if shard else "")
        self._own = f"{self.prefix}-{epoch}-"
        self._attempts = 0
        self._parks = 0

    def attempt(self) -> str:
        """A name for a new attempt."""
        self._attempts += 1
        return f"{self._own}{self._attempts}"

    def park(self) -> str:
        """A name for a new park."""
        self._parks += 1
        return f"{self._own}p{self._parks}"

    def owns(self, correlator: str) -> bool:
        """Whether this campaign's shard made the name, in this epoch or an earlier one."""
        return correlator.startswith(self.prefix) and bool(
            _OWN.fullmatch(correlator, len(self.prefix))
        )

    def is_park(self, correlator: str) -> bool:
        """Whether the name is a park's."""
        found = _OWN.fullmatch(correlator, len(self.prefix))
        return bool(found and found[1])


def _short(campaign: str) -> str:
    """The campaign's id, or a digest in place of its end when it would not fit."""
    if len(campaign) <= 40:
        return campaign
    return f"{campaign[:23]}.{hashlib.sha256(campaign.encode()).hexdigest()[:16]}"
