"""What the engine's reasons mean, in words for whoever asks why somebody isn't called."""

from collections.abc import Mapping

from dialer.compliance.judge import DO_NOT_CALL, NO_PROFILE, NUMBER_IN_CALL
from dialer.compliance.opening import OUTSIDE_HOURS
from dialer.lists.queue import QUOTA

SAID = "said "
"""Before the disposition that finished a contact."""

REFUSALS: Mapping[str, str] = {
    OUTSIDE_HOURS: "it was outside the contact's hours",
    DO_NOT_CALL: "the number was on a do-not-call list",
    NO_PROFILE: "none of the campaign's profiles covers the number",
    NUMBER_IN_CALL: "the number was being called already",
    "agent_needed": "the law allows the call only with an agent kept for it, and none was free",
    "owner_away": "the agent who owns the contact was away, or had enough waiting for him",
    "skipped": "an agent who read it skipped it",
    "preview_expired": "an agent who read it said nothing in time",
    "preview_withdrawn": "the agent who read it had to go",
    "no_line_free": "an agent asked for the call, and no line was free",
    "claim_expired": "it had waited for so long that the law had to be asked again",
    "lists_changed": "the campaign's lists or quotas were changed",
    "paused": "the campaign was paused",
}
"""Why a contact went back undialed."""

FINISHED: Mapping[str, str] = {
    "finished": "a person was spoken to",
    "not_retried": "the last outcome is never tried again",
    "outcome_limit": "the last outcome was had as often as it may be",
    "contact_limit": "it was tried as often as it may be",
    "needs_review": "nobody knows whether the last call rang; a person must decide",
    "no_number": "no number is left that reaches a person",
    "in_other_list": "another list of the campaign has its numbers, and dials them",
    "disposition_limit": "agents said the same of it as often as it may be said",
    "removed": "it was taken out of the campaign",
    DO_NOT_CALL: "its numbers are on a do-not-call list",
    "dnc": "its numbers are on a do-not-call list",
    NO_PROFILE: "none of the campaign's profiles covers its numbers",
}
"""Why a contact is never called again."""


def refusal_says(reason: str) -> str:
    """Why a call was not placed, in words; a reason that nobody here knows is said as it is."""
    if reason.startswith(QUOTA):
        name = reason.removeprefix(QUOTA)
        return f"the calls in progress may fill the quota {name}"
    if "/" in reason:
        return f"the law forbade it ({reason})"
    return REFUSALS.get(reason, reason)


def finished_says(reason: str) -> str:
    """Why a contact is finished, in words."""
    if reason.startswith(SAID):
        return f"an agent said {reason.removeprefix(SAID)}"
    if "/" in reason:
        return f"the law forbids it for good ({reason})"
    return FINISHED.get(reason, reason or "it was reached")
