"""What a switch has that offhook can use, as it is imported when the switch is added."""

from dataclasses import dataclass

from dialer.switching import TrunkView


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Somebody who can be called as an agent."""

    address: str
    number: str
    """The extension."""
    name: str
    reachable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The seats and trunks of a switch."""

    seats: tuple[Seat, ...] = ()
    trunks: tuple[TrunkView, ...] = ()
