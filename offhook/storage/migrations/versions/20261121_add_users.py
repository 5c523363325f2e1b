"""Users, sessions in the browser and the audit of commands."""

revision: str = "20261121_15"
down_revision: str | None = "20261121_14"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
