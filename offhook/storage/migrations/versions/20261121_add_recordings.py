"""Recordings of calls and where they are kept; who answered, as the switch heard it."""

import sqlalchemy as sa
from alembic import op

revision: str = "20261121_10"
down_revision: str | None = "20261121_09"
branch_labels: None = None
depends_on: None = None

_BEFORE = (
    "'placing', 'dialing', 'ringing', 'answered', 'held', 'joining', 'talking', 'message', 'ended'"
)
_AFTER = _BEFORE.replace("'answered'", "'listening', 'answered'")
_VERDICTS = "verdict IN ('person', 'machine', 'fax', 'unsure')"
_RECORDING = "'starting', 'recording', 'paused', 'stopped', 'failed', 'deleted'"


def upgrade() -> None:
    """Add the table, and what is known of who answered to attempts."""
    op.add_column("attempts", sa.Column("recognised_at", sa.DateTime(timezone=True)))
    op.add_column("attempts", sa.Column("verdict", sa.Text()))
    op.create_check_constraint(op.f("attempts_verdict_check"), "attempts", _VERDICTS)
    _states(_AFTER)
    op.create_table(
        "recordings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("switch_id", sa.Text(), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True)),
        sa.Column("asked_by", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(f"state IN ({_RECORDING})", name=op.f("recordings_state_check")),
        sa.PrimaryKeyConstraint("name", name=op.f("recordings_pkey")),
    )
    op.create_index(
        op.f("recordings_campaign_id_started_at_idx"), "recordings", ["campaign_id", "started_at"]
    )
    op.create_index(op.f("recordings_attempt_id_idx"), "recordings", ["attempt_id"])
    op.create_index(
        "recordings_kept_idx",
        "recordings",
        ["keep_until"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )


def downgrade() -> None:
    """Take it all back; calls that are being listened to count as answered."""
    op.drop_table("recordings")
    op.drop_column("attempts", "verdict")
    op.drop_column("attempts", "recognised_at")
    op.execute("UPDATE attempts SET state = 'answered' WHERE state = 'listening'")
    _states(_BEFORE)


def _states(states: str) -> None:
    op.drop_constraint(op.f("attempts_state_check"), "attempts", type_="check")
    op.create_check_constraint(op.f("attempts_state_check"), "attempts", f"state IN ({states})")
