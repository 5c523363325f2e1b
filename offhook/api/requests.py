"""What is common to bodies and parameters that are sent."""

from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import available_timezones

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from dialer.numbering import plan_of

FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Sent(BaseModel):
    """A body: no other fields than it has, and no text that PostgreSQL can't hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, value: Any) -> Any:
        return storable(value)


def storable(value: Any) -> Any:
    """The value; `ValueError` for text that PostgreSQL can't hold."""
    if _has_null(value):
        raise ValueError("text with the character NUL can't be stored")
    return value


def _has_null(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(_has_null, (*value, *value.values())))
    return isinstance(value, list) and any(map(_has_null, value))


def _known_zone(zone: str) -> str:
    if zone and zone not in available_timezones():
        raise ValueError("no such zone")
    return zone


Zone = Annotated[str, Field(max_length=60), AfterValidator(_known_zone)]
"""IANA zone; empty where none is said."""


def _known_region(region: str) -> str:
    plan_of(region)
    return region


RegionName = Annotated[str, Field(pattern="^[A-Z]{2}$"), AfterValidator(_known_region)]
"""ISO code of the country of national numbers."""
Day = Annotated[date, Field(le=date(2199, 12, 31))]
Key = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f/]{1,150}$")]
Since = Annotated[
    AwareDatetime | None,
    Query(alias="from", ge=FIRST, le=LAST, description="From this instant; 30 days ago."),
]
Until = Annotated[
    AwareDatetime | None,
    Query(alias="to", ge=FIRST, le=LAST, description="Until before this instant; tomorrow."),
]
