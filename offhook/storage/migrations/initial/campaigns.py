"""What calls are placed with and for: switches, trunks, agents, campaigns, lists and records."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


def create() -> None:
    """Make them, those first that others point to."""
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


def drop() -> None:
    """Take them away."""
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
