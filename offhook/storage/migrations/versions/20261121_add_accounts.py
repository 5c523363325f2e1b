"""People, roles, tokens, sessions and the record of their commands."""

revision: str = "20261121_13"
down_revision: str | None = "20261121_12"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
