"""Tables of IVR trees, of the sessions that walk them, and of the routes that lead callers in.

Sessions name their switch and tree without foreign keys: what a caller went through outlives both.
No table here can hold the digits of a PIN; see `pin_tables`.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from ivr.machine_words import EndReason, Phase
from offhook.storage.tables import metadata


def _one_of(column: str, values: type[StrEnum], *, null: bool = False) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    rule = f"{column} IN ({listed})"
    return CheckConstraint(f"{column} IS NULL OR {rule}" if null else rule, name=column)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text("''"))


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


def _at(name: str, *, required: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not required)


ivr_trees = Table(
    "ivr_trees",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("entry", Text, nullable=False),
    Column("forest", JSONB, nullable=False),
    Column("sources", JSONB, nullable=False),
    Column("digest", Text, nullable=False),
    _at("published_at", required=True),
    CheckConstraint("version > 0", name="version"),
)
"""Every published version, kept: a session keeps the one that it began with. `forest` is the trees
by name as the machine reads them, `sources` the files as they were written.
"""

ivr_routes = Table(
    "ivr_routes",
    metadata,
    Column("switch_id", Text, ForeignKey("switches.id", ondelete="CASCADE"), primary_key=True),
    Column("ivr_id", Text, primary_key=True, server_default=text("''")),
    Column("called", Text, primary_key=True, server_default=text("''")),
    Column("tree", Text, nullable=False),
    _text("hold_audio"),
    _text("callback_list"),
    _at("changed_at", required=True),
)
"""Which published tree answers: by the switch's own responder, the called number, or both; an
empty one is any.
"""

ivr_sessions = Table(
    "ivr_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("switch_id", Text, nullable=False),
    Column("call_id", Text, nullable=False),
    Column("tree", Text, nullable=False),
    Column("version", Integer, nullable=False),
    _text("calling"),
    _text("called"),
    Column("phase", Text, nullable=False),
    _text("in_tree"),
    _text("node"),
    _count("turn"),
    _count("steps"),
    _count("seq"),
    Column("customer", Text, nullable=True),
    _text("agent_id"),
    Column("ended", Text, nullable=True),
    Column("lost", Boolean, nullable=False, server_default=text("false")),
    _at("started_at", required=True),
    _at("changed_at", required=True),
    _at("ended_at"),
    _one_of("phase", Phase),
    _one_of("ended", EndReason, null=True),
    Index(
        "ivr_sessions_live_idx", "switch_id", "call_id", postgresql_where=text("ended_at IS NULL")
    ),
    Index(None, "started_at"),
    Index(None, "tree", "started_at"),
)
"""One row a call. `lost` is a session that ended because the switch never came back."""

ivr_session_events = Table(
    "ivr_session_events",
    metadata,
    Column("session_id", Text, ForeignKey("ivr_sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    _at("at", required=True),
    Column("event", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("phase", Text, nullable=False),
    Column("ways", JSONB, nullable=False),
    _text("ignored"),
    _one_of("phase", Phase),
)
"""What happened in a session, in order: kinds of event and ways taken, never what was typed beyond
the key of a branch.
"""

ivr_answers = Table(
    "ivr_answers",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("session_id", Text, ForeignKey("ivr_sessions.id", ondelete="CASCADE"), nullable=False),
    Column("survey", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("answer", Integer, nullable=False),
    _at("at", required=True),
    Index(None, "session_id", "survey", "question", unique=True),
)

agent_profiles = Table(
    "agent_profiles",
    metadata,
    Column("agent_id", Text, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("skills", JSONB, nullable=False, server_default=text("'{}'")),
    Column("languages", JSONB, nullable=False, server_default=text("'[]'")),
    Column("groups", JSONB, nullable=False, server_default=text("'{}'")),
    _text("hours"),
    _at("idle_since"),
    _at("changed_at", required=True),
)
"""What an agent can do, as `dialer.suitability.Candidate` wants it; `hours` empty is always."""

ivr_queue = Table(
    "ivr_queue",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("switch_id", Text, nullable=False),
    _text("queue"),
    _text("calling"),
    _text("customer"),
    Column("needs", JSONB, nullable=False),
    Column("vip", Boolean, nullable=False, server_default=text("false")),
    Column("tried", JSONB, nullable=False, server_default=text("'[]'")),
    _at("since", required=True),
    _at("seen_at", required=True),
    Index(None, "switch_id", "queue", "since"),
)
"""Callers who wait for an agent; one whose `seen_at` is old waits no more."""

agent_offers = Table(
    "agent_offers",
    metadata,
    Column("agent_id", Text, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("epoch", BigInteger, Identity(), nullable=False),
    _at("expires_at", required=True),
    _at("connected_at"),
    Index(None, "session_id", unique=True),
)
"""Agents who are reserved for a caller, until the lease expires; `epoch` is its fencing token."""
