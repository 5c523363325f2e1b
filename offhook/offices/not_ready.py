"""Why an agent is not ready: one of the reasons that the installation names."""

from collections.abc import Sequence

from dialer.model import AgentStatus
from offhook.errors import OffhookError


class ReasonUnknown(OffhookError):
    """No such reason is named in the settings."""

    code = "not_ready_reason_unknown"

    def __init__(self, reason: str, known: Sequence[str]) -> None:
        super().__init__(
            f"{reason!r} is no reason to be not ready",
            hint=f"one of {', '.join(known) or 'none'}: OFFHOOK_DESK__NOT_READY_REASONS",
        )


class ReasonOutOfPlace(OffhookError):
    """A reason was given with a status that has none."""

    code = "not_ready_reason_out_of_place"

    def __init__(self, status: AgentStatus) -> None:
        super().__init__(
            f"an agent who is {status} has no reason to be not ready",
            hint="leave the reason out, or choose not_ready",
        )


def check_reason(status: AgentStatus, reason: str, known: Sequence[str]) -> None:
    """Refuse a reason that goes with no such status, or that nobody knows; none is always fine."""
    if not reason:
        return
    if status is not AgentStatus.not_ready:
        raise ReasonOutOfPlace(status)
    if reason not in known:
        raise ReasonUnknown(reason, known)
