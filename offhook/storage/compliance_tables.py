"""Tables of the law: calls whose contacts are gone, calls that were forbidden, changes of the
do-not-call lists.

None has a foreign key: they outlive the lists and campaigns that they tell of.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)

from offhook.storage.columns import instant, text_column
from offhook.storage.tables import metadata

past_calls = Table(
    "past_calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign_id", Text, nullable=False),
    Column("contact_id", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    text_column("person"),
    text_column("debt"),
    text_column("caller_id"),
    instant("opened_at", required=True),
    instant("answered_at"),
    instant("joined_at"),
    instant("ended_at"),
    Column("agent_id", Text, nullable=True),
    Column("outcome", Text, nullable=True),
    Column("disposition", Text, nullable=True),
    Index(None, "campaign_id", "opened_at"),
    Index(None, "number", "opened_at"),
    Index(None, "contact_id"),
    Index(None, "person", "opened_at", postgresql_where=text("person <> ''")),
    Index(None, "debt", "opened_at", postgresql_where=text("debt <> ''")),
)
"""What is kept of an attempt when its contact is deleted, by a trigger: caps and lockouts count on,
and the record of the call is the regulator's for years.
"""

forbidden_calls = Table(
    "forbidden_calls",
    metadata,
    Column("attempt_id", Text, primary_key=True),
    Column("campaign_id", Text, nullable=False),
    Column("contact_id", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("rule", Text, nullable=False),
    instant("at", required=True),
    instant("until"),
    Index(None, "campaign_id", "at"),
)
"""Calls that an engine had decided on and the write-ahead transaction did not agree to."""

do_not_call_changes = Table(
    "do_not_call_changes",
    metadata,
    Column("version", BigInteger, Identity(), primary_key=True),
    instant("at", required=True),
    Column("action", Text, nullable=False),
    text_column("scope"),
    text_column("source"),
    Column("entries", Integer, nullable=False),
    text_column("fingerprint"),
    Column("is_prefix", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("action IN ('add', 'import', 'remove', 'opt_out')", name="action"),
    Index(None, "at"),
)
"""What was done to the do-not-call lists and when: the newest `version` names their state."""
