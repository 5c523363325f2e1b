"""Columns and checks as every table here has them."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, Text, text


def text_column(name: str, default: str = "") -> Column[str]:
    """Text that is never null."""
    return Column(name, Text, nullable=False, server_default=text(f"'{default}'"))


def count_column(name: str, default: int = 0) -> Column[int]:
    """A count, from zero unless said otherwise."""
    return Column(name, Integer, nullable=False, server_default=text(str(default)))


def instant(name: str, *, required: bool = False) -> Column[object]:
    """An instant, in UTC; null means not yet, or never."""
    return Column(name, DateTime(timezone=True), nullable=not required)


def one_of(column: str, values: type[StrEnum], *, null: bool = False) -> CheckConstraint:
    """One of a closed set."""
    listed = ", ".join(f"'{value}'" for value in values)
    rule = f"{column} IN ({listed})"
    return CheckConstraint(f"{column} IS NULL OR {rule}" if null else rule, name=column)
