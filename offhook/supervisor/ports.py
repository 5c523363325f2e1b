"""Ports for a local stack: the same ones after every restart, and never somebody else's."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

# Below the range from which systems take the ports of outgoing connections: a port in that range
# can be taken by any connection while the process that listens on it is being started again.
_RANGE = range(20_000, 30_000)
_TRIES = 500


def choose_ports(
    names: Iterable[str],
    *,
    preferred: Mapping[str, int],
    remembered: Mapping[str, int],
    may_have: Callable[[int], bool] | None = None,
) -> dict[str, int]:
    """A free loopback port for each name: the remembered one, else the preferred, else any.

    `may_have` is asked last, of a port that would be chosen.
    """
    chosen: dict[str, int] = {}
    for name in names:
        wishes = [remembered.get(name, 0), preferred.get(name, 0)]
        others = random.sample(_RANGE, _TRIES)
        taken = set(chosen.values())
        chosen[name] = next(
            port
            for port in (*wishes, *others)
            if port and port not in taken and is_free(port) and (not may_have or may_have(port))
        )
    return chosen


class PortClaims:
    """Ports that a stack keeps while it runs, also from other stacks of this account while a part
    is down; they end with the process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.gettempdir()) / f"offhook-ports-{os.getuid()}"
        self._held: dict[int, int] = {}

    def claim(self, port: int) -> bool:
        """Whether the port is ours from now on."""
        while port not in self._held:
            try:
                file = self._open(port)
            except FileNotFoundError:
                continue  # whoever gave theirs back just took the empty folder away
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(file)
                return False
            if _is_at(file, self._folder / str(port)):
                self._held[port] = file
            else:
                os.close(file)  # it was given back, and removed, after it was opened here
        return True

    def give_back(self) -> None:
        """Leave all ports to others, and nothing behind."""
        for port, file in self._held.items():
            with suppress(OSError):
                (self._folder / str(port)).unlink()
            os.close(file)
        self._held.clear()
        with suppress(OSError):
            self._folder.rmdir()

    def _open(self, port: int) -> int:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return os.open(self._folder / str(port), os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)


def _is_at(file: int, path: Path) -> bool:
    """Whether the open file is what stands at the path."""
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(file), there)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        # Connections of a server that was just killed linger for a minute, and don't matter.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError:
            return False
    return True
