"""IVR trees, sessions and PINs."""

revision: str = "20261121_11"
down_revision: str | None = "20261121_10"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
