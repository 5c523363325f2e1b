"""Tables of who takes a caller: what is known of callers, and every offer to an agent with why."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from offhook.storage.tables import metadata


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text("''"))


def _at(name: str, *, required: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not required)


caller_profiles = Table(
    "caller_profiles",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("vip", Boolean, nullable=False, server_default=text("false")),
    Column("owner", Text, ForeignKey("agents.id", ondelete="SET NULL"), nullable=True),
    _at("changed_at", required=True),
    CheckConstraint("kind IN ('customer', 'number')", name="kind"),
    Index(None, "owner"),
)
"""Callers of importance and callers who have an agent of their own, by number or by customer."""

agent_offer_log = Table(
    "agent_offer_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    _text("calling"),
    _text("customer"),
    Column("reasons", ARRAY(Text), nullable=False),
    _at("offered_at", required=True),
    _text("outcome"),
    _at("settled_at"),
    CheckConstraint(
        "outcome IN ('', 'connected', 'no_answer', 'given_back', 'expired')", name="outcome"
    ),
    Index(None, "session_id", "offered_at"),
    Index(None, "calling", "offered_at", postgresql_where=text("outcome = 'connected'")),
    Index(None, "customer", "offered_at", postgresql_where=text("outcome = 'connected'")),
)
"""Who was offered a caller, and the reasons for the choice; who took one is his last agent."""
