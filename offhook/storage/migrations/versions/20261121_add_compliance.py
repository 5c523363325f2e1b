"""What the law needs: do-not-call entries, attempts over all campaigns, lockouts."""

revision: str = "20261121_08"
down_revision: str | None = "20261121_07"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
