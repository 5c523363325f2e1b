"""Recordings: what was recorded of which attempt, where the file is, and until when it is kept.

The file stays on the switch that made it; the row outlives it, as the record that it was deleted.
"""

from sqlalchemy import CheckConstraint, Column, DateTime, Index, Table, Text, text

from dialer.media import RecordingState
from offhook.storage.tables import metadata

_STATES = ", ".join(f"'{state}'" for state in RecordingState)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=text("''"))


def _at(name: str, *, required: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not required)


recordings = Table(
    "recordings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("campaign_id", Text, nullable=False),
    Column("switch_id", Text, nullable=False),
    Column("attempt_id", Text, nullable=False),
    Column("agent_id", Text, nullable=True),
    Column("state", Text, nullable=False),
    _at("started_at", required=True),
    _at("changed_at", required=True),
    _at("ended_at"),
    _at("keep_until", required=True),
    _at("deleted_at"),
    _text("asked_by"),
    _text("reason"),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    Index(None, "campaign_id", "started_at"),
    Index(None, "attempt_id"),
    Index("recordings_kept_idx", "keep_until", postgresql_where=text("deleted_at IS NULL")),
)
