"""What a supervisor's things are called, and when he must go.

app.attempt.s          his channel
app.attempt.s.snoop    the channel that hears the agent
app.attempt.s.bridge   where the two meet
"""

from __future__ import annotations

from collections.abc import Collection

from offhook.switches.asterisk import wire_requests
from offhook.switches.asterisk.names import Names
from offhook.switches.asterisk.wire_requests import Request


def channel(names: Names, correlator: str) -> str:
    """The supervisor of an attempt."""
    return f"{names.of(correlator)}.s"


def snoop(names: Names, correlator: str) -> str:
    """What he hears the agent by."""
    return f"{names.of(correlator)}.s.snoop"


def bridge(names: Names, correlator: str) -> str:
    """Where he and the snoop meet."""
    return f"{names.of(correlator)}.s.bridge"


class Supervisors:
    """Who is supervised, by what was seen of their supervisors' channels."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._supervised: set[str] = set()

    def came(self, channel_id: str) -> None:
        """A channel was made; a supervisor's is remembered."""
        named = self._names.read(channel_id)
        if named is not None and channel_id == channel(self._names, named.correlator):
            self._supervised.add(named.correlator)

    def after_customer(self, correlator: str) -> tuple[Request, ...]:
        """What ends with a customer's talk."""
        if correlator not in self._supervised:
            return ()
        self._supervised.discard(correlator)
        return self.ends(correlator)

    def ends(self, correlator: str) -> tuple[Request, ...]:
        """Everything that a supervision may consist of, to be ended."""
        return (
            wire_requests.hang_up(channel(self._names, correlator)),
            wire_requests.hang_up(snoop(self._names, correlator)),
            wire_requests.destroy_bridge(bridge(self._names, correlator)),
        )

    def left_behind(self, present: Collection[str]) -> tuple[Request, ...]:
        """Supervisors among the PBX's channels whose customer is gone; the others are noted."""
        wanted: list[Request] = []
        for one in present:
            self.came(one)
            named = self._names.read(one)
            if named is None or one != channel(self._names, named.correlator):
                continue
            if self._names.of(named.correlator) not in present:
                wanted += self.after_customer(named.correlator)
        return tuple(wanted)
