"""Recordings of calls and where they are kept."""

revision: str = "20261121_10"
down_revision: str | None = "20261121_09"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
