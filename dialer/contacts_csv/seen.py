"""A set of 64-bit keys that costs eight bytes each, asked and filled in batches.

Sorted runs of doubling size, merged as they grow: a Python set of a million numbers takes ten times
the memory. Asking for a whole batch at once keeps the binary searches in numpy.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]


def number_key(number: str) -> int:
    """The key of an E.164 number: its digits, exactly."""
    return int(number[1:])


def text_key(text: str) -> int:
    """The key of any other text: never a number's; two texts share one once in 10^18 pairs."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) | 1 << 63


class Seen:
    """Keys seen so far."""

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)

    def among(self, keys: Sequence[int]) -> set[int]:
        """Which of the keys were added before."""
        if not keys or not self._runs:
            return set()
        asked = np.array(keys, dtype=np.uint64)
        found = np.zeros(len(asked), dtype=bool)
        for run in self._runs:
            places = np.searchsorted(run, asked)
            places[places == len(run)] = 0
            found |= run[places] == asked
        return set(asked[found].tolist())

    def add(self, keys: Sequence[int]) -> None:
        """Remember keys, none of which was added before."""
        if not keys:
            return
        run = np.sort(np.array(keys, dtype=np.uint64))
        while self._runs and len(self._runs[-1]) <= len(run):
            run = np.sort(np.concatenate((self._runs.pop(), run)), kind="stable")
        self._runs.append(run)
