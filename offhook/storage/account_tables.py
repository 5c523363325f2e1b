"""Tables of who may use offhook: users, their sessions and one-time links, tokens; and the audit.

No secret is kept: of passwords the argon2id hash, of everything that is random the SHA-256. Random
secrets have 256 bits: they need no salt and no stretching, and are found by equality.
"""

from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from offhook.accounts.principal import Kind
from offhook.accounts.roles import Role
from offhook.storage.columns import count_column, instant, one_of, text_column
from offhook.storage.tables import metadata


class AuditResult(StrEnum):
    """What became of a command."""

    done = "done"
    refused = "refused"
    failed = "failed"


def _digest() -> CheckConstraint:
    return CheckConstraint("octet_length(digest) = 32", name="digest")


def _user() -> Column[str]:
    return Column("user_id", Text, ForeignKey("users.id", ondelete="CASCADE"), nullable=False)


api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    text_column("created_by"),
    instant("created_at", required=True),
    instant("expires_at"),
    instant("last_used_at"),
    instant("revoked_at"),
    _digest(),
    Index("api_tokens_name_idx", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
)
"""`digest` is that of the whole token; `prefix` is the part that may be shown."""

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    text_column("name"),
    Column("role", Text, nullable=False),
    Column("scope", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("agent_id", Text, ForeignKey("agents.id", ondelete="SET NULL"), nullable=True),
    Column("password", Text, nullable=True),
    count_column("version", 1),
    instant("password_at"),
    instant("created_at", required=True),
    instant("last_login_at"),
    instant("disabled_at"),
    one_of("role", Role),
    CheckConstraint("login = lower(login)", name="login"),
    Index("users_agent_id_idx", "agent_id", unique=True),
)
"""`password` is the argon2id hash with its parameters; without one, nobody logs in as them.
`version` grows with every change that a person makes."""

user_sessions = Table(
    "user_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    _user(),
    text_column("address"),
    text_column("browser"),
    instant("created_at", required=True),
    instant("seen_at", required=True),
    instant("ends_at", required=True),
    _digest(),
    Index(None, "user_id"),
    Index(None, "ends_at"),
)
"""A row is a session that counts, unless it was idle for too long; what is revoked is deleted."""

user_links = Table(
    "user_links",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column(
        "user_id",
        Text,
        ForeignKey("users.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    instant("created_at", required=True),
    instant("ends_at", required=True),
    _digest(),
)
"""The one link that a user may set a password with, once; a newer one takes its place."""

login_failures = Table(
    "login_failures",
    metadata,
    Column("key", Text, primary_key=True),
    count_column("failures"),
    instant("failed_at", required=True),
    instant("blocked_until", required=True),
    Index(None, "failed_at"),
)
"""By login and by address: how often in a row it failed, and until when nobody may try."""

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    instant("at", required=True),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    text_column("actor_name"),
    text_column("address"),
    text_column("request_id"),
    Column("action", Text, nullable=False),
    text_column("subject"),
    Column("result", Text, nullable=False),
    text_column("code"),
    Column("before", JSONB, nullable=True),
    Column("after", JSONB, nullable=True),
    one_of("kind", Kind),
    one_of("result", AuditResult),
    Index(None, "at"),
    Index(None, "actor", "id"),
    Index(None, "subject", "id"),
    Index(None, "action", "id"),
)
"""Every command; rows are only ever added, which a trigger sees to."""
