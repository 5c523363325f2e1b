"""Phonebook synchronisations and checks of call reports."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261121_02"
down_revision: str | None = "20261121_01"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_STATES = "state IN ('running', 'completed', 'failed')"
_KINDS = (
    "kind IN ('missing_there', 'missing_here', 'twice_there', 'outcome_differs', 'talk_differs')"
)


def _count(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def _text(name: str, default: str = "") -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), server_default=sa.text(f"'{default}'"), nullable=False)


def _at(name: str, *, required: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def upgrade() -> None:
    _phonebooks()
    _call_checks()


def _phonebooks() -> None:
    op.create_table(
        "phonebook_syncs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("switch_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=True),
        _text("app_name"),
        _text("state", "running"),
        sa.Column("last_contact", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _count("total"),
        _count("sent"),
        _count("processed"),
        _count("skipped"),
        _count("warnings"),
        _count("errors"),
        _count("chunks"),
        _text("error"),
        _at("started_at", required=True),
        _at("ended_at"),
        sa.CheckConstraint(_STATES, name=op.f("phonebook_syncs_state_check")),
        sa.ForeignKeyConstraint(
            ["switch_id"],
            ["switches.id"],
            name=op.f("phonebook_syncs_switch_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaigns.id"],
            name=op.f("phonebook_syncs_campaign_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("phonebook_syncs_pkey")),
    )
    op.create_table(
        "phonebook_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sync_id", sa.Text(), nullable=False),
        _text("contact_id"),
        _text("act"),
        _text("info"),
        sa.ForeignKeyConstraint(
            ["sync_id"],
            ["phonebook_syncs.id"],
            name=op.f("phonebook_notes_sync_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("phonebook_notes_pkey")),
    )
    op.create_index(op.f("phonebook_notes_sync_id_idx"), "phonebook_notes", ["sync_id"])


def _call_checks() -> None:
    op.create_table(
        "call_checks",
        sa.Column("switch_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("tolerance", sa.Interval(), nullable=False),
        _text("state", "running"),
        _at("checked_until"),
        _count("ours"),
        _count("theirs"),
        _count("matched"),
        _count("missing_there"),
        _count("missing_here"),
        _count("twice_there"),
        _count("outcome_differs"),
        _count("talk_differs"),
        _text("error"),
        _at("started_at", required=True),
        _at("ended_at"),
        sa.CheckConstraint(_STATES, name=op.f("call_checks_state_check")),
        sa.ForeignKeyConstraint(
            ["switch_id"],
            ["switches.id"],
            name=op.f("call_checks_switch_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("switch_id", "day", name=op.f("call_checks_pkey")),
    )
    op.create_table(
        "call_differences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("switch_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _at("at"),
        _text("attempt_id"),
        _text("call_id"),
        _text("ours"),
        _text("theirs"),
        sa.Column("our_talk", sa.Interval(), nullable=True),
        sa.Column("their_talk", sa.Interval(), nullable=True),
        sa.CheckConstraint(_KINDS, name=op.f("call_differences_kind_check")),
        sa.ForeignKeyConstraint(
            ["switch_id", "day"],
            ["call_checks.switch_id", "call_checks.day"],
            name=op.f("call_differences_switch_id_day_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("call_differences_pkey")),
    )
    op.create_index(
        op.f("call_differences_switch_id_day_idx"), "call_differences", ["switch_id", "day"]
    )


def downgrade() -> None:
    op.drop_index(op.f("call_differences_switch_id_day_idx"), table_name="call_differences")
    op.drop_table("call_differences")
    op.drop_table("call_checks")
    op.drop_index(op.f("phonebook_notes_sync_id_idx"), table_name="phonebook_notes")
    op.drop_table("phonebook_notes")
    op.drop_table("phonebook_syncs")
