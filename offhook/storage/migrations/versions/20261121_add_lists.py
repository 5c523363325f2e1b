"""Lists of contacts: their weights, filters, recycling and quotas."""

import sqlalchemy as sa
from alembic import op

revision: str = "20261121_09"
down_revision: str | None = "20261121_08"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Contacts wait per list, for now or for later; lists and quotas have settings of their own."""
    op.create_table(
        "campaign_lists",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("sorted_by", sa.Text(), server_default=sa.text("'due'"), nullable=False),
        sa.Column("attribute", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("filter", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("reset_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("weight BETWEEN 1 AND 1000", name=op.f("campaign_lists_weight_check")),
        sa.CheckConstraint(
            "sorted_by IN ('due', 'newest', 'random', 'attribute')",
            name=op.f("campaign_lists_sorted_by_check"),
        ),
        sa.ForeignKeyConstraint(
            ["list_id"],
            ["lists.id"],
            name=op.f("campaign_lists_list_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("list_id", name=op.f("campaign_lists_pkey")),
    )
    op.create_table(
        "campaign_quotas",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("filter", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("most >= 0", name=op.f("campaign_quotas_most_check")),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("campaign_quotas_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "name", name=op.f("campaign_quotas_pkey")),
    )
    op.create_table(
        "previews",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skips_left", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("previews_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "agent_id", name=op.f("previews_pkey")),
    )
    op.add_column(
        "contacts", sa.Column("rank", sa.Float(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "contacts", sa.Column("held", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.drop_index("contacts_ready_idx", table_name="contacts")
    op.create_index(
        "contacts_queue_idx",
        "contacts",
        ["list_id", sa.text("priority DESC"), "rank", "due_at", "id"],
        postgresql_where=sa.text("state = 'ready' AND held = ''"),
    )
    op.create_index(
        "contacts_later_idx",
        "contacts",
        ["list_id", "due_at"],
        postgresql_where=sa.text("state = 'ready' AND held = 'later'"),
    )
    op.create_index(
        "attempts_disposition_idx",
        "attempts",
        ["campaign_id", "disposition"],
        postgresql_where=sa.text("disposition IS NOT NULL"),
    )


def downgrade() -> None:
    """Contacts wait per campaign again."""
    op.drop_index("attempts_disposition_idx", table_name="attempts")
    op.drop_index("contacts_later_idx", table_name="contacts")
    op.drop_index("contacts_queue_idx", table_name="contacts")
    op.create_index(
        "contacts_ready_idx",
        "contacts",
        ["campaign_id", sa.text("priority DESC"), "due_at", "id"],
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.drop_column("contacts", "held")
    op.drop_column("contacts", "rank")
    op.drop_table("previews")
    op.drop_table("campaign_quotas")
    op.drop_table("campaign_lists")
