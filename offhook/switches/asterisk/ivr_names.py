"""What a caller's things are called on the PBX.

His channel has the id that the PBX gave it. What we make for him starts, as everything of ours,
with the application's name, and goes on as nothing of a campaign's can (`names`):

    app.ivr.digest            the bridge where he meets whoever takes his call
    app.ivr.digest.p.run.3    his third playback since this process began
    app.ivr.digest.l.run.2    the channel of the second telephone that was rung for him
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field

BRIDGE_NAME = "ivr"
LEG = "ivr-leg"
"""First argument of a rung telephone's channel in our application."""
INBOUND = "inbound"
"""First argument of a caller's channel: `Stasis(app,inbound,EXTEN)`."""

_BRIDGE = re.compile(r"[0-9a-f]{16}")
_THING = re.compile(r"(?P<digest>[0-9a-f]{16})\.[pl]\.[0-9a-f]+\.\d+")


@dataclass(frozen=True, slots=True)
class CallNames:
    """Makes and reads the names of one caller's things."""

    app: str
    call: str
    """The id of his channel."""
    run: str = field(default_factory=lambda: secrets.token_hex(3))
    """Tells what this process made from what one before it made."""

    @property
    def bridge(self) -> str:
        """Where he meets whoever takes his call."""
        digest = hashlib.blake2b(self.call.encode(), digest_size=8).hexdigest()
        return f"{self.app}.ivr.{digest}"

    def playback(self, number: int) -> str:
        """One of his playbacks."""
        return f"{self.bridge}.p.{self.run}.{number}"

    def playback_number(self, name: str) -> int | None:
        """Which of his playbacks, of this process, has this name."""
        number = name.removeprefix(f"{self.bridge}.p.{self.run}.")
        return int(number) if number.isdecimal() else None

    def leg(self, number: int) -> str:
        """The channel of a telephone that is rung for him."""
        return f"{self.bridge}.l.{self.run}.{number}"


def is_bridge(app: str, name: str) -> bool:
    """Whether a bridge is a caller's."""
    prefix = f"{app}.ivr."
    return name.startswith(prefix) and bool(_BRIDGE.fullmatch(name, len(prefix)))


def bridge_of(app: str, name: str) -> str | None:
    """The bridge that a rung telephone or a playback belongs to, if its name is one of those."""
    prefix = f"{app}.ivr."
    found = _THING.fullmatch(name, len(prefix)) if name.startswith(prefix) else None
    return None if found is None else prefix + found["digest"]
