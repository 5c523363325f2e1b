"""From single keys to a whole input, for switches that tell each key as it is pressed.

The same rules as a VOIspeed node follows by itself, so that a tree behaves alike on both.
"""

from typing import NamedTuple

from ivr.tree_parts import Input, InputType


class Gathered(NamedTuple):
    """The keys so far, and whether the input is whole."""

    keys: str = ""
    whole: bool = False

    def __repr__(self) -> str:
        return f"Gathered({len(self.keys)} keys, whole={self.whole})"


def press(entry: Input, so_far: Gathered, key: str) -> Gathered:
    """The input after one more key; a terminator ends it and isn't part of it."""
    if so_far.whole or entry.type is InputType.none:
        return so_far
    if entry.type is InputType.terminated and key == entry.terminator:
        return Gathered(so_far.keys, whole=True)
    keys = so_far.keys + key
    return Gathered(keys, whole=len(keys) >= entry.length)


def pause(so_far: Gathered) -> Gathered:
    """The input after `digit_timeout` without a key: whole if there is any."""
    return Gathered(so_far.keys, whole=bool(so_far.keys))
