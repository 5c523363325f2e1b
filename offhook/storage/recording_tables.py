"""Recordings: what was recorded of which attempt, where the file is, and until when it is kept.

The file stays on the switch that made it; the row outlives it, as the record that it was deleted.
"""

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, text

from dialer.media import RecordingState
from offhook.storage.columns import instant, text_column
from offhook.storage.tables import metadata

_STATES = ", ".join(f"'{state}'" for state in RecordingState)


recordings = Table(
    "recordings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("campaign_id", Text, nullable=False),
    Column("switch_id", Text, nullable=False),
    Column("attempt_id", Text, nullable=False),
    Column("agent_id", Text, nullable=True),
    Column("state", Text, nullable=False),
    instant("started_at", required=True),
    instant("changed_at", required=True),
    instant("ended_at"),
    instant("keep_until", required=True),
    instant("deleted_at"),
    text_column("asked_by"),
    text_column("reason"),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    Index(None, "campaign_id", "started_at"),
    Index(None, "attempt_id"),
    Index("recordings_kept_idx", "keep_until", postgresql_where=text("deleted_at IS NULL")),
)
