"""Which law a campaign keeps: profiles, rules of its own, and what was waived, with the reason."""

from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dialer.compliance.profiles import with_included
from dialer.compliance.rules import Profile, Rule

OWN = "campaign"
"""How rules of the campaign's own are named in refusals, before their id."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Waiver(_Part):
    """A rule of a profile that this campaign does not keep, and why it need not."""

    rule: Annotated[str, Field(pattern="^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*$")]
    """Profile and rule, as `fr/consent`."""
    justification: Annotated[str, Field(min_length=20, max_length=1000)]
    """Written by whoever answers for it; it is in the compliance report."""


class CallerIdChoice(_Part):
    """The number shown to people whose number begins with a prefix."""

    prefix: Annotated[str, Field(pattern=r"^\+[0-9]{1,15}$")]
    caller_id: Annotated[str, Field(min_length=3, max_length=20)]


class ComplianceSettings(_Part):
    """The law of a campaign. Without a profile only the do-not-call lists are kept."""

    profiles: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Jurisdictions, as `offhook compliance profiles` lists them. Once any is named, a number that
    none of them covers is not called."""
    rules: Annotated[tuple[Rule, ...], Field(max_length=50)] = ()
    """More rules, kept beside those of the profiles."""
    waivers: Annotated[tuple[Waiver, ...], Field(max_length=50)] = ()
    caller_ids: Annotated[tuple[CallerIdChoice, ...], Field(max_length=200)] = ()
    """By destination; the longest prefix that fits wins, and `caller_id` is for the rest."""
    debt_attribute: Annotated[str, Field(min_length=1, max_length=60)] = "debt"
    """The contact attribute that names the debt."""
    person_attribute: Annotated[str, Field(max_length=60)] = ""
    """The contact attribute that names the person over all lists; empty is the list's own id."""

    @field_validator("profiles")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        with_included(value)
        return value

    @model_validator(mode="after")
    def _waives_what_is_there(self) -> Self:
        known = {f"{one.name}/{rule.id}" for one in self.known_profiles for rule in one.rules}
        for waiver in self.waivers:
            if waiver.rule not in known:
                raise ValueError(f"{waiver.rule} is no rule of the profiles {self.profiles}")
        return self

    @property
    def known_profiles(self) -> tuple[Profile, ...]:
        """The profiles named and those that come with them."""
        return with_included(self.profiles)

    @property
    def asked(self) -> bool:
        """Whether there is anything to keep but the do-not-call lists."""
        return bool(self.profiles or self.rules)

    def caller_id(self, number: str, otherwise: str) -> str:
        """The number to show to `number`."""
        fits = [one for one in self.caller_ids if number.startswith(one.prefix)]
        return max(fits, key=lambda one: len(one.prefix)).caller_id if fits else otherwise


class NamedRule(NamedTuple):
    """A rule in force, and the name that refusals give it."""

    name: str
    rule: Rule


def all_rules(settings: ComplianceSettings) -> tuple[NamedRule, ...]:
    """Every rule that the campaign keeps for some number."""
    return rules_at(settings, None)


def rules_at(settings: ComplianceSettings, place: tuple[str, str] | None) -> tuple[NamedRule, ...]:
    """The rules in force at a place (country and state); None is every place."""
    waived = {waiver.rule for waiver in settings.waivers}
    named = [
        NamedRule(f"{one.name}/{rule.id}", rule)
        for one in settings.known_profiles
        if place is None or one.covers(*place)
        for rule in one.rules
    ]
    named += [NamedRule(f"{OWN}/{rule.id}", rule) for rule in settings.rules]
    return tuple(one for one in named if one.name not in waived)
