"""Webhooks out, their deliveries, and what the API remembers."""

revision: str = "20261121_16"
down_revision: str | None = "20261121_15"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
