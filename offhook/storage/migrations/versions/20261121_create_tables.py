"""The tables of the first version.

In one module however long: a migration is written once and never edited again.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_01"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "do_not_call",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("is_prefix", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("source", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("number", "scope", name=op.f("do_not_call_pkey")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("dedup_key", sa.Text(), nullable=False),
        sa.Column("correlator", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("event", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(payload IS NULL) <> (event IS NULL)", name=op.f("inbox_payload_or_event_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("inbox_pkey")),
        sa.UniqueConstraint("channel", "dedup_key", name=op.f("inbox_channel_dedup_key_key")),
    )
    op.create_index(op.f("inbox_channel_id_idx"), "inbox", ["channel", "id"], unique=False)
    op.create_index(
        op.f("inbox_correlator_idx"),
        "inbox",
        ["correlator"],
        unique=False,
        postgresql_where=sa.text("correlator <> ''"),
    )
    op.create_index(
        op.f("inbox_received_at_idx"),
        "inbox",
        ["received_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_table(
        "journal",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.Column("commands", sa.LargeBinary(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("campaign_id", "shard", "epoch", "seq", name=op.f("journal_pkey")),
    )
    op.create_index(
        op.f("journal_at_idx"), "journal", ["at"], unique=False, postgresql_using="brin"
    )
    op.create_table(
        "switches",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("secret", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("hook_secret", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("switches_pkey")),
        sa.UniqueConstraint("name", name=op.f("switches_name_key")),
    )
    op.create_table(
        "agents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("switch_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'logged_off'"), nullable=False),
        sa.Column("reachable", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('logged_off', 'not_ready', 'available')", name=op.f("agents_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["switch_id"], ["switches.id"], name=op.f("agents_switch_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("agents_pkey")),
        sa.UniqueConstraint("switch_id", "address", name=op.f("agents_switch_id_address_key")),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("run_key", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("switch_id", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("phase", sa.Text(), server_default=sa.text("'scheduled'"), nullable=False),
        sa.Column("phase_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "phase IN ('scheduled', 'running', 'paused', 'draining', 'completed', 'stopped', 'failed')",  # noqa: E501
            name=op.f("campaigns_phase_check"),
        ),
        sa.ForeignKeyConstraint(
            ["switch_id"], ["switches.id"], name=op.f("campaigns_switch_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("campaigns_pkey")),
        sa.UniqueConstraint("request_key", name=op.f("campaigns_request_key_key")),
        sa.UniqueConstraint("run_key", name=op.f("campaigns_run_key_key")),
    )
    op.create_index(op.f("campaigns_created_at_idx"), "campaigns", ["created_at"], unique=False)
    op.create_table(
        "trunks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("switch_id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("lines", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("lines >= 0", name=op.f("trunks_lines_check")),
        sa.ForeignKeyConstraint(
            ["switch_id"], ["switches.id"], name=op.f("trunks_switch_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("trunks_pkey")),
        sa.UniqueConstraint("switch_id", "address", name=op.f("trunks_switch_id_address_key")),
    )
    op.create_table(
        "agent_activity",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("correlator", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("park_correlator", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("park_call_id", sa.Text(), nullable=True),
        sa.Column("park_leg", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("talks", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("idle_s", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("parked_s", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved_s", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("ringing_s", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("talking_s", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.Column("wrap_up_s", sa.Float(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "state IN ('idle', 'parked', 'reserved', 'ringing', 'talking', 'wrap_up')",
            name=op.f("agent_activity_state_check"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("agent_activity_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "agent_id", name=op.f("agent_activity_pkey")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "agent_leases",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("agent_leases_agent_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("agent_leases_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("agent_leases_pkey")),
    )
    op.create_index(
        op.f("agent_leases_campaign_id_idx"), "agent_leases", ["campaign_id"], unique=False
    )
    op.create_table(
        "campaign_agents",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"],
            ["agents.id"],
            name=op.f("campaign_agents_agent_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("campaign_agents_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "agent_id", name=op.f("campaign_agents_pkey")),
    )
    op.create_index(
        op.f("campaign_agents_agent_id_idx"), "campaign_agents", ["agent_id"], unique=False
    )
    op.create_table(
        "leases",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column(
            "cursors",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("pacing", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("leases_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "shard", name=op.f("leases_pkey")),
        postgresql_with={"fillfactor": "20"},
    )
    op.create_table(
        "lists",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("lists_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("lists_pkey")),
        sa.UniqueConstraint("campaign_id", "name", name=op.f("lists_campaign_id_name_key")),
    )
    op.create_table(
        "oddities",
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_correlator", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("last_detail", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("oddities_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "code", name=op.f("oddities_pkey")),
    )
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


def downgrade() -> None:
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
    op.drop_table("oddities")
    op.drop_table("lists")
    op.drop_table("leases")
    op.drop_index(op.f("campaign_agents_agent_id_idx"), table_name="campaign_agents")
    op.drop_table("campaign_agents")
    op.drop_index(op.f("agent_leases_campaign_id_idx"), table_name="agent_leases")
    op.drop_table("agent_leases")
    op.drop_table("agent_activity")
    op.drop_table("trunks")
    op.drop_index(op.f("campaigns_created_at_idx"), table_name="campaigns")
    op.drop_table("campaigns")
    op.drop_table("agents")
    op.drop_table("switches")
    op.drop_index(op.f("journal_at_idx"), table_name="journal", postgresql_using="brin")
    op.drop_table("journal")
    op.drop_index(op.f("inbox_received_at_idx"), table_name="inbox", postgresql_using="brin")
    op.drop_index(
        op.f("inbox_correlator_idx"),
        table_name="inbox",
        postgresql_where=sa.text("correlator <> ''"),
    )
    op.drop_index(op.f("inbox_channel_id_idx"), table_name="inbox")
    op.drop_table("inbox")
    op.drop_table("do_not_call")
