"""Users, sessions in the browser and the audit of commands."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_15"
down_revision: str | None = "20261121_14"
branch_labels: None = None
depends_on: None = None

_KINDS = "kind IN ('user', 'token', 'operator', 'system')"
_ROLES = "role IN ('admin', 'supervisor', 'agent', 'integration')"
_APPEND_ONLY = (
    """
CREATE FUNCTION audit_log_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of audit_log are only added';
END
$$
    """,
    """
CREATE TRIGGER audit_log_keeps_rows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_kept()
    """,
)


def _instant(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _text(name: str, *, null: bool = False, empty: bool = False) -> sa.Column[str]:
    default = sa.text("''") if empty else None
    return sa.Column(name, sa.Text(), nullable=null, server_default=default)


def _user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=op.f(f"{table}_user_id_fkey"), ondelete="CASCADE"
    )


def _digest(table: str) -> sa.CheckConstraint:
    return sa.CheckConstraint("octet_length(digest) = 32", name=op.f(f"{table}_digest_check"))


def upgrade() -> None:
    """Create the tables."""
    op.add_column("api_tokens", _text("created_by", empty=True))
    _add_users()
    _add_sessions()
    _add_links()
    _add_failures()
    _add_audit()


def _add_users() -> None:
    op.create_table(
        "users",
        _text("id"),
        _text("login"),
        _text("name", empty=True),
        _text("role"),
        sa.Column(
            "scope", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        _text("agent_id", null=True),
        _text("password", null=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _instant("password_at", null=True),
        _instant("created_at"),
        _instant("last_login_at", null=True),
        _instant("disabled_at", null=True),
        sa.CheckConstraint(_ROLES, name=op.f("users_role_check")),
        sa.CheckConstraint("login = lower(login)", name=op.f("users_login_check")),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("users_agent_id_fkey"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("users_pkey")),
        sa.UniqueConstraint("login", name=op.f("users_login_key")),
    )
    op.create_index("users_agent_id_idx", "users", ["agent_id"], unique=True)


def _add_sessions() -> None:
    op.create_table(
        "user_sessions",
        _text("id"),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _text("user_id"),
        _text("address", empty=True),
        _text("browser", empty=True),
        _instant("created_at"),
        _instant("seen_at"),
        _instant("ends_at"),
        _digest("user_sessions"),
        _user("user_sessions"),
        sa.PrimaryKeyConstraint("id", name=op.f("user_sessions_pkey")),
        sa.UniqueConstraint("digest", name=op.f("user_sessions_digest_key")),
    )
    op.create_index(op.f("user_sessions_user_id_idx"), "user_sessions", ["user_id"])
    op.create_index(op.f("user_sessions_ends_at_idx"), "user_sessions", ["ends_at"])


def _add_links() -> None:
    op.create_table(
        "user_links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        _text("user_id"),
        _instant("created_at"),
        _instant("ends_at"),
        _digest("user_links"),
        _user("user_links"),
        sa.PrimaryKeyConstraint("digest", name=op.f("user_links_pkey")),
        sa.UniqueConstraint("user_id", name=op.f("user_links_user_id_key")),
    )


def _add_failures() -> None:
    op.create_table(
        "login_failures",
        _text("key"),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _instant("failed_at"),
        _instant("blocked_until"),
        sa.PrimaryKeyConstraint("key", name=op.f("login_failures_pkey")),
    )
    op.create_index(op.f("login_failures_failed_at_idx"), "login_failures", ["failed_at"])


def _add_audit() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        _instant("at"),
        _text("kind"),
        _text("actor"),
        _text("actor_name", empty=True),
        _text("address", empty=True),
        _text("request_id", empty=True),
        _text("action"),
        _text("subject", empty=True),
        _text("result"),
        _text("code", empty=True),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(_KINDS, name=op.f("audit_log_kind_check")),
        sa.CheckConstraint(
            "result IN ('done', 'refused', 'failed')", name=op.f("audit_log_result_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_log_pkey")),
    )
    op.create_index(op.f("audit_log_at_idx"), "audit_log", ["at"])
    for column in ("actor", "subject", "action"):
        op.create_index(op.f(f"audit_log_{column}_id_idx"), "audit_log", [column, "id"])
    for statement in _APPEND_ONLY:
        op.execute(statement)


def downgrade() -> None:
    """Drop them, the audit included."""
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION audit_log_is_kept()")
    for table in ("login_failures", "user_links", "user_sessions", "users"):
        op.drop_table(table)
    op.drop_column("api_tokens", "created_by")
