"""The one statement that writes a step of the engine.

Measured on two cores over a unix socket: the same rows as one statement per table in a transaction
took three times as long, nearly all of it in going to and fro. So the step is composed as one
`WITH`: `fence` renews the lease of exactly this epoch, every other part is joined with it and
writes nothing when it found nothing, and being one statement it is a transaction by itself. The
parts never touch the same row (`step.py` sees to that), which is what makes `WITH` right here.
"""

# ruff: noqa: S608 - statements are composed of constants of this module, values are parameters

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from dialer.agent import AgentState

_FENCE = """
fence AS (
    UPDATE leases
    SET cursors = cursors || $4::jsonb, renewed_at = $5, seq = COALESCE($6, seq),
        pacing = COALESCE($7::jsonb, pacing)
    WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 AND ($6::bigint IS NULL OR seq < $6)
    RETURNING 1
)"""
_FENCE_PARAMETERS = 7


@dataclass(frozen=True)
class _Part:
    """One table's share: the types and names of its columns, and what is done with the rows."""

    columns: str
    sql: str
    """`{rows}` stands for the fence joined with the part's rows, which are called `x`."""
    update: str = ""
    """For rows that exist already; sees the table as it was before `sql`."""


_MOVED = """state text, accepted_at timestamptz, answered_at timestamptz, joined_at timestamptz,
    ended_at timestamptz, agent_id text, outcome text, reason text, cause text, talk interval,
    disposition text, call_id text, call_leg text, recognised_at timestamptz, verdict text"""

_SPENT = ", ".join(f"{state}_s" for state in AgentState)
_ADD_SPENT = ", ".join(
    f"{state}_s = s.{state}_s + x.{state}_s + CASE WHEN s.state = '{state}'"
    " THEN GREATEST(EXTRACT(epoch FROM x.first_at - s.since), 0)::float8 ELSE 0 END"
    for state in AgentState
)

_PARTS = {
    "journal": _Part(
        "seq bigint, at timestamptz, event bytea, commands bytea, inbox_id bigint",
        """INSERT INTO journal (campaign_id, shard, epoch, seq, at, event, commands, inbox_id)
        SELECT $1, $2, $3, x.seq, x.at, x.event, x.commands, x.inbox_id FROM {rows}""",
    ),
    "opened": _Part(
        "id text, person text, debt text, limits text, contact_id bigint, number text,"
        " trunk_id text, caller_id text,"
        f" opened_at timestamptz, {_MOVED}",
        """INSERT INTO attempts (
            campaign_id, shard, epoch, id, contact_id, number, trunk_id, caller_id, opened_at,
            state, accepted_at, answered_at, joined_at, ended_at, agent_id, outcome, reason, cause,
            talk, disposition, call_id, call_leg, recognised_at, verdict, person, debt)
        SELECT $1, $2, $3, x.id, x.contact_id, x.number, x.trunk_id, x.caller_id, x.opened_at,
            x.state, x.accepted_at, x.answered_at, x.joined_at, x.ended_at, x.agent_id, x.outcome,
            COALESCE(x.reason, ''), COALESCE(x.cause, ''), x.talk, x.disposition, x.call_id,
            COALESCE(x.call_leg, ''), x.recognised_at, x.verdict, x.person, x.debt
        FROM {rows} WHERE x.id NOT IN (SELECT attempt_id FROM forbidden)""",
    ),
    # An outcome that was written stays: an attempt ends once.
    "moved": _Part(
        f"id text, {_MOVED}",
        """UPDATE attempts a SET
            state = CASE WHEN a.outcome IS NULL THEN COALESCE(x.state, a.state) ELSE a.state END,
            outcome = COALESCE(a.outcome, x.outcome),
            ended_at = COALESCE(a.ended_at, x.ended_at),
            accepted_at = COALESCE(x.accepted_at, a.accepted_at),
            answered_at = COALESCE(x.answered_at, a.answered_at),
            joined_at = COALESCE(x.joined_at, a.joined_at),
            agent_id = COALESCE(x.agent_id, a.agent_id),
            reason = COALESCE(x.reason, a.reason), cause = COALESCE(x.cause, a.cause),
            talk = COALESCE(x.talk, a.talk), disposition = COALESCE(x.disposition, a.disposition),
            call_id = COALESCE(x.call_id, a.call_id), call_leg = COALESCE(x.call_leg, a.call_leg),
            recognised_at = COALESCE(x.recognised_at, a.recognised_at),
            verdict = COALESCE(x.verdict, a.verdict)
        FROM {rows} WHERE a.id = x.id""",
    ),
    "contacts": _Part(
        "id bigint, state text, due_at timestamptz, attempts integer, tried text,"
        " finished_reason text",
        """UPDATE contacts c SET
            state = x.state,
            due_at = COALESCE(x.due_at, c.due_at),
            attempts = c.attempts + x.attempts,
            tried = CASE WHEN x.tried = '{}' THEN c.tried ELSE (
                SELECT jsonb_object_agg(key, total) FROM (
                    SELECT key, sum(value::int) AS total FROM (
                        SELECT key, value FROM jsonb_each_text(c.tried)
                        UNION ALL SELECT key, value FROM jsonb_each_text(x.tried::jsonb)
                    ) AS both_of GROUP BY key
                ) AS totals
            ) END,
            finished_reason = x.finished_reason,
            claim_shard = CASE WHEN x.state IN ('claimed', 'dialing') THEN c.claim_shard END,
            claim_epoch = CASE WHEN x.state IN ('claimed', 'dialing') THEN c.claim_epoch END,
            claim_token = NULL
        FROM {rows} WHERE c.id = x.id AND c.campaign_id = $1
            AND x.id NOT IN (SELECT contact_id FROM forbidden)""",
    ),
    "numbers": _Part(
        "contact_id bigint, number text, attempts smallint, last_outcome text",
        """UPDATE numbers n
        SET attempts = (n.attempts + x.attempts)::smallint, last_outcome = x.last_outcome
        FROM {rows} WHERE n.contact_id = x.contact_id AND n.number = x.number""",
    ),
    "agents": _Part(
        "agent_id text, first_at timestamptz, state text, at timestamptz, correlator text,"
        " park_correlator text, park_call_id text, park_leg text, talks integer, "
        + ", ".join(f"{state}_s float8" for state in AgentState),
        f"""INSERT INTO agent_activity (
            campaign_id, agent_id, state, since, correlator, park_correlator, park_call_id,
            park_leg, talks, {_SPENT})
        SELECT $1, x.agent_id, x.state, x.at, x.correlator, COALESCE(x.park_correlator, ''),
            x.park_call_id, COALESCE(x.park_leg, ''), x.talks, {_SPENT}
        FROM {{rows}} ON CONFLICT DO NOTHING""",
        f"""UPDATE agent_activity s SET
            state = x.state, since = x.at, correlator = x.correlator,
            park_correlator = COALESCE(x.park_correlator, s.park_correlator),
            park_call_id =
                CASE WHEN x.park_correlator IS NULL THEN s.park_call_id ELSE x.park_call_id END,
            park_leg = COALESCE(x.park_leg, s.park_leg),
            talks = s.talks + x.talks,
            {_ADD_SPENT}
        FROM {{rows}} WHERE s.campaign_id = $1 AND s.agent_id = x.agent_id""",
    ),
    "refusals": _Part(
        "contact_id bigint, reason text, number text, count integer, first_at timestamptz,"
        " last_at timestamptz",
        """INSERT INTO refusals AS r (
            campaign_id, contact_id, reason, number, count, first_at, last_at)
        SELECT $1, x.contact_id, x.reason, x.number, x.count, x.first_at, x.last_at FROM {rows}
        ON CONFLICT (contact_id, reason, number) DO UPDATE
        SET count = r.count + EXCLUDED.count, last_at = EXCLUDED.last_at""",
    ),
    "dispositions": _Part(
        "attempt_id text, agent_id text, code text, at timestamptz",
        """INSERT INTO dispositions (attempt_id, agent_id, code, at)
        SELECT x.attempt_id, x.agent_id, x.code, x.at FROM {rows}""",
    ),
    # Who tells an agent that he wants no more calls is listed with the word itself.
    "opt_outs": _Part(
        "attempt_id text, at timestamptz",
        """INSERT INTO do_not_call (number, scope, source, added_at)
        SELECT DISTINCT ON (a.number) a.number, '', 'opt-out to an agent', x.at
        FROM attempts a, {rows} WHERE a.id = x.attempt_id
        ON CONFLICT (number, scope) DO UPDATE SET expires_at = NULL""",
        """INSERT INTO do_not_call_changes (at, action, source, entries)
        SELECT x.at, 'opt_out', 'opt-out to an agent', 1 FROM {rows}""",
    ),
    # The row of a file that was deleted stays as it is, whatever comes late.
    "recordings": _Part(
        "name text, attempt_id text, state text, started_at timestamptz, changed_at timestamptz,"
        " ended_at timestamptz, keep_until timestamptz, agent_id text, asked_by text, reason text",
        """INSERT INTO recordings AS r (
            campaign_id, switch_id, name, attempt_id, state, started_at, changed_at, ended_at,
            keep_until, agent_id, asked_by, reason)
        SELECT $1, c.switch_id, x.name, x.attempt_id, x.state, x.started_at, x.changed_at,
            x.ended_at, x.keep_until, x.agent_id, x.asked_by, x.reason
        FROM campaigns c, {rows} WHERE c.id = $1
        ON CONFLICT (name) DO UPDATE SET
            state = EXCLUDED.state, changed_at = EXCLUDED.changed_at,
            ended_at = COALESCE(r.ended_at, EXCLUDED.ended_at),
            reason = CASE WHEN EXCLUDED.reason = '' THEN r.reason ELSE EXCLUDED.reason END
        WHERE r.deleted_at IS NULL""",
    ),
    "oddities": _Part(
        "code text, count integer, last_at timestamptz, correlator text, detail text",
        """INSERT INTO oddities AS o (
            campaign_id, code, count, last_at, last_correlator, last_detail)
        SELECT $1, x.code, x.count, x.last_at, x.correlator, x.detail FROM {rows}
        ON CONFLICT (campaign_id, code) DO UPDATE
        SET count = o.count + EXCLUDED.count, last_at = EXCLUDED.last_at,
            last_correlator = EXCLUDED.last_correlator, last_detail = EXCLUDED.last_detail""",
    ),
    "previews": _Part(
        "agent_id text, contact_id bigint, offered_at timestamptz, ends_at timestamptz,"
        " skips_left integer",
        """INSERT INTO previews AS p (
            campaign_id, agent_id, contact_id, offered_at, ends_at, skips_left)
        SELECT $1, x.agent_id, x.contact_id, x.offered_at, x.ends_at, x.skips_left FROM {rows}
        ON CONFLICT (campaign_id, agent_id) DO UPDATE SET contact_id = EXCLUDED.contact_id,
            offered_at = EXCLUDED.offered_at, ends_at = EXCLUDED.ends_at,
            skips_left = EXCLUDED.skips_left""",
    ),
    "released": _Part(
        "agent_id text",
        """DELETE FROM agent_leases l USING {rows}
        WHERE l.agent_id = x.agent_id AND l.campaign_id = $1 AND l.shard = $2""",
    ),
}


_CALLS = ("journal", "opened", "moved", "contacts", "numbers", "agents")
_SHAPES: tuple[tuple[str, ...], ...] = (
    (),
    ("journal",),
    ("journal", "moved", "agents"),
    _CALLS,
    (*_CALLS, *(name for name in _PARTS if name not in _CALLS)),
)
"""Sets of parts, each holding the ones before: few, so that each is prepared and planned once."""


def composed(parts: Mapping[str, Sequence[tuple[object, ...]]]) -> tuple[str, list[object]]:
    """The statement that writes these rows, and its parameters from the first array on.

    It returns a row or more when it wrote, none when it was fenced off. Where calls are opened, the
    rows are those that the record did not agree to, or one of nulls. The parameters before the
    arrays: campaign, shard, epoch, cursors, now, last journal number, pacing.
    """
    shape = next(shape for shape in _SHAPES if parts.keys() <= set(shape))
    arrays: list[object] = []
    for name in shape:
        rows = parts.get(name)
        width = _PARTS[name].columns.count(",") + 1
        arrays += zip(*rows, strict=True) if rows else [()] * width
    return _statement(shape), arrays


@cache
def _statement(shape: tuple[str, ...]) -> str:
    written = [_FENCE]
    parameter = _FENCE_PARAMETERS
    guarded = "opened" in shape
    for name in shape:
        part = _PARTS[name]
        columns = [column.split() for column in part.columns.split(",")]
        if name == "opened":
            written.append(
                _guard({column: parameter + i for i, (column, _) in enumerate(columns, 1)})
            )
        arrays = ", ".join(
            f"${parameter + number}::{kind}[]" for number, (_, kind) in enumerate(columns, 1)
        )
        parameter += len(columns)
        names = ", ".join(column for column, _ in columns)
        rows = f"fence, unnest({arrays}) AS x({names})"
        written.append(f"{name}_written AS ({part.sql.replace('{rows}', rows)})")
        if part.update:
            written.append(f"{name}_updated AS ({part.update.replace('{rows}', rows)})")
    told = "f.* FROM fence LEFT JOIN forbidden f ON true" if guarded else "1 FROM fence"
    return f"WITH {', '.join(written)} SELECT {told}"


def _guard(places: Mapping[str, int]) -> str:
    """The law's last word: which of the calls to be opened the record does not agree to.

    They are neither opened nor is their contact said to be dialed. The function gets the fence as
    an argument, so that a step that is fenced off asks and locks nothing.
    """
    arguments = ("id", "contact_id", "number", "opened_at", "person", "debt", "limits")
    passed = ", ".join(f"${places[name]}" for name in arguments)
    return f"forbidden AS (SELECT * FROM forbid_calls((SELECT 1 FROM fence), $1, {passed}))"
