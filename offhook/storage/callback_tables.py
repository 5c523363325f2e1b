"""Tables of callback lists: periods, promises, the moves of each, and tickets."""

from enum import StrEnum

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from dialer.callbacks import CallbackPhase, Move, TicketStatus
from offhook.storage.columns import instant, one_of, text_column
from offhook.storage.tables import metadata


class CallbackSource(StrEnum):
    """Who made the promise."""

    agent = "agent"
    ivr = "ivr"
    inbound = "inbound"
    api = "api"
    import_ = "import"
    switch = "switch"
    """It is on a list that the PBX itself keeps."""


callback_lists = Table(
    "callback_lists",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    text_column("queue"),
    Column("campaign_id", Text, ForeignKey("campaigns.id", ondelete="SET NULL"), nullable=True),
    Column("switch_id", Text, ForeignKey("switches.id", ondelete="CASCADE"), nullable=True),
    text_column("external_id"),
    Column("rules", JSONB, nullable=False),
    instant("created_at", required=True),
)
"""`external_id` is the PBX's own name of a list that it keeps itself; empty for ours."""

callback_periods = Table(
    "callback_periods",
    metadata,
    Column("list_id", Text, ForeignKey("callback_lists.id", ondelete="CASCADE"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("starts", Time, nullable=False),
    Column("ends", Time, nullable=False),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("list_id", "name"),
    CheckConstraint("starts < ends", name="span"),
    Index(
        "callback_periods_default_idx",
        "list_id",
        unique=True,
        postgresql_where=text("is_default"),
    ),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("list_id", Text, ForeignKey("callback_lists.id", ondelete="CASCADE"), nullable=False),
    Column("promise", JSONB, nullable=False),
    Column("phase", Text, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("0")),
    Column("due_on", Date, nullable=False),
    instant("opens_at", required=True),
    instant("closes_at", required=True),
    Column("owner", Text, nullable=True),
    Column("holder", Text, nullable=True),
    Column("source", Text, nullable=False),
    text_column("source_key"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("kept_in_time", Boolean, nullable=True),
    instant("created_at", required=True),
    instant("ended_at"),
    one_of("phase", CallbackPhase),
    one_of("source", CallbackSource),
    Index(
        "callbacks_source_idx",
        "list_id",
        "source",
        "source_key",
        unique=True,
        postgresql_where=text("source_key <> ''"),
    ),
    Index("callbacks_open_idx", "list_id", "opens_at", postgresql_where=text("ended_at IS NULL")),
    Index("callbacks_wake_idx", "opens_at", "id", postgresql_where=text("ended_at IS NULL")),
    Index("callbacks_holder_idx", "holder", postgresql_where=text("holder IS NOT NULL")),
)
"""`promise` is the whole state of the workflow; the other columns are what lists are read by.

`source_key` makes booking the same promise again a repetition: an attempt, a call, a file's line.
"""

callback_moves = Table(
    "callback_moves",
    metadata,
    Column("callback_id", Text, ForeignKey("callbacks.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("request_id", Text, nullable=False),
    Column("move", Text, nullable=False),
    Column("agent_id", Text, nullable=True),
    instant("at", required=True),
    UniqueConstraint("callback_id", "request_id"),
    one_of("move", Move),
)

callback_tickets = Table(
    "callback_tickets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("callback_id", Text, ForeignKey("callbacks.id", ondelete="CASCADE"), nullable=False),
    Column("agent_id", Text, nullable=True),
    Column("number", Text, nullable=False),
    instant("opened_at", required=True),
    instant("closed_at"),
    Column("status", Text, nullable=True),
    text_column("comment"),
    one_of("status", TicketStatus, null=True),
    Index(None, "callback_id"),
    Index(None, "opened_at"),
)
"""A ticket that was closed without a status was given up with the lease."""
