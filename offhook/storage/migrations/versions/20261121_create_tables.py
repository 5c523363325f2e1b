"""The tables of the first version."""

from collections.abc import Sequence

from offhook.storage.migrations.initial import calls, campaigns

revision: str = "20261121_01"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    campaigns.create()
    calls.create()


def downgrade() -> None:
    calls.drop()
    campaigns.drop()
