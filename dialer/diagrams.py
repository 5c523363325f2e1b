"""The reference page of the state tables, drawn from the tables themselves.

`python -m dialer.diagrams > docs/reference/states.md` writes it; a test says when that is due.
"""

import sys
from collections.abc import Mapping
from enum import StrEnum
from itertools import groupby
from typing import TypeVar

from dialer import agent, call

S = TypeVar("S", bound=StrEnum)
M = TypeVar("M", bound=StrEnum)

_INTRO = """\
# States

Drawn from the tables in `dialer/call.py` and `dialer/agent.py` by `python -m dialer.diagrams`;
don't edit by hand. A move that a state does not list is a late duplicate or a mistake: it is
counted as an oddity and changes nothing.
"""


def states_page() -> str:
    """The page, in Markdown with Mermaid diagrams."""
    return "\n".join(
        (
            _INTRO,
            _section(
                "An attempt on the line", call.__doc__, call.TRANSITIONS, call.CallState.placing
            ),
            _section("An agent", agent.__doc__, agent.TRANSITIONS, agent.AgentState.idle),
        )
    )


def _section(
    title: str,
    words: str | None,
    table: Mapping[S, Mapping[M, S]],
    first: S,
) -> str:
    prose = (words or "").partition("\n\n")[2].strip()
    rows = [(state, move, after) for state, moves in table.items() for move, after in moves.items()]
    lines = [f"## {title}", "", prose, "", "```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    for (state, after), moves in groupby(
        sorted(rows, key=lambda row: (list(table).index(row[0]), list(table).index(row[2]))),
        key=lambda row: (row[0], row[2]),
    ):
        lines.append(f"    {state} --> {after}: {', '.join(move for _, move, _ in moves)}")
    lines += [f"    {state} --> [*]" for state, moves in table.items() if not moves]
    lines += ["```", "", "| state | move | next |", "|---|---|---|"]
    lines += [f"| {state} | {move} | {after} |" for state, move, after in rows]
    return "\n".join((*lines, ""))


if __name__ == "__main__":
    sys.stdout.write(states_page())
