"""Why an agent is not ready; the newest forecast of a campaign."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_17"
down_revision: str | None = "20261121_16"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Add the reason, which only an agent who is not ready has, and the forecasts."""
    op.add_column(
        "agents",
        sa.Column("status_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
    )
    op.create_check_constraint(
        op.f("agents_reason_check"), "agents", "status_reason = '' OR status = 'not_ready'"
    )
    op.create_table(
        "campaign_forecasts",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forecast", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("campaign_forecasts_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("campaign_forecasts_pkey")),
    )


def downgrade() -> None:
    """Forget the reasons and the forecasts."""
    op.drop_table("campaign_forecasts")
    op.drop_constraint(op.f("agents_reason_check"), "agents", type_="check")
    op.drop_column("agents", "status_reason")
