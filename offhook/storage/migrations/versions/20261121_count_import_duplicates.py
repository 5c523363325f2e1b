"""Duplicates of an import are counted, not kept one by one; a changed file is noticed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_04"
down_revision: str | None = "20261121_03"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "imports",
        sa.Column("duplicates", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "imports", sa.Column("fingerprint", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.drop_column("imports", "shape")
    op.drop_column("imports", "position")
    op.execute(
        "UPDATE imports SET duplicates = found.times, refused = refused - found.times FROM ("
        "  SELECT import_id, count(*) AS times FROM import_refusals"
        "  WHERE code = 'already_listed' GROUP BY import_id"
        ") AS found WHERE imports.id = found.import_id"
    )
    op.execute("DELETE FROM import_refusals WHERE code = 'already_listed'")


def downgrade() -> None:
    op.add_column("imports", sa.Column("shape", postgresql.JSONB(), nullable=True))
    op.add_column("imports", sa.Column("position", postgresql.JSONB(), nullable=True))
    op.drop_column("imports", "fingerprint")
    op.drop_column("imports", "duplicates")
