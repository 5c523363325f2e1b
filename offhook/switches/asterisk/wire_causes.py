"""What the end of a call that nobody answered means, by SIP code or by Q.850 cause.

The SIP code is exact where Asterisk gives it (22 and later). A Q.850 cause has less to say: 0 is
what Asterisk 16 gives for a ring timer of its own, and 16 for a call that was cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialer.outcomes import Outcome

_BY_SIP: Mapping[int, Outcome] = {
    404: Outcome.invalid,
    408: Outcome.no_answer,
    410: Outcome.invalid,
    484: Outcome.invalid,
    485: Outcome.invalid,
    486: Outcome.busy,
    600: Outcome.busy,
    603: Outcome.rejected,
    604: Outcome.invalid,
    607: Outcome.rejected,
    608: Outcome.rejected,
}
_TEMPORARILY_UNAVAILABLE = 480
_CANCELLED = 487

_BY_CAUSE: Mapping[int, Outcome] = {
    1: Outcome.invalid,  # unallocated number
    2: Outcome.invalid,  # no route to the network
    3: Outcome.invalid,  # no route to the destination
    17: Outcome.busy,
    18: Outcome.no_answer,  # nobody responds
    19: Outcome.no_answer,  # it rang
    20: Outcome.unavailable,  # the subscriber is absent
    21: Outcome.rejected,
    22: Outcome.invalid,  # the number has changed
    27: Outcome.unavailable,  # the destination is out of order
    28: Outcome.invalid,  # the number's format
    34: Outcome.failed,  # no circuit
    38: Outcome.failed,  # the network is out of order
    41: Outcome.failed,
    42: Outcome.failed,  # congestion
    44: Outcome.failed,
    50: Outcome.failed,
    58: Outcome.failed,
    88: Outcome.failed,
    127: Outcome.failed,
}


def outcome(
    cause: int, tech_cause: int | None, *, rang: bool, timed_out: bool = False
) -> Outcome | None:
    """How an unanswered call ended; None when that says nothing of the number.

    `rang` tells a 480 of a telephone that nobody picked up from that of one that is off, and
    `timed_out` our own ring timer, which Asterisk reports as a 480 too.
    """
    if timed_out:
        return Outcome.no_answer
    if tech_cause == _TEMPORARILY_UNAVAILABLE:
        return Outcome.no_answer if rang else Outcome.unavailable
    if tech_cause == _CANCELLED:
        return None
    if tech_cause is not None and 400 <= tech_cause < 700:
        return _BY_SIP.get(tech_cause, Outcome.failed)
    if cause == 0 and rang:
        return Outcome.no_answer
    return _BY_CAUSE.get(cause)
