"""What processes cost: their CPU time and memory, children included."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Meter:
    """Named processes of a run; a name stands for a process and everything below it."""

    pids: Mapping[str, int]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far, by name; children that have ended are counted by their parent."""
        return {name: _cpu(pid) for name, pid in self.pids.items()}

    def memory_mb(self) -> dict[str, float]:
        """Memory now, by name: pages that several processes share are divided among them.

        PostgreSQL's processes share most of theirs; adding up the resident size of each would count
        the same buffers a dozen times.
        """
        return {name: round(_memory(pid) / MEGABYTE, 1) for name, pid in self.pids.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """The difference, by name."""
    return {name: after[name] - before[name] for name in before}


def _tree(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def _cpu(pid: int) -> float:
    total = 0.0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _memory(pid: int) -> int:
    total = 0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            try:
                found = process.memory_full_info()
                total += getattr(found, "pss", found.rss)
            except psutil.AccessDenied:
                total += process.memory_info().rss
    return total
