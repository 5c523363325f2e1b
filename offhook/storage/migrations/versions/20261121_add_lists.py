"""Lists of contacts: their weights, filters, recycling and quotas."""

revision: str = "20261121_09"
down_revision: str | None = "20261121_08"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
