"""What the line did, and what that counts as."""

from enum import StrEnum


class Outcome(StrEnum):
    """The one way in which an attempt ended; what the agent said is a disposition, not an
    outcome.
    """

    answered = "answered"
    busy = "busy"
    no_answer = "no_answer"
    machine = "machine"
    fax = "fax"
    invalid = "invalid"
    rejected = "rejected"
    unavailable = "unavailable"
    failed = "failed"
    abandoned = "abandoned"
    unknown = "unknown"


BY_PERSON = frozenset({Outcome.answered, Outcome.abandoned})
"""Outcomes in which a person answered: the denominator of the abandonment rate."""
