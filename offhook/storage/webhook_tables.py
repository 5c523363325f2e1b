"""Tables of webhooks: who is told, what there was to tell, and what became of each delivery."""

from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from offhook.storage.columns import count_column, instant, one_of, text_column
from offhook.storage.tables import metadata


class DeliveryState(StrEnum):
    """Where a delivery is."""

    pending = "pending"
    delivered = "delivered"
    failed = "failed"
    """Given up."""


webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("secrets", LargeBinary, nullable=False),
    Column("kinds", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("campaigns", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    instant("created_at", required=True),
    instant("disabled_at"),
    text_column("disabled_reason"),
    instant("failing_since"),
    count_column("failures"),
    instant("paused_until"),
)
"""`secrets` is sealed by the key `key_id`; `failures` are those since the last success. Empty
`kinds` and `campaigns` are all.
"""

webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    instant("at", required=True),
    Column("campaign_id", Text, nullable=True),
    Column("data", JSONB, nullable=False),
    Index(None, "at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column(
        "endpoint_id",
        Text,
        ForeignKey("webhook_endpoints.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("event_id", Text, ForeignKey("webhook_events.id", ondelete="CASCADE"), nullable=False),
    text_column("replay"),
    text_column("state", DeliveryState.pending),
    count_column("tries"),
    instant("created_at", required=True),
    instant("due_at", required=True),
    instant("leased_until"),
    instant("ended_at"),
    one_of("state", DeliveryState),
    CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="ended"),
    UniqueConstraint("endpoint_id", "event_id", "replay"),
    Index(
        "webhook_deliveries_due_idx",
        "endpoint_id",
        "due_at",
        postgresql_where=text("state = 'pending'"),
    ),
    Index(None, "event_id"),
)
"""`replay` names the order to send it again; empty for the first time."""

webhook_tries = Table(
    "webhook_tries",
    metadata,
    Column(
        "delivery_id",
        BigInteger,
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("number", Integer, primary_key=True),
    instant("at", required=True),
    Column("status", SmallInteger, nullable=True),
    text_column("error"),
    text_column("answer"),
    count_column("took_ms"),
)

webhook_relay = Table(
    "webhook_relay",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    instant("at", required=True),
    Column("noted", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one"),
)
"""How far facts have been handed to deliveries; no row while nobody is told. Whoever locks the row
is the one relay there is.
"""

webhook_journals = Table(
    "webhook_journals",
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)
