"""The kinds of rule that a jurisdiction profile is made of; each carries the source of its numbers.

The law of a call is the conjunction of the rules of every profile that covers its number, so of
two that differ the stricter wins by itself; nothing is ever merged.
"""

from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from holidays import list_supported_countries
from pydantic import BaseModel, ConfigDict, Field, model_validator

from dialer.compliance.facts import Counted
from dialer.windows import CallingHours


class Evidence(StrEnum):
    """How well a number is known. None of it replaces a lawyer."""

    excerpt = "excerpt"
    """Read in an excerpt or summary of the source."""
    unverified = "unverified"
    """General knowledge, not found in a source that could be read."""
    assumed = "assumed"
    """Chosen here where the source is silent."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Part):
    """Where a number comes from."""

    text: Annotated[str, Field(min_length=3, max_length=300)]
    evidence: Evidence = Evidence.excerpt


class _Rule(_Part):
    id: Annotated[str, Field(pattern="^[a-z][a-z0-9-]{1,40}$")]
    """Names the rule within its profile; waivers and refusals name it."""
    source: Source


class Key(StrEnum):
    """Whose calls a cap or lockout counts, over all campaigns."""

    number = "number"
    person = "person"
    debt = "debt"


Span = Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=3650))]


class HoursRule(_Rule):
    """Calls only within these hours, on the wall clock of every zone the number may be in."""

    kind: Literal["hours"] = "hours"
    hours: CallingHours


class HolidayRule(_Rule):
    """No calls on public holidays, by the local date of every zone the number may be in."""

    kind: Literal["holidays"] = "holidays"
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")]
    subdivision: str = ""

    @model_validator(mode="after")
    def _known(self) -> Self:
        regions = list_supported_countries().get(self.country)
        if regions is None:
            raise ValueError(f"the holidays of {self.country} aren't known")
        if self.subdivision and self.subdivision not in regions:
            raise ValueError(
                f"{self.subdivision} is no region of {self.country} whose holidays are known; "
                f"there are {', '.join(regions) or 'none'}"
            )
        return self


class CapRule(_Rule):
    """At most `most` calls within any `within`, those that nobody answered included."""

    kind: Literal["cap"] = "cap"
    per: Key = Key.number
    most: Annotated[int, Field(ge=1, le=1000)]
    within: Annotated[Span, Field(gt=timedelta(0))]


class LockoutRule(_Rule):
    """After a call that ended so, none for `locked`, and until `reserved` is over only calls for
    which an agent is kept from the start.
    """

    kind: Literal["lockout"] = "lockout"
    after: Literal[Counted.abandoned, Counted.machine, Counted.talk, Counted.refused]
    per: Key = Key.number
    locked: Span = timedelta(0)
    reserved: Span = timedelta(0)

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if not (self.locked or self.reserved):
            raise ValueError("say how long: `locked`, `reserved` or both")
        return self


class ConsentRule(_Rule):
    """Only people of whom the list says that they have agreed (contact attribute `consent`)."""

    kind: Literal["consent"] = "consent"
    since: date | None = None
    """The local date from which it holds; None is always."""


class RingRule(_Rule):
    """A call rings at least so long before it is given up."""

    kind: Literal["ring"] = "ring"
    least: Annotated[Span, Field(le=timedelta(seconds=120))]


class PatienceRule(_Rule):
    """A person who answered waits no longer for an agent; with `message`, he is told who called."""

    kind: Literal["patience"] = "patience"
    most: Span
    message: bool = True


class Denominator(StrEnum):
    """What abandoned calls are a share of."""

    answered_by_person = "answered_by_person"


class AbandonmentRule(_Rule):
    """Abandoned calls are at most this share, per campaign, in every such window."""

    kind: Literal["abandonment"] = "abandonment"
    cap: Annotated[float, Field(ge=0.0, le=1.0)]
    window: Span
    denominator: Denominator = Denominator.answered_by_person


class CallerIdRule(_Rule):
    """A number is shown, and one that may be: none of `barred`, and one of `allowed` if any are
    named. Prefixes in E.164, with the plus sign.
    """

    kind: Literal["caller-id"] = "caller-id"
    allowed: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()


class RecordsRule(_Rule):
    """Records of every call are kept so long."""

    kind: Literal["records"] = "records"
    keep: Span


Rule = Annotated[
    HoursRule
    | HolidayRule
    | CapRule
    | LockoutRule
    | ConsentRule
    | RingRule
    | PatienceRule
    | AbandonmentRule
    | CallerIdRule
    | RecordsRule,
    Field(discriminator="kind"),
]


class Profile(_Part):
    """The rules of one jurisdiction, or of one trade in it."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9-]{1,40}$")]
    title: Annotated[str, Field(min_length=3, max_length=200)]
    regions: tuple[str, ...] = ()
    """Countries whose numbers it covers; empty covers every number."""
    areas: tuple[str, ...] = ()
    """States within the country, by area code; empty is the whole of it."""
    includes: tuple[str, ...] = ()
    """Profiles that come with it."""
    rules: tuple[Rule, ...] = ()
    notes: tuple[str, ...] = ()
    """What it doesn't do, and what a person must see to."""

    def covers(self, region: str, area: str) -> bool:
        """Whether it is the law for a number of that country and state."""
        return (not self.regions or region in self.regions) and (
            not self.areas or area in self.areas
        )
