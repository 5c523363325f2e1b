"""One view of every call on a switch: of customers in attempts, of agents in their activity."""

from alembic import op

revision: str = "20261121_07"
down_revision: str | None = "20261121_06"
branch_labels: None = None
depends_on: None = None

_CALLS = """
CREATE VIEW calls AS
SELECT id AS correlator, 'customer' AS kind, campaign_id, agent_id, call_id, call_leg AS leg,
    state, opened_at, answered_at, ended_at
FROM attempts
UNION ALL
SELECT park_correlator, 'agent', campaign_id, agent_id, park_call_id, park_leg,
    state, since, NULL, NULL
FROM agent_activity WHERE park_correlator <> ''
"""


def upgrade() -> None:
    """Create the view."""
    op.execute(_CALLS)


def downgrade() -> None:
    """Drop the view."""
    op.execute("DROP VIEW calls")
