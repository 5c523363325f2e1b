"""What a browser is told when markup changes: the pieces that are new, and where the others stood.

Both sides cut markup where elements begin that stand below each other, such as rows, cells and
items. A piece that was there before is told by its number; so a floor on which one agent changed
costs what changed of that agent's row, however many others there are. `panel.js` puts the pieces
together again.
"""

import re
from functools import lru_cache

Delta = list[str | list[int]]
"""Texts that are new, and `[first, count]` of pieces of what was shown before, in order."""

_CUT = re.compile(r"(?=<(?:div|section|header|article|figure|tr|td|li)[ >])")
"""As in `panel.js`."""
_KEPT = 64
"""Changes that are kept for other browsers which show the same."""


def pieces(html: str) -> list[str]:
    """Markup in pieces; together they are the markup."""
    return [piece for piece in _CUT.split(html) if piece]


@lru_cache(maxsize=_KEPT)
def delta(before: str, after: str) -> Delta:
    """How `after` is made of `before`; worked out once, however many browsers change so."""
    old = pieces(before)
    known = {piece: number for number, piece in enumerate(old)}
    told: Delta = []
    for piece in pieces(after):
        last = told[-1] if told else ""
        if isinstance(last, list) and old[sum(last) : sum(last) + 1] == [piece]:
            last[1] += 1
        elif piece in known:
            told.append([known[piece], 1])
        elif isinstance(last, str) and last:
            told[-1] = last + piece
        else:
            told.append(piece)
    return told


def applied(before: str, change: Delta) -> str:
    """What a browser makes of a change."""
    old = pieces(before)
    return "".join(
        one if isinstance(one, str) else "".join(old[one[0] : sum(one)]) for one in change
    )
