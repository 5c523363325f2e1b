"""Tables of who takes a caller: what is known of callers, and every offer to an agent with why."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from offhook.storage.columns import instant, text_column
from offhook.storage.tables import metadata

caller_profiles = Table(
    "caller_profiles",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("vip", Boolean, nullable=False, server_default=text("false")),
    Column("owner", Text, ForeignKey("agents.id", ondelete="SET NULL"), nullable=True),
    instant("changed_at", required=True),
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
    text_column("calling"),
    text_column("customer"),
    Column("reasons", ARRAY(Text), nullable=False),
    instant("offered_at", required=True),
    text_column("outcome"),
    instant("settled_at"),
    CheckConstraint(
        "outcome IN ('', 'connected', 'no_answer', 'given_back', 'expired')", name="outcome"
    ),
    Index(None, "session_id", "offered_at"),
    Index(None, "calling", "offered_at", postgresql_where=text("outcome = 'connected'")),
    Index(None, "customer", "offered_at", postgresql_where=text("outcome = 'connected'")),
)
"""Who was offered a caller, and the reasons for the choice; who took one is his last agent."""
