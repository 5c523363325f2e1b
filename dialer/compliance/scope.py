"""Which rules are in force for a number, by the country and the state that it belongs to."""

from functools import lru_cache

from dialer.compliance.areas import area_of
from dialer.compliance.settings import ComplianceSettings, NamedRule, rules_at
from dialer.numbers import InvalidNumber, resolve


@lru_cache(maxsize=8192)  # asked when a contact is claimed, and again when it is dialed
def place_of(number: str) -> tuple[str, str]:
    """Country and state of an E.164 number; both empty where it is in none."""
    try:
        region = resolve(number, "US", allow_premium=True).region
    except InvalidNumber:
        return "", ""
    return region, area_of(number, region)


def rules_for(settings: ComplianceSettings, number: str) -> tuple[NamedRule, ...] | None:
    """The rules in force for a number; None if profiles are named and none covers it."""
    place = place_of(number) if settings.profiles else ("", "")
    return _rules_at(settings, place)


@lru_cache(maxsize=4096)
def _rules_at(settings: ComplianceSettings, place: tuple[str, str]) -> tuple[NamedRule, ...] | None:
    if settings.profiles and not any(one.covers(*place) for one in settings.known_profiles):
        return None
    return rules_at(settings, place)
