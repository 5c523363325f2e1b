"""What campaigns tell each other of their switch, and a limit of calls per second per trunk."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_05"
down_revision: str | None = "20261121_04"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("trunks", sa.Column("calls_per_second", sa.Float(), nullable=True))
    op.create_check_constraint(
        op.f("trunks_calls_per_second_check"), "trunks", "calls_per_second > 0"
    )
    op.add_column(
        "leases", sa.Column("demand", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("leases", "demand")
    op.drop_column("trunks", "calls_per_second")
