"""What the IVR and its PINs keep, and for how long."""

revision: str = "20261121_17"
down_revision: str | None = "20261121_16"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
