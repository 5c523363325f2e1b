"""Callback lists, requests, periods and tickets."""

revision: str = "20261121_12"
down_revision: str | None = "20261121_11"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
