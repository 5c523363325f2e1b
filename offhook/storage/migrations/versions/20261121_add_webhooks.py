"""Webhooks out, their deliveries, and what the API remembers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_16"
down_revision: str | None = "20261121_15"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Create the tables."""
    _add_requests()


def _add_requests() -> None:
    op.create_table(
        "api_requests",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("api_requests_digest_check")),
        sa.CheckConstraint(
            "(status IS NULL) = (body IS NULL)", name=op.f("api_requests_answer_check")
        ),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("api_requests_pkey")),
    )
    op.create_index("api_requests_begun_at_idx", "api_requests", ["begun_at"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("api_requests")
