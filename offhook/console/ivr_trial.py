"""Talking to a published tree in the page: the call as far as its caller has pressed keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ivr.gather import Gathered, pause, press
from ivr.machine_words import Collect
from ivr.prompts import Piece, SayText
from ivr.tree import Forest, Tree, plant
from ivr.trial import HANG_UP, KEYS, Result, Setting, run_trial

SILENCE = "…"


class _Waits(Exception):
    def __init__(self, wanted: Collect) -> None:
        super().__init__()
        self.wanted = wanted


@dataclass
class _Caller:
    """Presses what was pressed so far, then lets the tree wait."""

    inputs: Sequence[str]
    said: list[tuple[str, str]] = field(default_factory=list)
    _next: int = 0

    def hears(self, pieces: Sequence[Piece], *, loop: bool) -> None:
        words = [one.text if isinstance(one, SayText) else f"({one.file})" for one in pieces]
        self.said.append(("ivr", " ".join(words) + (" (over and over)" if loop else "")))

    def keys(self, wanted: Collect) -> str | None:
        if self._next >= len(self.inputs):
            raise _Waits(wanted)
        given = self.inputs[self._next]
        self._next += 1
        shown = "•" * len(given) if wanted.secret else given
        self.said.append(("caller", shown or SILENCE))
        if given == HANG_UP:
            return None
        got = Gathered()
        for key in given:
            got = press(wanted.input, got, key)
        return pause(got).keys

    def gone(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Trial:
    """A call so far."""

    said: Sequence[tuple[str, str]]
    """Who spoke, `ivr` or `caller`, and what."""
    waits: bool
    """The tree waits for keys."""
    secret: bool = False
    result: Result | None = None
    """How it ended, once it has."""


def talk(trees: Mapping[str, Tree], entry: str, inputs: Sequence[str]) -> Trial:
    """The call of a caller who gave these inputs, one for each time the tree waited."""
    caller = _Caller(inputs)
    try:
        result = run_trial(forest_of(trees, entry), caller, Setting())
    except _Waits as stopped:
        return Trial(tuple(caller.said), waits=True, secret=stopped.wanted.secret)
    return Trial(tuple(caller.said), waits=False, result=result)


def forest_of(trees: Mapping[str, Tree], entry: str) -> Forest:
    """Published trees as a forest whose first is where a call begins."""
    ordered = [entry, *(name for name in trees if name != entry)]
    return plant((name, trees[name].model_dump_json()) for name in ordered)


def sensible(text: str) -> str | None:
    """Keys as they may be pressed; None for what no telephone has."""
    keys = text.replace(" ", "")
    return keys if keys == HANG_UP or (set(keys) <= KEYS and len(keys) <= 40) else None
