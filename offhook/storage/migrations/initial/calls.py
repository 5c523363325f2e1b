"""Who is called and what came of it: contacts, their numbers, imports, attempts, dispositions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create() -> None:
    """Make them, those first that others point to."""
    op.create_table(
        "contacts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("priority", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'ready'"), nullable=False),
        sa.Column("claim_shard", sa.SmallInteger(), nullable=True),
        sa.Column("claim_epoch", sa.Integer(), nullable=True),
        sa.Column("claim_token", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "tried",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("finished_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "state IN ('ready', 'claimed', 'dialing', 'finished')",
            name=op.f("contacts_state_check"),
        ),
        sa.ForeignKeyConstraint(
            ["list_id"], ["lists.id"], name=op.f("contacts_list_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("contacts_pkey")),
    )
    op.create_index(
        "contacts_external_idx",
        "contacts",
        ["campaign_id", "external_id"],
        unique=False,
        postgresql_where=sa.text("external_id <> ''"),
    )
    op.create_index(
        "contacts_held_idx",
        "contacts",
        ["campaign_id", "state"],
        unique=False,
        postgresql_where=sa.text("state IN ('claimed', 'dialing')"),
    )
    op.create_index(
        "contacts_ready_idx",
        "contacts",
        ["campaign_id", sa.literal_column("priority DESC"), "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'running'"), nullable=False),
        sa.Column("rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("accepted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("checkpoint", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shape", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("position", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'completed', 'failed')", name=op.f("imports_state_check")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("imports_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["list_id"], ["lists.id"], name=op.f("imports_list_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("imports_pkey")),
    )
    op.create_index(op.f("imports_campaign_id_idx"), "imports", ["campaign_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("trunk_id", sa.Text(), nullable=False),
        sa.Column("caller_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agent_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("cause", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("talk", sa.Interval(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Text(), nullable=True),
        sa.Column("call_leg", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "(state = 'ended') = (outcome IS NOT NULL AND ended_at IS NOT NULL)",
            name=op.f("attempts_one_outcome_check"),
        ),
        sa.CheckConstraint(
            "outcome IN ('answered', 'busy', 'no_answer', 'machine', 'fax', 'invalid', 'rejected', 'unavailable', 'failed', 'abandoned', 'unknown')",  # noqa: E501
            name=op.f("attempts_outcome_check"),
        ),
        sa.CheckConstraint(
            "state IN ('placing', 'dialing', 'ringing', 'answered', 'held', 'joining', 'talking', 'message', 'ended')",  # noqa: E501
            name=op.f("attempts_state_check"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("attempts_contact_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("attempts_pkey")),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        op.f("attempts_campaign_id_opened_at_idx"),
        "attempts",
        ["campaign_id", "opened_at"],
        unique=False,
    )
    op.create_index(
        op.f("attempts_contact_id_opened_at_idx"),
        "attempts",
        ["contact_id", "opened_at"],
        unique=False,
    )
    op.create_index(
        op.f("attempts_number_opened_at_idx"), "attempts", ["number", "opened_at"], unique=False
    )
    op.create_index(
        "attempts_open_idx",
        "attempts",
        ["campaign_id", "shard"],
        unique=False,
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.create_table(
        "import_refusals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "raw", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["imports.id"],
            name=op.f("import_refusals_import_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("import_refusals_pkey")),
    )
    op.create_index(
        op.f("import_refusals_import_id_line_idx"),
        "import_refusals",
        ["import_id", "line"],
        unique=False,
    )
    op.create_table(
        "numbers",
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column(
            "zones", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column("label", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("numbers_contact_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", "position", name=op.f("numbers_pkey")),
        sa.UniqueConstraint("number", "list_id", name=op.f("numbers_number_list_id_key")),
    )
    op.create_table(
        "refusals",
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("refusals_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name=op.f("refusals_contact_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", "reason", "number", name=op.f("refusals_pkey")),
    )
    op.create_index(
        op.f("refusals_campaign_id_reason_idx"), "refusals", ["campaign_id", "reason"], unique=False
    )
    op.create_table(
        "dispositions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["attempts.id"],
            name=op.f("dispositions_attempt_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("dispositions_pkey")),
    )
    op.create_index(
        op.f("dispositions_attempt_id_idx"), "dispositions", ["attempt_id"], unique=False
    )


def drop() -> None:
    """Take them away."""
    op.drop_index(op.f("dispositions_attempt_id_idx"), table_name="dispositions")
    op.drop_table("dispositions")
    op.drop_index(op.f("refusals_campaign_id_reason_idx"), table_name="refusals")
    op.drop_table("refusals")
    op.drop_table("numbers")
    op.drop_index(op.f("import_refusals_import_id_line_idx"), table_name="import_refusals")
    op.drop_table("import_refusals")
    op.drop_index(
        "attempts_open_idx", table_name="attempts", postgresql_where=sa.text("state <> 'ended'")
    )
    op.drop_index(op.f("attempts_number_opened_at_idx"), table_name="attempts")
    op.drop_index(op.f("attempts_contact_id_opened_at_idx"), table_name="attempts")
    op.drop_index(op.f("attempts_campaign_id_opened_at_idx"), table_name="attempts")
    op.drop_table("attempts")
    op.drop_index(op.f("imports_campaign_id_idx"), table_name="imports")
    op.drop_table("imports")
    op.drop_index(
        "contacts_ready_idx", table_name="contacts", postgresql_where=sa.text("state = 'ready'")
    )
    op.drop_index(
        "contacts_held_idx",
        table_name="contacts",
        postgresql_where=sa.text("state IN ('claimed', 'dialing')"),
    )
    op.drop_index(
        "contacts_external_idx",
        table_name="contacts",
        postgresql_where=sa.text("external_id <> ''"),
    )
    op.drop_table("contacts")
