"""Callback lists, requests, periods and tickets."""

from alembic import op

revision: str = "20261121_12"
down_revision: str | None = "20261121_11"
branch_labels: None = None
depends_on: None = None

_STATEMENTS = (
    """
CREATE TABLE callback_lists (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    queue TEXT DEFAULT '' NOT NULL,
    campaign_id TEXT,
    switch_id TEXT,
    external_id TEXT DEFAULT '' NOT NULL,
    rules JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT callback_lists_pkey PRIMARY KEY (id),
    CONSTRAINT callback_lists_name_key UNIQUE (name),
    CONSTRAINT callback_lists_campaign_id_fkey FOREIGN KEY(campaign_id) REFERENCES campaigns
        (id) ON DELETE SET NULL,
    CONSTRAINT callback_lists_switch_id_fkey FOREIGN KEY(switch_id) REFERENCES switches (id) ON
        DELETE CASCADE
)
    """,
    """
CREATE TABLE callback_periods (
    list_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    starts TIME WITHOUT TIME ZONE NOT NULL,
    ends TIME WITHOUT TIME ZONE NOT NULL,
    is_default BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT callback_periods_pkey PRIMARY KEY (list_id, id),
    CONSTRAINT callback_periods_list_id_name_key UNIQUE (list_id, name),
    CONSTRAINT callback_periods_span_check CHECK (starts < ends),
    CONSTRAINT callback_periods_list_id_fkey FOREIGN KEY(list_id) REFERENCES callback_lists
        (id) ON DELETE CASCADE
)
    """,
    """
CREATE UNIQUE INDEX callback_periods_default_idx ON callback_periods (list_id) WHERE is_default
    """,
    """
CREATE TABLE callbacks (
    id TEXT NOT NULL,
    list_id TEXT NOT NULL,
    promise JSONB NOT NULL,
    phase TEXT NOT NULL,
    version INTEGER DEFAULT 0 NOT NULL,
    due_on DATE NOT NULL,
    opens_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closes_at TIMESTAMP WITH TIME ZONE NOT NULL,
    owner TEXT,
    holder TEXT,
    source TEXT NOT NULL,
    source_key TEXT DEFAULT '' NOT NULL,
    tries INTEGER DEFAULT 0 NOT NULL,
    kept_in_time BOOLEAN,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT callbacks_pkey PRIMARY KEY (id),
    CONSTRAINT callbacks_phase_check CHECK (phase IN ('waiting', 'due', 'taken', 'started',
        'closed', 'cancelled', 'expired')),
    CONSTRAINT callbacks_source_check CHECK (source IN ('agent', 'ivr', 'inbound', 'api',
        'import', 'switch')),
    CONSTRAINT callbacks_list_id_fkey FOREIGN KEY(list_id) REFERENCES callback_lists (id) ON
        DELETE CASCADE
)
    """,
    """
CREATE INDEX callbacks_holder_idx ON callbacks (holder) WHERE holder IS NOT NULL
    """,
    """
CREATE INDEX callbacks_open_idx ON callbacks (list_id, opens_at) WHERE ended_at IS NULL
    """,
    """
CREATE UNIQUE INDEX callbacks_source_idx ON callbacks (list_id, source, source_key) WHERE
        source_key <> ''
    """,
    """
CREATE INDEX callbacks_wake_idx ON callbacks (opens_at, id) WHERE ended_at IS NULL
    """,
    """
CREATE TABLE callback_moves (
    callback_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    move TEXT NOT NULL,
    agent_id TEXT,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT callback_moves_pkey PRIMARY KEY (callback_id, version),
    CONSTRAINT callback_moves_callback_id_request_id_key UNIQUE (callback_id, request_id),
    CONSTRAINT callback_moves_move_check CHECK (move IN ('fall_due', 'take', 'start', 'ticket',
        'call_again', 'release', 'lose', 'reschedule', 'escalate', 'expire', 'cancel',
        'mirror')),
    CONSTRAINT callback_moves_callback_id_fkey FOREIGN KEY(callback_id) REFERENCES callbacks
        (id) ON DELETE CASCADE
)
    """,
    """
CREATE TABLE callback_tickets (
    id TEXT NOT NULL,
    callback_id TEXT NOT NULL,
    agent_id TEXT,
    number TEXT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    status TEXT,
    comment TEXT DEFAULT '' NOT NULL,
    CONSTRAINT callback_tickets_pkey PRIMARY KEY (id),
    CONSTRAINT callback_tickets_status_check CHECK (status IS NULL OR status IN ('no_answer',
        'answered', 'fax', 'callback')),
    CONSTRAINT callback_tickets_callback_id_fkey FOREIGN KEY(callback_id) REFERENCES callbacks
        (id) ON DELETE CASCADE
)
    """,
    """
CREATE INDEX callback_tickets_callback_id_idx ON callback_tickets (callback_id)
    """,
    """
CREATE INDEX callback_tickets_opened_at_idx ON callback_tickets (opened_at)
    """,
)
_TABLES = ("callback_tickets", "callback_moves", "callbacks", "callback_periods", "callback_lists")


def upgrade() -> None:
    """Create the tables."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for table in _TABLES:
        op.drop_table(table)
