"""What our channels, bridges and playbacks are called on a PBX that others use too.

Every id starts with the Stasis application's name and a dot, and goes on with the correlator, so
whose a thing is shows wherever it is listed, and what does not start so is never touched:

    app.attempt              a customer's channel
    app.park                 a parked agent's channel, and the bridge he waits in
    app.attempt.d.digest     the channel of an agent who is rung for a customer, and the bridge
                             where the customer waits for him
    app.attempt.m            the playback of the safe-harbour message

Two installations share a PBX by different application names. The name has no dot, so one can't
begin with another's.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

APP_PATTERN = r"^[A-Za-z0-9_-]{1,40}$"
_CHECK = re.compile(r"check-[A-Za-z0-9_-]{1,40}-[0-9a-f]{8}(?:-in)?")
_OURS = re.compile(r"(?P<correlator>.+-\d+-(?P<park>p?)\d+)(?:\.(?P<suffix>[A-Za-z][^/]*))?")


def check_channel(app: str, run: str) -> str:
    """A channel by which `offhook switch check` tries something; not named as our calls are, so
    that nobody takes it for one. `run` is eight hexadecimal digits.
    """
    return f"check-{app}-{run}"


def checked_channel(channel: str) -> str:
    """The other end of such a channel: what the dialplan takes for a caller."""
    return f"{channel}-in"


def is_check(channel: str) -> bool:
    """Whether a channel is a check's, of any installation: nobody minds it."""
    return _CHECK.fullmatch(channel) is not None


class Part(StrEnum):
    """What one of our things is for."""

    customer = "customer"
    agent = "agent"
    """A parked agent."""
    diverted = "diverted"
    """An agent who is rung for a customer."""
    message = "message"
    other = "other"
    """Ours, and no party to a call: a playback, a recording, somebody who listens."""


PARTIES = frozenset({Part.customer, Part.agent, Part.diverted})


@dataclass(frozen=True, slots=True)
class Named:
    """What an id says."""

    correlator: str
    part: Part


class Names:
    """Makes and reads the ids of one application."""

    def __init__(self, app: str) -> None:
        self.app = app
        self._prefix = f"{app}."

    def of(self, correlator: str) -> str:
        """The channel of an attempt or park, and a park's bridge."""
        return self._prefix + correlator

    def diverted(self, attempt: str, address: str) -> str:
        """The channel of an agent who is rung for an attempt's customer, and its bridge."""
        digest = hashlib.blake2b(address.encode(), digest_size=4).hexdigest()
        return f"{self._prefix}{attempt}.d.{digest}"

    def message(self, attempt: str) -> str:
        """The playback of the safe-harbour message."""
        return f"{self._prefix}{attempt}.m"

    def read(self, identifier: str) -> Named | None:
        """What an id means, or None when it isn't ours."""
        if not identifier.startswith(self._prefix):
            return None
        found = _OURS.fullmatch(identifier, len(self._prefix))
        if found is None:
            return None
        correlator, suffix = found["correlator"], found["suffix"]
        if suffix is None:
            return Named(correlator, Part.agent if found["park"] else Part.customer)
        if suffix == "m":
            return Named(correlator, Part.message)
        return Named(correlator, Part.diverted if suffix.startswith("d.") else Part.other)
