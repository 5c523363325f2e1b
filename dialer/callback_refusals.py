"""Why a callback can't be taken, started or ticketed now.

CallbackRefused
├── CallbackTaken             another agent has it
├── CallbackOfAnother         the one who has it is not the one who asks
├── CallbackReservedForOwner  it is its owner's for a while yet
├── CallbackNotInPhase        the move makes no sense where it stands
├── NumberNotOfCallback       the number is none of the request's
├── CallbackForbidden         the law forbids the call now
├── CallbackKeptBySwitch      the PBX keeps its list, and has no such command
└── CallbackUnknown           there is no such callback
"""

from datetime import datetime

from dialer.rejections import Rejected

_NEXT = {
    "waiting": "it waits for its day and period",
    "due": "nobody has taken it yet; take it first",
    "taken": "it is taken and not started; start it first",
    "started": "it is being called; give it its ticket",
    "closed": "its ticket is closed; add a new callback",
    "cancelled": "it was cancelled; add a new callback",
    "expired": "it has expired; add a new callback",
}


class CallbackRefused(Rejected):
    """A move of a callback that is refused."""

    code = "callback_refused"


class CallbackTaken(CallbackRefused):
    """Another agent has it."""

    code = "callback_taken"

    def __init__(self, callback: str, agent: str, since: datetime | None) -> None:
        when = f" since {since:%H:%M} UTC" if since else ""
        super().__init__(f"callback {callback} is taken by agent {agent}{when}")


class CallbackOfAnother(CallbackRefused):
    """The one who has it is not the one who asks."""

    code = "callback_of_another"

    def __init__(self, callback: str, agent: str) -> None:
        super().__init__(
            f"callback {callback} is in the hands of agent {agent}; only that agent or a "
            "supervisor can go on with it"
        )


class CallbackReservedForOwner(CallbackRefused):
    """It is its owner's for a while yet."""

    code = "callback_reserved_for_owner"

    def __init__(self, callback: str, owner: str, until: datetime | None) -> None:
        when = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until it is given to another"
        super().__init__(f"callback {callback} is agent {owner}'s own {when}")


class CallbackNotInPhase(CallbackRefused):
    """The move makes no sense where it stands."""

    code = "callback_not_in_phase"

    def __init__(self, callback: str, move: str, phase: str) -> None:
        super().__init__(f"callback {callback} is {phase} and can't {move}: {_NEXT[phase]}")


class NumberNotOfCallback(CallbackRefused):
    """The number is none of the request's."""

    code = "number_not_of_callback"

    def __init__(self, callback: str) -> None:
        super().__init__(
            f"that number is none of callback {callback}'s; start it with one of its own"
        )


class CallbackForbidden(CallbackRefused):
    """The law forbids the call now."""

    code = "callback_forbidden"

    def __init__(self, callback: str, rule: str, until: datetime | None) -> None:
        self.rule, self.until = rule, until
        when = f"; it may be called from {until:%Y-%m-%d %H:%M} UTC" if until else ""
        super().__init__(f"callback {callback} may not be called now: {rule}{when}")


class CallbackKeptBySwitch(CallbackRefused):
    """The PBX keeps its list, and has no such command."""

    code = "callback_kept_by_switch"

    def __init__(self, callback: str, move: str) -> None:
        super().__init__(
            f"callback {callback} is on a list of the PBX, which has no command to {move} it; "
            "do that on the PBX, or put it off with the ticket `callback`"
        )


class CallbackUnknown(CallbackRefused):
    """There is no such callback."""

    code = "callback_unknown"

    def __init__(self, callback: str) -> None:
        super().__init__(
            f"there is no callback {callback}; `offhook callback lists` shows those there are"
        )
