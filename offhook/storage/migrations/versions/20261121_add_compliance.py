"""What the law needs: do-not-call entries, attempts over all campaigns, lockouts."""

import sqlalchemy as sa
from alembic import op

revision: str = "20261121_08"
down_revision: str | None = "20261121_07"
branch_labels: None = None
depends_on: None = None

_KEPT = (
    "id, campaign_id, contact_id, number, person, debt, caller_id, opened_at, answered_at,"
    " joined_at, ended_at, agent_id, outcome, disposition"
)

_KEEP_CALL = f"""
CREATE FUNCTION keep_past_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO past_calls ({_KEPT})
    VALUES ({", ".join(f"OLD.{name.strip()}" for name in _KEPT.split(","))})
    ON CONFLICT DO NOTHING;
    RETURN OLD;
END $$
"""  # noqa: S608 - ours

_KEEP_CALLS = """
CREATE TRIGGER attempts_keep_past_call BEFORE DELETE ON attempts
FOR EACH ROW EXECUTE FUNCTION keep_past_call()
"""

_CALLS_MADE = f"""
CREATE VIEW calls_made AS
SELECT {_KEPT} FROM attempts UNION ALL SELECT {_KEPT} FROM past_calls
"""  # noqa: S608 - ours

# When the calls that count under a key began to: of those placed the placing, of others the end.
# Volatile, so that it sees what was committed while the guard waited for its locks. One query for
# each kind of key, so that each is planned over its own index.
_COUNTED = """
    RETURN QUERY
    SELECT found.since FROM (
        SELECT CASE WHEN counted IN ('attempt', 'open') THEN c.opened_at
            ELSE COALESCE(c.ended_at, c.opened_at) END AS since
        FROM calls_made c
        WHERE c.opened_at > after - interval '12 hours' AND {matches} AND CASE counted
            WHEN 'attempt' THEN true
            WHEN 'open' THEN c.ended_at IS NULL
            WHEN 'talk' THEN c.joined_at IS NOT NULL
            WHEN 'refused' THEN c.disposition IN ('refused', 'not_interested')
            ELSE c.outcome = counted
        END
    ) AS found WHERE found.since > after;
"""
_CALLS_COUNTED = f"""
CREATE FUNCTION calls_counted(key text, counted text, after timestamptz)
RETURNS SETOF timestamptz LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    named text := split_part(key, ':', 1);
    value text := substr(key, strpos(key, ':') + 1);
BEGIN
IF named = 'number' THEN {_COUNTED.format(matches="c.number = value")}
ELSIF named = 'person' THEN {_COUNTED.format(matches="c.person = value AND c.person <> ''")}
ELSIF named = 'debt' THEN {_COUNTED.format(matches="c.debt = value AND c.debt <> ''")}
ELSE {_COUNTED.format(matches="c.contact_id = value::bigint")}
END IF;
END $$
"""

_FORBID_CALLS = """
CREATE FUNCTION forbid_calls(
    fenced integer, campaign text, ids text[], contact_ids bigint[], numbers text[],
    opened timestamptz[], persons text[], debts text[], limits text[])
RETURNS TABLE (attempt_id text, contact_id bigint, number text, rule text, until timestamptz)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    listed boolean;
    placed timestamptz;
    found_rule text;
    found_until timestamptz;
    one jsonb;
    most integer;
    before integer;
    freed timestamptz;
    taken text[] := '{}';
BEGIN
    IF fenced IS NULL OR cardinality(ids) = 0 THEN
        RETURN;
    END IF;
    -- Of two that want a call under one key the second waits here, and then counts the first's.
    PERFORM pg_advisory_xact_lock(held.key) FROM (
        SELECT DISTINCT hashtextextended(l ->> 'key', 0) AS key
        FROM unnest(limits) AS x(said), jsonb_array_elements(x.said::jsonb) AS l
        WHERE x.said <> '' ORDER BY 1
    ) AS held;
    listed := EXISTS (SELECT FROM do_not_call);
    FOR i IN 1 .. cardinality(ids) LOOP
        -- A worker whose clock is ahead must not shorten a lockout.
        placed := LEAST(opened[i], clock_timestamp());
        found_rule := NULL;
        found_until := NULL;
        IF listed THEN
            SELECT 'do_not_call', d.expires_at INTO found_rule, found_until FROM do_not_call d
            WHERE d.number = ANY (ARRAY(
                    SELECT left(numbers[i], n) FROM generate_series(2, length(numbers[i])) AS n))
                AND (d.is_prefix OR d.number = numbers[i]) AND d.scope IN ('', campaign)
                AND (d.expires_at IS NULL OR d.expires_at > placed)
            ORDER BY d.expires_at DESC NULLS FIRST LIMIT 1;
        END IF;
        IF found_rule IS NULL AND limits[i] <> '' THEN
            FOR one IN SELECT value FROM jsonb_array_elements(limits[i]::jsonb) LOOP
                most := (one ->> 'most')::integer;
                before := 0;
                IF one ->> 'counted' IN ('attempt', 'open') THEN
                    before := cardinality(array_positions(taken, one ->> 'key'));
                END IF;
                freed := NULL;
                IF before > most THEN
                    freed := placed;
                ELSE
                    SELECT since INTO freed FROM calls_counted(
                        one ->> 'key', one ->> 'counted',
                        placed - make_interval(secs => (one ->> 'within')::float8)) AS since
                    ORDER BY since DESC OFFSET most - before LIMIT 1;
                END IF;
                IF freed IS NOT NULL THEN
                    freed := freed + make_interval(secs => (one ->> 'within')::float8);
                    IF one ->> 'counted' = 'open' THEN
                        freed := placed + interval '5 minutes';
                    END IF;
                    IF found_rule IS NULL OR freed > found_until THEN
                        found_rule := one ->> 'rule';
                        found_until := freed;
                    END IF;
                END IF;
            END LOOP;
        END IF;
        IF found_rule IS NULL THEN
            taken := taken || ARRAY['number:' || numbers[i], 'contact:' || contact_ids[i],
                'person:' || persons[i], 'debt:' || debts[i]];
        ELSE
            INSERT INTO forbidden_calls AS f (
                attempt_id, campaign_id, contact_id, number, rule, at, until)
            VALUES (ids[i], campaign, contact_ids[i], numbers[i], found_rule, placed, found_until)
            ON CONFLICT DO NOTHING;
            RETURN QUERY SELECT ids[i], contact_ids[i], numbers[i], found_rule, found_until;
        END IF;
    END LOOP;
END $$
"""


def upgrade() -> None:
    """Keys that calls are counted by, what outlives a contact, and the guard of every call."""
    for name in ("person", "debt"):
        op.add_column(
            "attempts", sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)
        )
        op.create_index(
            op.f(f"attempts_{name}_opened_at_idx"),
            "attempts",
            [name, "opened_at"],
            postgresql_where=sa.text(f"{name} <> ''"),
        )
    _create_past_calls()
    op.create_table(
        "forbidden_calls",
        sa.Column("attempt_id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("forbidden_calls_pkey")),
    )
    op.create_index(op.f("past_calls_contact_id_idx"), "past_calls", ["contact_id"])
    op.create_index(
        op.f("forbidden_calls_campaign_id_at_idx"), "forbidden_calls", ["campaign_id", "at"]
    )
    op.create_table(
        "do_not_call_changes",
        sa.Column("version", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("source", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("is_prefix", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "action IN ('add', 'import', 'remove', 'opt_out')",
            name=op.f("do_not_call_changes_action_check"),
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("do_not_call_changes_pkey")),
    )
    op.create_index(op.f("do_not_call_changes_at_idx"), "do_not_call_changes", ["at"])
    for statement in (_KEEP_CALL, _KEEP_CALLS, _CALLS_MADE, _CALLS_COUNTED, _FORBID_CALLS):
        op.execute(statement)


def _create_past_calls() -> None:
    op.create_table(
        "past_calls",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("debt", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("caller_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("joined_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("agent_id", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("disposition", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("past_calls_pkey")),
    )
    for name in ("campaign_id", "number", "person", "debt"):
        op.create_index(
            op.f(f"past_calls_{name}_opened_at_idx"),
            "past_calls",
            [name, "opened_at"],
            postgresql_where=sa.text(f"{name} <> ''") if name in ("person", "debt") else None,
        )


def downgrade() -> None:
    """Take all of that away again."""
    op.execute("DROP FUNCTION forbid_calls")
    op.execute("DROP FUNCTION calls_counted")
    op.execute("DROP VIEW calls_made")
    op.execute("DROP TRIGGER attempts_keep_past_call ON attempts")
    op.execute("DROP FUNCTION keep_past_call")
    for table in ("do_not_call_changes", "forbidden_calls", "past_calls"):
        op.drop_table(table)
    for name in ("debt", "person"):
        op.drop_index(op.f(f"attempts_{name}_opened_at_idx"), "attempts")
        op.drop_column("attempts", name)
