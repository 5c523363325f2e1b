"""Whether a switch's events arrive: asked by a check, answered by the event receiver."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What the receiver last got from a switch."""

    last_at: datetime | None
    hook_url: str


class EventPath(Protocol):
    """Knows what the event receiver got."""

    async def last_delivery(self) -> Delivery:
        """Raise `dialer.switching.SwitchUnavailable` when the receiver can't be asked."""
        ...
