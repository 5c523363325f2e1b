"""Every run that a campaign ever had, by its key."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261121_03"
down_revision: str | None = "20261121_02"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_ENDED = "CASE WHEN phase IN ('completed', 'stopped', 'failed') THEN phase END"


def upgrade() -> None:
    op.create_table(
        "campaign_runs",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "phase IN ('completed', 'stopped', 'failed')", name=op.f("campaign_runs_phase_check")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("campaign_runs_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "run_key", name=op.f("campaign_runs_pkey")),
    )
    # A key was kept as `campaign/key`, because it had to be unique over all campaigns.
    op.drop_constraint(op.f("campaigns_run_key_key"), "campaigns", type_="unique")
    op.execute("UPDATE campaigns SET run_key = substr(run_key, length(id) + 2)")
    op.execute(
        "INSERT INTO campaign_runs (campaign_id, run_key, began_at, ended_at, phase)"  # noqa: S608
        f" SELECT id, run_key, COALESCE(started_at, created_at), ended_at, {_ENDED}"
        " FROM campaigns WHERE run_key IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("UPDATE campaigns SET run_key = id || '/' || run_key")
    op.create_unique_constraint(op.f("campaigns_run_key_key"), "campaigns", ["run_key"])
    op.drop_table("campaign_runs")
