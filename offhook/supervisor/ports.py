"""Ports for a local stack: the same ones after every restart, and never somebody else's."""

import random
import socket
from collections.abc import Iterable, Mapping

# Below the range from which systems take the ports of outgoing connections: a port in that range
# can be taken by any connection while the process that listens on it is being started again.
_RANGE = range(20_000, 30_000)
_TRIES = 500


def choose_ports(
    names: Iterable[str], *, preferred: Mapping[str, int], remembered: Mapping[str, int]
) -> dict[str, int]:
    """A free loopback port for each name: the remembered one, else the preferred, else any."""
    chosen: dict[str, int] = {}
    for name in names:
        wishes = [remembered.get(name, 0), preferred.get(name, 0)]
        others = random.sample(_RANGE, _TRIES)
        taken = set(chosen.values())
        chosen[name] = next(
            port for port in (*wishes, *others) if port and port not in taken and is_free(port)
        )
    return chosen


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
