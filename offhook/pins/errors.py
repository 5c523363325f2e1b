"""What enrolment refuses. No message ever holds a digit of a PIN."""

from collections.abc import Iterable, Sequence

from ivr.pin import Weakness
from offhook.errors import OffhookError
from offhook.storage.errors import NotFound

_WHY = {
    Weakness.not_digits: "it has something else than digits",
    Weakness.too_short: "it is too short",
    Weakness.too_long: "it is too long",
    Weakness.all_equal: "all its digits are equal",
    Weakness.sequence: "it is a sequence",
    Weakness.repeated: "it repeats a group of digits",
    Weakness.in_customer_number: "it is part of the customer's number",
}


def why_weak(found: Iterable[Weakness]) -> str:
    """Weaknesses in words."""
    return ", ".join(_WHY[one] for one in found)


class PinRefused(OffhookError):
    """Nothing is stored: the PIN may not be given out, or its terms make no sense."""

    code = "pin_refused"


class WeakPin(PinRefused):
    """The policy forbids the PIN."""

    code = "pin_weak"

    def __init__(self, found: Sequence[Weakness]) -> None:
        self.found = tuple(found)
        super().__init__(
            f"the PIN may not be given out: {why_weak(found)}",
            hint="choose another, or have one made: `offhook pin enrol CUSTOMER --generate`",
        )


class PinTaken(PinRefused):
    """The PIN alone says who calls, and it is somebody's."""

    code = "pin_taken"

    def __init__(self) -> None:
        super().__init__(
            "the PIN can't be given out, as it is in use",
            hint="choose another, or have one made: `offhook pin enrol CUSTOMER --generate`",
        )


class CustomerHasPin(PinRefused):
    """A customer has one PIN of a policy at a time."""

    code = "pin_exists"

    def __init__(self, customer: str, policy: str) -> None:
        super().__init__(
            f"customer {customer} has a PIN of the policy {policy} already",
            hint=f"replace it: `offhook pin reset {customer} --policy {policy}`",
        )


class BadPinTerms(PinRefused):
    """Dates, numbers or a customer that can't be kept with a PIN."""

    code = "pin_bad_terms"


class NoFreePin(PinRefused):
    """So many PINs are given out that chance doesn't find another."""

    code = "pin_space_full"

    def __init__(self, policy: str) -> None:
        super().__init__(
            f"no free PIN of the policy {policy} was found",
            hint="make its PINs longer: `offhook pin policy NAME --length`",
        )


class PinNotFound(NotFound):
    """The customer has no PIN of this policy."""

    code = "pin_not_found"
    noun = "PIN of customer"
    listed_by = "`offhook pin list` names who has one"


class PinPolicyNotFound(NotFound):
    """There is no such policy."""

    code = "pin_policy_not_found"
    noun = "PIN policy"
    listed_by = "`offhook pin policy` names them all; give a new one any option to make it"


class PinPolicyInUse(OffhookError):
    """What a caller types is part of what PINs are found by."""

    code = "pin_policy_in_use"

    def __init__(self, name: str, count: int) -> None:
        super().__init__(
            f"{count} PINs of the policy {name} are found by what callers type now",
            hint="make another policy, and enrol its customers in it",
        )


class NothingToUnlock(OffhookError):
    """No failed try counts under that."""

    code = "pin_nothing_to_unlock"

    def __init__(self, over: str, policy: str) -> None:
        super().__init__(
            f"no failed tries of that {over} count under the policy {policy}",
            hint="`offhook pin audit` shows who was locked, and why",
        )
