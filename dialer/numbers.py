"""Phone numbers: what may be dialed, where it rings, and how it is shown.

The decision: `phonenumbers` is the authority on every number, but it takes some 70 µs for each and
a list has a million. So the common case, a number that is valid beyond doubt, is worked out here
from the library's own metadata, with its patterns compiled once per region and length; whatever is
not plainly valid (letters, extensions, rewriting rules, any refusal) goes to the library. A
differential test holds the two to the same answers.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple, Self

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType, ValidationResult
from pydantic import AfterValidator, Field, GetCoreSchemaHandler

from dialer.numbering import (
    Place,
    Plan,
    UnknownRegion,
    plan_of,
    plans_sharing,
    zone_depth,
    zones_of_prefix,
)

__all__ = [
    "E164",
    "InvalidNumber",
    "NumberFault",
    "Resolved",
    "UnknownRegion",
    "mask",
    "parse_number",
    "region_of",
    "resolve",
    "zones_of",
]

_E164 = re.compile(r"\+[1-9]\d{4,14}", re.ASCII)
_LONGEST = 16
"""E.164 has at most 15 digits, after the plus sign."""
_PUNCTUATION = dict.fromkeys(map(ord, " -./()\u00a0"))
_ROUNDED = re.compile(r"\+?\d([.,]\d+)?[eE]\+?\d+", re.ASCII)
_SHORT = 6
"""Emergency numbers and service codes have no more digits than this."""


class E164(str):
    """A full phone number: plus sign, country code, national number, digits only."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not _E164.fullmatch(text):
            raise ValueError(f"{mask(text)} is not E.164: a plus sign and 5 to 15 digits")
        return super().__new__(cls, text)

    @property
    def masked(self) -> str:
        """The number as logs and messages may show it."""
        return mask(self)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[object], handler: GetCoreSchemaHandler
    ) -> Mapping[str, object]:
        text = Annotated[str, Field(pattern=r"^\+[1-9]\d{4,14}$")]
        return AfterValidator(cls).__get_pydantic_core_schema__(text, handler)


class NumberFault(StrEnum):
    """Why a number is not dialed; the value is the stable code of the refusal."""

    not_a_number = "not_a_number"
    rounded_by_spreadsheet = "rounded_by_spreadsheet"
    unknown_country = "unknown_country"
    too_short = "too_short"
    too_long = "too_long"
    not_possible = "not_possible"
    not_assigned = "not_assigned"
    has_extension = "has_extension"
    premium_rate = "premium_rate"
    emergency = "emergency"
    short_code = "short_code"


_ADVICE = {
    NumberFault.not_a_number: "is not a phone number; write digits, with + and the country code",
    NumberFault.rounded_by_spreadsheet: (
        "was rounded by a spreadsheet; format the column as text and export again"
    ),
    NumberFault.unknown_country: "has a country code that doesn't exist; check the digits after +",
    NumberFault.too_short: "is too short; check that the area code is there",
    NumberFault.too_long: "is too long; check that the cell holds one number only",
    NumberFault.not_possible: "has a length that no number there has; check the digits",
    NumberFault.not_assigned: "is in a range that nobody has; check the digits",
    NumberFault.has_extension: "has an extension, which can't be dialed; remove it",
    NumberFault.premium_rate: "is a premium-rate number; allow them expressly or remove it",
    NumberFault.emergency: "is an emergency number, which is never dialed; remove it",
    NumberFault.short_code: "is a short service code, not a person's number; remove it",
}


class InvalidNumber(ValueError):
    """The text is not a number that may be dialed; `code` says why."""

    def __init__(self, code: NumberFault, raw: str, region: str) -> None:
        super().__init__(f"{mask(raw)} (read in {region}) {_ADVICE[code]}")
        self.code = code
        self.raw = raw
        self.region = region

    def __reduce__(self) -> tuple[type[Self], tuple[NumberFault, str, str]]:
        return type(self), (self.code, self.raw, self.region)


class Resolved(NamedTuple):
    """A number that may be dialed, and where it is."""

    number: E164
    region: str
    """ISO country code; 001 for numbers of no country."""
    zones: tuple[str, ...]
    """IANA zones that the number may be in; empty if unknown."""


def parse_number(raw: str, default_region: str, *, allow_premium: bool = False) -> E164:
    """The number in `raw`, read as dialed from the region; otherwise `InvalidNumber`."""
    return resolve(raw, default_region, allow_premium=allow_premium).number


def resolve(raw: str, default_region: str, *, allow_premium: bool = False) -> Resolved:
    """The number in `raw` with its region and zones; otherwise `InvalidNumber`."""
    plan = plan_of(default_region)
    return _resolve_quickly(raw, plan) or _resolve_surely(raw, plan.region, allow_premium)


def zones_of(number: str) -> tuple[str, ...]:
    """The IANA zones that an E.164 number may be in; empty if unknown."""
    return resolve(number, "US", allow_premium=True).zones


def region_of(number: str) -> str:
    """The country of an E.164 number, as ISO code; 001 if it has none."""
    return resolve(number, "US", allow_premium=True).region


def mask(number: str) -> str:
    """The number with all but its country and last three digits hidden; no other text is kept."""
    digits = "".join(char for char in number if char in "0123456789")
    if len(digits) < 7:
        return "***"
    start = f"+{digits[:2]}" if number.startswith("+") else ""
    return f"{start}{'*' * (len(digits) - 3 - len(start[1:]))}{digits[-3:]}"


def _resolve_quickly(raw: str, plan: Plan) -> Resolved | None:
    """The answer if the number is plainly valid and not premium; None if in doubt."""
    text = raw if raw.isdigit() else raw.translate(_PUNCTUATION)
    digits = text[1:] if text[:1] == "+" else text
    if len(digits) <= _SHORT or not (digits.isdigit() and digits.isascii()):
        return None
    found = _from_inside(text, plan) if digits is text else _from_abroad(digits)
    if found is None:
        return None
    country_code, national = found
    number = f"+{country_code}{national}"
    for candidate in plans_sharing(country_code):
        if candidate.leading and not candidate.leading.match(national):
            continue
        place = candidate.place(national)
        if place is Place.area or place is Place.country:
            if len(number) > _LONGEST:
                return None
            prefix = number[1 : zone_depth(country_code)] if place is Place.area else country_code
            return Resolved(str.__new__(E164, number), candidate.region, zones_of_prefix(prefix))
        if candidate.leading or place is Place.premium:
            return None
    return None


def _from_abroad(digits: str) -> tuple[str, str] | None:
    """Country code and national number of digits that followed a plus sign or its like."""
    for length in (1, 2, 3):
        plans = plans_sharing(digits[:length]) if digits[0] != "0" else ()
        if plans:
            national = plans[0].without_trunk_prefix(digits[length:])
            return (digits[:length], national) if national else None
    return None


def _from_inside(digits: str, plan: Plan) -> tuple[str, str] | None:
    """Country code and national number of digits as dialed inside the region."""
    abroad = plan.abroad.match(digits)
    if abroad and digits[abroad.end() : abroad.end() + 1] != "0":
        rest = digits[abroad.end() :]
        return _from_abroad(rest) if len(rest) > _SHORT else None
    national: str | None = digits
    if digits.startswith(plan.country_code) and not plan.general.fullmatch(digits):
        # Only the country code without its plus sign can make a number of these digits.
        national = plan.without_trunk_prefix(digits[len(plan.country_code) :])
        if national is None or not plan.general.fullmatch(national):
            return None
        plan = plans_sharing(plan.country_code)[0]
    national = national and plan.without_trunk_prefix(national)
    return (plan.country_code, national) if national else None


def _resolve_surely(raw: str, region: str, allow_premium: bool) -> Resolved:
    """The library's answer, or the refusal."""
    if _ROUNDED.fullmatch(raw.strip()):
        raise InvalidNumber(NumberFault.rounded_by_spreadsheet, raw, region)
    digits = phonenumbers.normalize_digits_only(raw)
    short = len(digits) <= _SHORT and "+" not in raw
    if short and phonenumbers.is_emergency_number(digits, region):
        raise InvalidNumber(NumberFault.emergency, raw, region)
    try:
        number = phonenumbers.parse(raw, region)
    except NumberParseException as error:
        raise InvalidNumber(_PARSE_FAULTS[error.error_type], raw, region) from None
    fault = _fault(number, allow_premium)
    if fault and short and phonenumbers.is_valid_short_number_for_region(number, region):
        fault = NumberFault.short_code
    if fault:
        raise InvalidNumber(fault, raw, region)
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if len(text) > _LONGEST:
        raise InvalidNumber(NumberFault.too_long, raw, region)
    country_code = str(number.country_code)
    in_area = phonenumbers.is_number_geographical(number)
    zones = zones_of_prefix(text[1 : zone_depth(country_code)] if in_area else country_code)
    return Resolved(E164(text), phonenumbers.region_code_for_number(number) or "001", zones)


def _fault(number: phonenumbers.PhoneNumber, allow_premium: bool) -> NumberFault | None:
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible != ValidationResult.IS_POSSIBLE:
        return _LENGTH_FAULTS[possible]
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return NumberFault.not_assigned
    if kind == PhoneNumberType.PREMIUM_RATE and not allow_premium:
        return NumberFault.premium_rate
    return NumberFault.has_extension if number.extension else None


_PARSE_FAULTS = {
    NumberParseException.NOT_A_NUMBER: NumberFault.not_a_number,
    NumberParseException.INVALID_COUNTRY_CODE: NumberFault.unknown_country,
    NumberParseException.TOO_SHORT_AFTER_IDD: NumberFault.too_short,
    NumberParseException.TOO_SHORT_NSN: NumberFault.too_short,
    NumberParseException.TOO_LONG: NumberFault.too_long,
}
_LENGTH_FAULTS = {
    ValidationResult.TOO_SHORT: NumberFault.too_short,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NumberFault.too_short,
    ValidationResult.TOO_LONG: NumberFault.too_long,
    ValidationResult.INVALID_LENGTH: NumberFault.not_possible,
    ValidationResult.INVALID_COUNTRY_CODE: NumberFault.unknown_country,
}
