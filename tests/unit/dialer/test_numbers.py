"""Phone numbers: every refusal, and the same answers as the library that is the authority."""

import pickle
from zoneinfo import available_timezones

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType, timezone
from phonenumbers.tzdata import TIMEZONE_DATA
from pydantic import BaseModel, ValidationError

from dialer.numbers import (
    E164,
    InvalidNumber,
    NumberFault,
    Resolved,
    UnknownRegion,
    mask,
    parse_number,
    region_of,
    resolve,
    zones_of,
)

REGIONS = [
    "IT",
    "FR",
    "DE",
    "GB",
    "US",
    "ES",
    "CH",
    "AT",
    "NL",
    "PL",
    "LV",
    "VA",
    "CA",
    "GG",
    "AR",
    "BR",
    "MX",
    "CI",
    "HU",
]
KINDS = [
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.UAN,
]
EXAMPLES = [
    number
    for region in REGIONS
    for kind in KINDS
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]
FORMS = [
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
]


def library_says(raw: str, region: str) -> Resolved | None:
    """What phonenumbers alone makes of it; None unless it is valid, not premium, and E.164."""
    try:
        number = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None
    text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    digits = phonenumbers.normalize_digits_only(raw)
    if (
        not phonenumbers.is_valid_number(number)
        or phonenumbers.number_type(number) == PhoneNumberType.PREMIUM_RATE
        or number.extension
        or len(text) > 16
        or (len(digits) <= 6 and phonenumbers.is_emergency_number(digits, region))
    ):
        return None
    zones = tuple(z for z in timezone.time_zones_for_number(number) if z != "Etc/Unknown")
    return Resolved(E164(text), phonenumbers.region_code_for_number(number) or "001", zones)


def we_say(raw: str, region: str) -> Resolved | None:
    try:
        return resolve(raw, region)
    except InvalidNumber:
        return None


@st.composite
def written_numbers(draw: st.DrawFn) -> str:
    """A real number of some kind with some digits changed, added or lost, in some notation."""
    number = draw(st.sampled_from(EXAMPLES))
    text = phonenumbers.format_number(number, draw(st.sampled_from(FORMS)))
    changed = draw(st.integers(0, len(text)))
    tail = "".join(
        draw(st.sampled_from("0123456789")) if char.isdigit() else char for char in text[changed:]
    )
    text = text[:changed] + tail + draw(st.sampled_from(["", "", "", "0", "12"]))
    text = draw(st.sampled_from(["", "", "", "0", "00", "(", "1", "39"])) + text
    if draw(st.booleans()):
        text = text.replace("+", draw(st.sampled_from(["00", "011", "+", ""])))
    return text.replace(" ", draw(st.sampled_from([" ", "", "-", ".", "/", "\u00a0", ") "])))


@settings(max_examples=1500)
@given(written_numbers(), st.sampled_from(REGIONS))
@example("+800 1234 5678", "IT")
@example("0039 0039 347", "IT")
@example("+390668612345", "VA")
@example("39 0612345678", "IT")
@example("12125551234", "US")
@example("1900 555 1234", "US")
@example("011 15 1234 5678", "AR")
@example("54 11 1234 5678", "AR")
@example("+49 2360 80749927211", "DE")
def test_number_gets_the_same_answer_as_from_the_library(raw: str, region: str) -> None:
    assert we_say(raw, region) == library_says(raw, region)


@settings(max_examples=500)
@given(
    st.text(st.sampled_from("+0123456789 ()-./x#;,٣\u00a0aE'"), max_size=24),
    st.sampled_from(REGIONS),
)
@example("3.9347E+11", "IT")
def test_any_text_gets_the_same_answer_as_from_the_library(raw: str, region: str) -> None:
    # A number in scientific notation has no digits to trust, whatever the library reads in it.
    rounded = "e" in raw.lower() and we_say(raw, region) is None
    assert rounded or we_say(raw, region) == library_says(raw, region)


@given(st.sampled_from(EXAMPLES), st.integers(0, 9999))
def test_a_parsed_number_parses_to_itself_from_anywhere(
    number: phonenumbers.PhoneNumber, tail: int
) -> None:
    text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    first = we_say(text[:-4] + f"{tail:04}", "IT")
    if first is not None:
        assert resolve(first.number, "US") == first


@pytest.mark.parametrize(
    ("raw", "region", "code"),
    [
        ("", "IT", NumberFault.not_a_number),
        ("Mario Rossi", "IT", NumberFault.not_a_number),
        ("3.93471E+11", "IT", NumberFault.rounded_by_spreadsheet),
        ("3,93471E+11", "IT", NumberFault.rounded_by_spreadsheet),
        ("+999 123456789", "IT", NumberFault.unknown_country),
        ("347 12", "IT", NumberFault.too_short),
        ("555 1234", "US", NumberFault.too_short),
        ("+39 1", "IT", NumberFault.too_short),
        ("0011", "IT", NumberFault.too_short),
        ("347 1234567 347 1234567", "IT", NumberFault.too_long),
        ("3" * 300, "IT", NumberFault.too_long),
        ("+43 1234567890123456", "IT", NumberFault.too_long),
        ("+1 201 555 01230", "US", NumberFault.too_long),
        ("+49 2360 80749927211", "DE", NumberFault.too_long),
        ("+47 222222", "NO", NumberFault.not_possible),
        ("+1 111 111 1111", "US", NumberFault.not_assigned),
        ("02 12345678 ext 12", "IT", NumberFault.has_extension),
        ("899 123456", "IT", NumberFault.premium_rate),
        ("112", "IT", NumberFault.emergency),
        ("911", "US", NumberFault.emergency),
        ("1 1 8", "IT", NumberFault.emergency),
        ("4242", "FR", NumberFault.too_short),
        ("12 42", "IT", NumberFault.short_code),
    ],
)
def test_number_is_refused_with_the_exact_reason(raw: str, region: str, code: NumberFault) -> None:
    with pytest.raises(InvalidNumber) as refused:
        parse_number(raw, region)
    assert refused.value.code is code
    assert refused.value.region == region


def test_refusal_never_shows_the_number_and_survives_pickling() -> None:
    with pytest.raises(InvalidNumber) as refused:
        parse_number("+39 899 123456", "IT")
    assert "899123" not in str(refused.value)
    assert "456" in str(refused.value)
    copy = pickle.loads(pickle.dumps(refused.value))  # noqa: S301  # our own bytes
    assert (copy.code, copy.raw, copy.region) == (NumberFault.premium_rate, "+39 899 123456", "IT")


def test_premium_number_passes_when_allowed() -> None:
    assert parse_number("899 123456", "IT", allow_premium=True) == "+39899123456"


def test_unknown_region_is_refused() -> None:
    with pytest.raises(UnknownRegion) as refused:
        parse_number("347 1234567", "ZZ")
    assert refused.value.code == "unknown_region"


def test_region_and_zones_follow_the_first_digits() -> None:
    assert zones_of("+33612345678") == ("Europe/Paris",)
    assert zones_of("+12125551234") == ("America/New_York",)
    assert len(zones_of("+18005551234")) > 20
    assert set(zones_of("+34612345678")) == {"Europe/Madrid", "Atlantic/Canary"}
    assert zones_of("+80012345678") == ()
    assert region_of("+12125551234") == "US"
    assert region_of("+16135551234") == "CA"
    assert region_of("+80012345678") == "001"


def test_every_zone_of_the_library_is_known_to_the_machine() -> None:
    named = {zone for zones in TIMEZONE_DATA.values() for zone in zones} - {"Etc/Unknown"}
    assert named <= available_timezones()


def test_mask_keeps_the_country_and_the_end_and_no_other_text() -> None:
    assert E164("+393471234567").masked == "+39*******567"
    assert mask("Rossi 347 1234567") == "*******567"
    assert mask("Rossi 12") == "***"


class _Holder(BaseModel):
    number: E164


def test_e164_is_checked_wherever_it_is_made() -> None:
    holder = _Holder.model_validate_json('{"number": "+393471234567"}')
    assert isinstance(holder.number, E164)
    assert holder.model_dump_json() == '{"number":"+393471234567"}'
    with pytest.raises(ValidationError):
        _Holder.model_validate({"number": "347 1234567"})
    with pytest.raises(ValueError, match="not E"):
        E164("+0123456")
