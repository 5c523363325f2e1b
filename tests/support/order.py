"""In which order tests run, so that workers that share two cores end together.

`pytest --dist worksteal` gives each worker an equal run of the list, and whoever has nothing left
takes from the end of the longest one. So what takes long stands at the front of a run, where nobody
takes it away, and what is quick behind it. The tests of whole stacks mostly wait, and are many
processes each: half of the workers have them, one after the other.
"""

from collections.abc import Sequence
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")


def dealt(
    stacks: Sequence[_Item], slow: Sequence[_Item], quick: Sequence[_Item], workers: int
) -> list[_Item]:
    """Put tests into `workers` runs of equal length, end to end; `workers` is at least 1."""
    half = max(1, workers // 2)
    others = workers - half or 1
    fronts = [list(stacks[number::half]) for number in range(half)]
    fronts += [[] for _ in range(workers - half)]
    for number in range(others):
        fronts[(half + number) % workers] += slow[number::others]
    left = iter(quick)
    runs: list[_Item] = []
    for front, size in zip(
        fronts, _sizes(len(stacks) + len(slow) + len(quick), workers), strict=True
    ):
        runs += front
        runs += islice(left, max(0, size - len(front)))
    return [*runs, *left]


def _sizes(total: int, workers: int) -> list[int]:
    """How many tests each worker is given, as pytest-xdist divides them."""
    sizes: list[int] = []
    for remaining in range(workers, 0, -1):
        sizes.append((total - sum(sizes)) // remaining)
    return sizes
