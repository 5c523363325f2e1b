"""The profiles: every number has a source, and an area code's state is the library's."""

import re

import pytest
from phonenumbers.geodata import GEOCODE_DATA
from pydantic import ValidationError

from dialer.compliance.areas import area_of
from dialer.compliance.binding import LawNeedsMessage, bound, require_message
from dialer.compliance.profiles import PROFILES, UnknownProfile, with_included
from dialer.compliance.scope import rules_for
from dialer.compliance.settings import ComplianceSettings
from dialer.model import Mode
from tests.support.dialing import seconds, settings

STATES = {"Florida": "FL", "Oklahoma": "OK", "Washington State": "WA", "Palm Beach, FL": "FL"}


def names(number: str, *profiles: str) -> set[str]:
    found = rules_for(ComplianceSettings(profiles=profiles), number)
    return {one.name for one in found or ()}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
def test_profile_names_each_rule_once_and_says_where_it_is_from(profile: object) -> None:
    one = PROFILES[getattr(profile, "name")]  # noqa: B009 - the parametrised value is a profile
    ids = [rule.id for rule in one.rules]
    assert len(ids) == len(set(ids))
    assert all(rule.source.text for rule in one.rules)
    assert all(inner in PROFILES for inner in one.includes)


def test_area_codes_are_in_the_states_that_the_library_says() -> None:
    said = {
        key[1:]: STATES[value["en"]]
        for key, value in GEOCODE_DATA.items()
        if re.fullmatch(r"1\d{3}", key) and value.get("en") in STATES
    }
    ours = {code: area_of(f"+1{code}5550100", "US") for code in said}
    assert ours == said
    assert area_of("+12125550100", "US") == "NY"
    assert area_of("+390612345678", "IT") == ""


def test_state_adds_its_rules_to_those_of_the_country() -> None:
    assert "us-fl/attempts" in names("+13055551234", "us")
    assert "us-fl/attempts" not in names("+12125551234", "us")
    assert "us-tsr/hours" in names("+13055551234", "us") & names("+12125551234", "us")


def test_number_that_no_profile_covers_has_no_law() -> None:
    assert rules_for(ComplianceSettings(profiles=("us",)), "+393471234567") is None
    assert rules_for(ComplianceSettings(profiles=("none",)), "+393471234567") == ()


def test_rule_is_waived_only_with_a_justification() -> None:
    reason = "all contacts are customers with a running contract"
    waived = ComplianceSettings.model_validate(
        {"profiles": ["fr"], "waivers": [{"rule": "fr/consent", "justification": reason}]}
    )
    assert "fr/consent" not in {one.name for one in rules_for(waived, "+33612345678") or ()}
    with pytest.raises(ValidationError, match="at least 20 characters"):
        ComplianceSettings.model_validate(
            {"profiles": ["fr"], "waivers": [{"rule": "fr/consent", "justification": "no"}]}
        )
    with pytest.raises(ValidationError, match="no rule of the profiles"):
        ComplianceSettings.model_validate(
            {"profiles": ["uk"], "waivers": [{"rule": "fr/consent", "justification": reason}]}
        )


def test_unknown_profile_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UnknownProfile, match="us-tsr"):
        with_included(("atlantis",))
    with pytest.raises(ValidationError, match="atlantis"):
        ComplianceSettings(profiles=("atlantis",))


def test_settings_take_the_stricter_value_and_keep_one_that_is_stricter_still() -> None:
    lax = settings(
        compliance={"profiles": ["us", "uk"]},
        patience=seconds(8),
        pacing={"target_abandonment": 0.05, "abandonment_window": seconds(90 * 86400)},
    )
    now, changes = bound(lax)
    assert now.patience == seconds(2)
    assert now.pacing.target_abandonment == 0.03
    assert now.pacing.abandonment_window == seconds(86400)
    assert {one.setting for one in changes} == {
        "patience",
        "pacing.target_abandonment",
        "pacing.abandonment_window",
    }
    assert bound(now) == (now, ())
    strict = lax.model_copy(update={"patience": seconds(1)})
    assert bound(strict)[0].patience == seconds(1)


def test_settings_without_a_profile_stay_as_they_are() -> None:
    before = settings(patience=seconds(20))
    assert bound(before) == (before, ())


def test_switch_without_a_message_is_refused_where_the_law_wants_one() -> None:
    lawful = settings(mode=Mode.predictive, compliance={"profiles": ["it"]})
    with pytest.raises(LawNeedsMessage, match="it/patience"):
        require_message(lawful, plays_message=False)
    require_message(lawful, plays_message=True)
    require_message(settings(mode=Mode.predictive), plays_message=False)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"kind": "holidays", "country": "ZZ"}, "the holidays of ZZ aren't known"),
        ({"kind": "holidays", "country": "DE", "subdivision": "XX"}, "XX is no region of DE"),
        ({"kind": "cap", "most": 1, "within": 0}, "greater than 0"),
        ({"kind": "lockout", "after": "machine"}, "say how long"),
        ({"kind": "ring", "least": 121}, "less than or equal to 2 minutes"),
    ],
)
def test_rule_that_could_not_be_kept_is_refused_when_a_campaign_names_it(
    rule: dict[str, object], says: str
) -> None:
    named = {"id": "ours", "source": {"text": "a rule of the house"}} | rule
    with pytest.raises(ValidationError, match=says):
        settings(compliance={"rules": [named]})
