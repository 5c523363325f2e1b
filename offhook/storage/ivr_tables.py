"""Tables of IVR trees, of the sessions that walk them, and of the routes that lead callers in.

Sessions name their switch and tree without foreign keys: what a caller went through outlives both.
No table here can hold the digits of a PIN; see `pin_tables`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
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
from offhook.storage.columns import count_column, instant, one_of, text_column
from offhook.storage.tables import metadata

ivr_trees = Table(
    "ivr_trees",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("entry", Text, nullable=False),
    Column("forest", JSONB, nullable=False),
    Column("sources", JSONB, nullable=False),
    Column("digest", Text, nullable=False),
    instant("published_at", required=True),
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
    text_column("hold_audio"),
    text_column("callback_list"),
    instant("changed_at", required=True),
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
    text_column("calling"),
    text_column("called"),
    Column("phase", Text, nullable=False),
    text_column("in_tree"),
    text_column("node"),
    count_column("turn"),
    count_column("steps"),
    count_column("seq"),
    Column("customer", Text, nullable=True),
    text_column("agent_id"),
    Column("ended", Text, nullable=True),
    Column("lost", Boolean, nullable=False, server_default=text("false")),
    instant("started_at", required=True),
    instant("changed_at", required=True),
    instant("ended_at"),
    one_of("phase", Phase),
    one_of("ended", EndReason, null=True),
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
    instant("at", required=True),
    Column("event", Text, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("phase", Text, nullable=False),
    Column("ways", JSONB, nullable=False),
    text_column("ignored"),
    one_of("phase", Phase),
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
    instant("at", required=True),
    Index(None, "session_id", "survey", "question", unique=True),
)

agent_profiles = Table(
    "agent_profiles",
    metadata,
    Column("agent_id", Text, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("skills", JSONB, nullable=False, server_default=text("'{}'")),
    Column("languages", JSONB, nullable=False, server_default=text("'[]'")),
    Column("groups", JSONB, nullable=False, server_default=text("'{}'")),
    text_column("hours"),
    instant("idle_since"),
    instant("changed_at", required=True),
)
"""What an agent can do, as `dialer.suitability.Candidate` wants it; `hours` empty is always."""

ivr_queue = Table(
    "ivr_queue",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("switch_id", Text, nullable=False),
    text_column("queue"),
    text_column("calling"),
    text_column("customer"),
    Column("needs", JSONB, nullable=False),
    Column("vip", Boolean, nullable=False, server_default=text("false")),
    Column("tried", JSONB, nullable=False, server_default=text("'[]'")),
    instant("since", required=True),
    instant("seen_at", required=True),
    Index(None, "switch_id", "queue", "since"),
)
"""Callers who wait for an agent; one whose `seen_at` is old waits no more."""

agent_offers = Table(
    "agent_offers",
    metadata,
    Column("agent_id", Text, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("epoch", BigInteger, Identity(), nullable=False),
    instant("expires_at", required=True),
    instant("connected_at"),
    Index(None, "session_id", unique=True),
)
"""Agents who are reserved for a caller, until the lease expires; `epoch` is its fencing token."""
