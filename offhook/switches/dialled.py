"""How a number is written for a switch to dial."""

from enum import StrEnum

import phonenumbers


class NumberFormat(StrEnum):
    """How numbers are written for the PBX."""

    e164 = "e164"
    """+390733…"""
    international = "international"
    """00390733…"""
    national = "national"
    """As dialled inside `region`; other countries with their exit code."""


def dialled(number: str, *, number_format: NumberFormat, region: str, prefix: str) -> str:
    """`number` (E.164) as the switch must be given it."""
    if number_format is NumberFormat.international:
        number = "00" + number.removeprefix("+")
    elif number_format is NumberFormat.national:
        parsed = phonenumbers.parse(number)
        written = phonenumbers.format_out_of_country_calling_number(parsed, region)
        number = phonenumbers.normalize_diallable_chars_only(written)
    return prefix + number
