"""Tables of the jobs beside dialing: phonebook synchronisations and checks of call reports."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Interval,
    Table,
    Text,
    text,
)

from activities.pbx_contracts import JobPhase
from dialer.call_check import DifferenceKind
from offhook.storage.columns import count_column, instant, one_of, text_column
from offhook.storage.tables import metadata

phonebook_syncs = Table(
    "phonebook_syncs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_key", Text, nullable=False),
    Column("switch_id", Text, ForeignKey("switches.id", ondelete="CASCADE"), nullable=False),
    Column("campaign_id", Text, ForeignKey("campaigns.id", ondelete="CASCADE"), nullable=False),
    Column("list_id", BigInteger, nullable=True),
    text_column("app_name"),
    text_column("state", JobPhase.running),
    Column("last_contact", BigInteger, nullable=False, server_default=text("0")),
    count_column("total"),
    count_column("sent"),
    count_column("processed"),
    count_column("skipped"),
    count_column("warnings"),
    count_column("errors"),
    count_column("chunks"),
    text_column("error"),
    instant("started_at", required=True),
    instant("ended_at"),
    one_of("state", JobPhase),
)
"""The newest run of each synchronisation; `last_contact` is where the next page begins."""

phonebook_notes = Table(
    "phonebook_notes",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("sync_id", Text, ForeignKey("phonebook_syncs.id", ondelete="CASCADE"), nullable=False),
    text_column("contact_id"),
    text_column("act"),
    text_column("info"),
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
    text_column("state", JobPhase.running),
    instant("checked_until"),
    count_column("ours"),
    count_column("theirs"),
    count_column("matched"),
    *(count_column(kind) for kind in DifferenceKind),
    text_column("error"),
    instant("started_at", required=True),
    instant("ended_at"),
    one_of("state", JobPhase),
)
"""The newest check of each day."""

call_differences = Table(
    "call_differences",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("switch_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", Text, nullable=False),
    instant("at"),
    text_column("attempt_id"),
    text_column("call_id"),
    text_column("ours"),
    text_column("theirs"),
    Column("our_talk", Interval, nullable=True),
    Column("their_talk", Interval, nullable=True),
    ForeignKeyConstraint(
        ["switch_id", "day"], ["call_checks.switch_id", "call_checks.day"], ondelete="CASCADE"
    ),
    one_of("kind", DifferenceKind),
    Index(None, "switch_id", "day"),
)
"""No foreign key to attempts: some are ours by no record, and attempts may be deleted before."""
