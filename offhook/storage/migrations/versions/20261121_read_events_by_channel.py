"""The inbox by channel: without an index of all channels, none can be walked by mistake.

Nothing looks for an event by its correlator, so that index goes too.

Reading a quiet channel, the planner chose the index on `id` alone and filtered: with 700,000 events
of other channels behind its cursor a read took half a second instead of one step.
"""

from alembic import op
from sqlalchemy import text

revision: str = "20261121_14"
down_revision: str | None = "20261121_13"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Channel and id are the key."""
    op.drop_constraint("inbox_pkey", "inbox")
    op.drop_index("inbox_channel_id_idx", "inbox")
    op.drop_index("inbox_correlator_idx", "inbox")
    op.create_primary_key("inbox_pkey", "inbox", ["channel", "id"])


def downgrade() -> None:
    """The id alone is the key again."""
    op.drop_constraint("inbox_pkey", "inbox")
    op.create_primary_key("inbox_pkey", "inbox", ["id"])
    op.create_index("inbox_channel_id_idx", "inbox", ["channel", "id"])
    op.create_index(
        "inbox_correlator_idx", "inbox", ["correlator"], postgresql_where=text("correlator <> ''")
    )
