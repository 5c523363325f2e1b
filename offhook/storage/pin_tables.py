"""Tables of PINs: policies, what is kept of a PIN, tries and alerts, and digits in transit.

Digits are nowhere in clear. `ivr_secrets` holds them sealed and for a minute, to be redeemed once;
`pins` holds a keyed HMAC of an argon2id hash, found by it and proven by it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from ivr.machine_words import PinAnswer
from ivr.pin import Counts
from offhook.storage.columns import instant, text_column
from offhook.storage.tables import metadata

_ANSWERS = ", ".join(f"'{value}'" for value in PinAnswer)
_COUNTS = ", ".join(f"'{value}'" for value in Counts)

ivr_secrets = Table(
    "ivr_secrets",
    metadata,
    Column("ref", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    text_column("call"),
    instant("created_at", required=True),
    instant("expires_at", required=True),
    Index(None, "expires_at"),
)
"""Claim checks; `ref` is the hash of the reference, so that who reads the table can redeem nothing.
A row is deleted by whoever redeems it.
"""

pin_policies = Table(
    "pin_policies",
    metadata,
    Column("name", Text, primary_key=True),
    Column("policy", JSONB, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    instant("changed_at", required=True),
)
"""As `ivr.pin.PinPolicy`; the salt is for argon2id, made once and never changed."""

pins = Table(
    "pins",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("policy", Text, ForeignKey("pin_policies.name"), nullable=False),
    Column("customer", Text, nullable=False),
    Column("lookup", LargeBinary, nullable=False, unique=True),
    Column("key_id", Text, nullable=False),
    instant("valid_from"),
    instant("valid_until"),
    Column("callers", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    instant("created_at", required=True),
    instant("used_at"),
    instant("revoked_at"),
    Index(
        "pins_customer_idx",
        "policy",
        "customer",
        unique=True,
        postgresql_where=text("revoked_at IS NULL"),
    ),
    Index(None, "policy", "key_id"),
)
"""A customer has one PIN of a policy at a time; revoked ones stay, to be told from unknown ones."""

pin_attempts = Table(
    "pin_attempts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    instant("at", required=True),
    Column("policy", Text, nullable=False),
    Column("ref", Text, nullable=False, unique=True),
    Column("call", Text, nullable=False),
    text_column("calling"),
    Column("typed_customer", Text, nullable=True),
    Column("customer", Text, nullable=True),
    Column("answer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("failed", Boolean, nullable=False),
    instant("locked_until"),
    CheckConstraint(f"answer IN ({_ANSWERS})", name="answer"),
    Index(None, "at"),
    Index(None, "policy", "customer", "at"),
)
"""The audit: one row a verdict. `ref` is the claim check's, so that a verdict that was lost on its
way is found again instead of being made twice.
"""

pin_failures = Table(
    "pin_failures",
    metadata,
    Column("policy", Text, primary_key=True),
    Column("over", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column(
        "attempt_id",
        BigInteger,
        ForeignKey("pin_attempts.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    CheckConstraint(f"over IN ({_COUNTS})", name="over"),
    Index(None, "attempt_id"),
)
"""What locks are counted from, once per key of each failed try; unlocking deletes."""

pin_alerts = Table(
    "pin_alerts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    instant("at", required=True),
    Column("policy", Text, nullable=False),
    Column("over", Text, nullable=False),
    Column("who", Text, nullable=False),
    instant("acknowledged_at"),
    CheckConstraint(f"over IN ({_COUNTS})", name="over"),
    Index(None, "at"),
)
"""Limits that were reached: somebody should know. `who` tells a number by its last digits."""
