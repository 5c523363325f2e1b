"""Lists of contacts: in which order they are dialed, how they are mixed, whom a filter takes."""

from dialer.lists.mix import ListOrder, Turns, shares, turns

__all__ = ["ListOrder", "Turns", "shares", "turns"]
