"""Filters as SQL over a contact's attributes, with every literal a bound parameter."""

from datetime import date
from decimal import Decimal
from typing import assert_never

from dialer.lists.filters import (
    DATE,
    NUMBER,
    Both,
    Compared,
    Constant,
    Contains,
    Either,
    Filter,
    Known,
    Literal,
    Not,
    Operator,
)

_SIGNS = {
    Operator.eq: "=",
    Operator.lt: "<",
    Operator.le: "<=",
    Operator.gt: ">",
    Operator.ge: ">=",
}


class Parameters:
    """Values of a statement that is being composed; what is added gets the next number."""

    def __init__(self, *first: object) -> None:
        self.values: list[object] = list(first)

    def add(self, value: object, kind: str) -> str:
        """Where the value will stand in the statement."""
        self.values.append(value)
        return f"${len(self.values)}::{kind}"


def condition(wanted: Filter, parameters: Parameters, *, column: str = "c.attributes") -> str:
    """A condition that is true or false, never null, for each row."""
    match wanted:
        case Constant():
            return "true" if wanted.value else "false"
        case Known(attribute):
            return f"({_value(attribute, parameters, column)} <> '')"
        case Compared(attribute, operation, literal):
            value = _value(attribute, parameters, column)
            return _compared(value, _SIGNS[operation], literal, parameters)
        case Contains(attribute, text):
            value = _value(attribute, parameters, column)
            return f"(strpos({value}, {parameters.add(text, 'text')}) > 0)"
        case Not(inner):
            return f"(NOT {condition(inner, parameters, column=column)})"
        case Both(left, right):
            first = condition(left, parameters, column=column)
            return f"({first} AND {condition(right, parameters, column=column)})"
        case Either(left, right):
            first = condition(left, parameters, column=column)
            return f"({first} OR {condition(right, parameters, column=column)})"
        case never:
            assert_never(never)


def _value(attribute: str, parameters: Parameters, column: str) -> str:
    return f"COALESCE({column} ->> {parameters.add(attribute, 'text')}, '')"


def _compared(value: str, sign: str, literal: Literal, parameters: Parameters) -> str:
    match literal:
        case bool():
            word = parameters.add("true" if literal else "false", "text")
            return f"(lower({value}) = {word})"
        case str():
            other = parameters.add(literal, "text")
            return f'({value} <> \'\' AND {value} COLLATE "C" {sign} {other} COLLATE "C")'
        case Decimal():
            # CASE, because AND promises no order and what isn't a number can't be cast.
            number = f"replace(btrim({value}, ' '), ',', '.')::numeric"
            other = parameters.add(literal, "numeric")
            return f"(CASE WHEN {value} ~ '{NUMBER}' THEN {number} {sign} {other} ELSE false END)"
        case date():
            day = parameters.add(literal.isoformat(), "text")
            return f"({value} ~ '{DATE}' AND left({value}, 10) COLLATE \"C\" {sign} {day})"
        case never:
            assert_never(never)
