"""Answering-machine detection: the dialplan's `AMD()` between the answer and our application.

A customer's channel comes to us with `customer,amd,CONTEXT`, is sent at once to that context, and
comes back with `amd,STATUS,CAUSE`, which is the verdict and the hold in one. A message for a
machine waits for the beep there too: `beep` is an extension of the same context, and the channel
comes back from it with `beep,MEDIA`. `docs/how-to/answering-machines.md` has the dialplan.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dialer.events import MachineDetected, PersonDetected
from offhook.switches.asterisk import wire_media, wire_requests
from offhook.switches.asterisk.names import Part
from offhook.switches.asterisk.wire_requests import Request

LISTENED = "amd"
"""First argument of a channel that comes back with a verdict, and second of one on its way."""
BEEPED = "beep"
LIMIT = "OFFHOOK_LISTEN"
"""Channel variable: how long `AMD()` may listen, in milliseconds."""
PROMPT = "OFFHOOK_PROMPT"
"""Channel variable: what is played after the beep."""
_START = "s"
EXTENSIONS = (_START, BEEPED)
"""What the context must have."""
_CAUSE_WORDS = 100


def asked_to_listen(context: str) -> str:
    """Arguments of a customer's channel that is to be listened to."""
    return f"{Part.customer},{LISTENED},{context}"


def listening_variables(limit: timedelta) -> dict[str, str]:
    """What the dialplan needs to know."""
    return {LIMIT: str(round(limit.total_seconds() * 1000))}


def after_arrival(channel: str, args: Sequence[str], *, playback: str) -> Request | None:
    """What must be done at once with a customer who came to our application."""
    match tuple(args):
        case (Part.customer, "amd", context):
            return wire_media.leave_for_dialplan(channel, context=context, extension=_START)
        case ("beep", media):
            return wire_requests.play(channel, media=media, playback=playback)
        case _:
            return None


def verdict(
    args: Sequence[str], correlator: str, at: datetime
) -> MachineDetected | PersonDetected | None:
    """What a channel's arguments say of who answered; None when it wasn't listened to.

    `AMD()` says MACHINE, HUMAN, NOTSURE or HANGUP; what it says otherwise is not sure either.
    """
    if args[:1] not in ((LISTENED,), [LISTENED]):
        return None
    status, cause = (*args[1:3], "", "")[:2]
    said = f"{status} {cause}".strip()[:_CAUSE_WORDS]
    if status == "MACHINE":
        return MachineDetected(correlator=correlator, at=at, cause=said)
    return PersonDetected(correlator=correlator, at=at, unsure=status != "HUMAN", cause=said)


def wait_for_beep(channel: str, *, context: str, media: str) -> tuple[Request, Request]:
    """Have a prompt played once the greeting and its beep are over."""
    return (
        wire_media.set_variable(channel, name=PROMPT, value=media),
        wire_media.leave_for_dialplan(channel, context=context, extension=BEEPED),
    )
