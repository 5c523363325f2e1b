"""Numbering plans: the library's metadata of a region, compiled for numbers that are plainly valid.

Each question follows the library's own order of tests, so that an answer here is the answer there;
where the library would rewrite digits, the answer is None and the library is asked.
"""

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA


class UnknownRegion(ValueError):
    """The default region is not a two-letter country code that has a numbering plan."""

    code = "unknown_region"

    def __init__(self, region: str) -> None:
        super().__init__(f"region {region!r} is unknown; use an ISO code such as IT or GB")


class Place(Enum):
    """What a plan says of a national number."""

    nowhere = "nowhere"
    """No such number."""
    premium = "premium"
    country = "country"
    """Valid, tied to the country only."""
    area = "area"
    """Valid, tied to the area of its first digits."""


class Kinds(NamedTuple):
    """The patterns of a region that numbers of one length can match, in the library's order."""

    premium: re.Pattern[str] | None
    elsewhere: re.Pattern[str] | None
    """Kinds that are in no place: toll free, voice over IP and so on."""
    fixed: re.Pattern[str] | None
    mobile: re.Pattern[str] | None


class Plan:
    """What of a region's metadata decides on plainly valid numbers."""

    def __init__(self, region: str, metadata: PhoneMetadata) -> None:
        self.region = region
        self.metadata = metadata
        self.country_code = str(metadata.country_code)
        general = metadata.general_desc or PhoneNumberDesc()
        self.general = re.compile(general.national_number_pattern or "(?!)")
        self.lengths = frozenset(general.possible_length)
        self.abroad = re.compile(metadata.international_prefix or "(?!)")
        self.trunk = re.compile(metadata.national_prefix_for_parsing or "(?!)")
        self.rewrites = bool(metadata.national_prefix_transform_rule)
        leading = metadata.leading_digits
        self.leading = None if leading is None else re.compile(leading)
        self.mobile = (
            Place.area
            if is_number_type_geographical(PhoneNumberType.MOBILE, int(self.country_code))
            else Place.country
        )
        self._kinds: dict[int, Kinds] = {}

    def kinds(self, length: int) -> Kinds:
        """The patterns for national numbers of that length."""
        found = self._kinds.get(length)
        if found is None:
            data = self.metadata
            others = (
                data.toll_free,
                data.shared_cost,
                data.voip,
                data.personal_number,
                data.pager,
                data.uan,
                data.voicemail,
            )
            found = self._kinds[length] = Kinds(
                _any_of([data.premium_rate], length),
                _any_of(others, length),
                _any_of([data.fixed_line], length),
                _any_of([] if data.same_mobile_and_fixed_line_pattern else [data.mobile], length),
            )
        return found

    def place(self, national: str) -> Place:
        """What kind of number it is, asked in the library's order."""
        length = len(national)
        if length not in self.lengths or not self.general.fullmatch(national):
            return Place.nowhere
        kinds = self.kinds(length)
        if kinds.premium and kinds.premium.fullmatch(national):
            return Place.premium
        if kinds.elsewhere and kinds.elsewhere.fullmatch(national):
            return Place.country
        if kinds.fixed and kinds.fixed.fullmatch(national):
            return Place.area
        if kinds.mobile and kinds.mobile.fullmatch(national):
            return self.mobile
        return Place.nowhere

    def without_trunk_prefix(self, number: str) -> str | None:
        """The number less the digits that are dialed only inside the country; None if in doubt."""
        match = self.trunk.match(number)
        if not match:
            return number
        if self.rewrites and match.groups()[-1] is not None:
            return None
        rest = number[match.end() :]
        if self.general.fullmatch(number) and not self.general.fullmatch(rest):
            return number
        return rest if len(rest) in self.lengths else None


def _any_of(descriptions: Iterable[PhoneNumberDesc | None], length: int) -> re.Pattern[str] | None:
    patterns = [
        desc.national_number_pattern
        for desc in descriptions
        if desc is not None
        and desc.national_number_pattern
        and (not desc.possible_length or length in desc.possible_length)
    ]
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else None


@lru_cache(maxsize=1024)
def plan_of(region: str) -> Plan:
    """The plan of a region, or `UnknownRegion`."""
    metadata = PhoneMetadata.metadata_for_region(region.upper(), None)
    if metadata is None:
        raise UnknownRegion(region)
    return Plan(region.upper(), metadata)


@lru_cache(maxsize=1024)
def plans_sharing(country_code: str) -> tuple[Plan, ...]:
    """The regions that share a country code, the main one first; none for codes of no country."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(country_code), ())
    return tuple(plan_of(region) for region in regions if region != "001")


@lru_cache(maxsize=1024)
def zone_depth(country_code: str) -> int:
    """How much of a number, plus sign included, its zones can depend on."""
    return 1 + max((len(key) for key in TIMEZONE_DATA if key.startswith(country_code)), default=0)


@lru_cache(maxsize=1 << 16)
def zones_of_prefix(prefix: str) -> tuple[str, ...]:
    """The zones of the longest known prefix of these digits."""
    for length in range(len(prefix), 0, -1):
        found = TIMEZONE_DATA.get(prefix[:length])
        if found:
            return () if found == ("Etc/Unknown",) else found
    return ()
