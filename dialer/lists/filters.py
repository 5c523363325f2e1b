"""Filters on what is known of a contact: what they are made of, and what they mean.

Attributes are text, whatever they look like: the literal that one is compared with says how it is
read. A contact without the attribute, or with a value that can't be read so, fits no comparison;
`!=` is the opposite of `==` and `not` the opposite of what it stands before, so that everybody fits
either a filter or its opposite. This module is the reference; the SQL that databases get is made
from the same nodes and tested against it.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, assert_never

NUMBER = r"^[ ]*[+-]?[0-9]{1,15}([.,][0-9]{1,9})?[ ]*$"
"""What is read as a number; the decimal mark may be a comma."""
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}($|[T ])"
"""What is read as a date: ISO 8601, a time behind it is left out."""

Literal = str | Decimal | date | bool


class Operator(StrEnum):
    """How an attribute is compared."""

    eq = "eq"
    lt = "lt"
    le = "le"
    gt = "gt"
    ge = "ge"


@dataclass(frozen=True, slots=True)
class Constant:
    """Everybody, or nobody."""

    value: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The attribute is there and not empty."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The attribute, read as the literal is, compares so with it."""

    attribute: str
    operator: Operator
    literal: Literal


@dataclass(frozen=True, slots=True)
class Contains:
    """The attribute has this text in it."""

    attribute: str
    text: str


@dataclass(frozen=True, slots=True)
class Not:
    """Whoever doesn't fit."""

    inner: "Filter"


@dataclass(frozen=True, slots=True)
class Both:
    """Whoever fits both."""

    left: "Filter"
    right: "Filter"


@dataclass(frozen=True, slots=True)
class Either:
    """Whoever fits at least one."""

    left: "Filter"
    right: "Filter"


Filter = Constant | Known | Compared | Contains | Not | Both | Either

_NUMBER = re.compile(NUMBER.removesuffix("$") + r"\Z")
_DATE = re.compile(DATE.replace("$", r"\Z"))
_OPERATORS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.eq: operator.eq,
    Operator.lt: operator.lt,
    Operator.le: operator.le,
    Operator.gt: operator.gt,
    Operator.ge: operator.ge,
}


def fits(wanted: Filter, attributes: Mapping[str, str | None]) -> bool:
    """Whether a contact with these attributes fits."""
    match wanted:
        case Constant(value):
            return value
        case Known(attribute):
            return bool(attributes.get(attribute))
        case Compared(attribute, operation, literal):
            return _compares(attributes.get(attribute) or "", operation, literal)
        case Contains(attribute, text):
            return text in (attributes.get(attribute) or "")
        case Not(inner):
            return not fits(inner, attributes)
        case Both(left, right):
            return fits(left, attributes) and fits(right, attributes)
        case Either(left, right):
            return fits(left, attributes) or fits(right, attributes)
        case never:
            assert_never(never)


def _compares(text: str, operation: Operator, literal: Literal) -> bool:
    if not text:
        return False
    compare = _OPERATORS[operation]
    match literal:
        case bool():
            return text.lower() == ("true" if literal else "false")
        case str():
            return compare(text, literal)
        case Decimal():
            return bool(_NUMBER.match(text)) and compare(
                Decimal(text.strip(" ").replace(",", ".")), literal
            )
        case date():
            return bool(_DATE.match(text)) and compare(text[:10], literal.isoformat())
        case never:
            assert_never(never)
