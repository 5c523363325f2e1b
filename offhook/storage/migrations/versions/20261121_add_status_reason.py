"""Why an agent is not ready."""

import sqlalchemy as sa
from alembic import op

revision: str = "20261121_17"
down_revision: str | None = "20261121_16"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Add the reason, which only an agent who is not ready has."""
    op.add_column(
        "agents",
        sa.Column("status_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
    )
    op.create_check_constraint(
        op.f("agents_reason_check"), "agents", "status_reason = '' OR status = 'not_ready'"
    )


def downgrade() -> None:
    """Forget the reasons."""
    op.drop_constraint(op.f("agents_reason_check"), "agents", type_="check")
    op.drop_column("agents", "status_reason")
