"""Tables of the jobs beside dialing: phonebook synchronisations and checks of call reports."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Interval,
    Table,
    Text,
    text,
)

from activities.pbx_contracts import JobPhase
from dialer.call_check import DifferenceKind
from offhook.storage.tables import metadata


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text(f"'{default}'"))


def _at(name: str, *, required: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not required)


phonebook_syncs = Table(
    "phonebook_syncs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_key", Text, nullable=False),
    Column("switch_id", Text, ForeignKey("switches.id", ondelete="CASCADE"), nullable=False),
    Column("campaign_id", Text, ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False),
    Column("list_id", BigInteger, nullable=True),
    _text("app_name"),
    _text("state", JobPhase.running),
    Column("last_contact", BigInteger, nullable=False, server_default=text("0")),
    _count("total"),
    _count("sent"),
    _count("processed"),
    _count("skipped"),
    _count("warnings"),
    _count("errors"),
    _count("chunks"),
    _text("error"),
    _at("started_at", required=True),
    _at("ended_at"),
    _one_of("state", JobPhase),
)
"""The newest run of each synchronisation; `last_contact` is where the next page begins."""

phonebook_notes = Table(
    "phonebook_notes",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("sync_id", Text, ForeignKey("phonebook_syncs.id", ondelete="CASCADE"), nullable=False),
    _text("contact_id"),
    _text("act"),
    _text("info"),
    Index(None, "sync_id"),
)
"""What the PBX said of single contacts; `contact_id` is as the PBX has it, so not a key."""

call_checks = Table(
    "call_checks",
    metadata,
    Column("switch_id", Text, ForeignKey("switches.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("run_key", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("tolerance", Interval, nullable=False),
    _text("state", JobPhase.running),
    _at("checked_until"),
    _count("ours"),
    _count("theirs"),
    _count("matched"),
    *(_count(kind) for kind in DifferenceKind),
    _text("error"),
    _at("started_at", required=True),
    _at("ended_at"),
    _one_of("state", JobPhase),
)
"""The newest check of each day."""

call_differences = Table(
    "call_differences",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("switch_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", Text, nullable=False),
    _at("at"),
    _text("attempt_id"),
    _text("call_id"),
    _text("ours"),
    _text("theirs"),
    Column("our_talk", Interval, nullable=True),
    Column("their_talk", Interval, nullable=True),
    ForeignKeyConstraint(
        ["switch_id", "day"], ["call_checks.switch_id", "call_checks.day"], ondelete="CASCADE"
    ),
    _one_of("kind", DifferenceKind),
    Index(None, "switch_id", "day"),
)
"""No foreign key to attempts: some are ours by no record, and attempts may be deleted before."""
