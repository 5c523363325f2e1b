"""Statements of the dial store, each with its one purpose."""

# ruff: noqa: S608 - statements are composed of constants of this module, values are parameters

from dialer.agent import AgentState

CAMPAIGN = "SELECT switch_id, phase, phase_reason FROM campaigns WHERE id = $1"

SETTINGS = "SELECT settings::text AS settings, phase FROM campaigns WHERE id = $1"

LEASE = "SELECT epoch, seq FROM leases WHERE campaign_id = $1 AND shard = $2"

# Waits for a claim in progress, which holds the row FOR KEY SHARE; a plain update would not.
LOCK_LEASE = "SELECT 1 FROM leases WHERE campaign_id = $1 AND shard = $2 FOR UPDATE"

# Events from before a campaign first dialed can't concern it: its cursor starts behind them.
TAKE_LEASE = """
INSERT INTO leases (campaign_id, shard, epoch, owner, taken_at, renewed_at, cursors)
VALUES ($1, $2, 1, $3, $4, $4, jsonb_build_object(
    $5::text, (SELECT COALESCE(max(id), 0) FROM inbox WHERE channel = $5), $6::text, 0))
ON CONFLICT (campaign_id, shard) DO UPDATE
SET epoch = leases.epoch + 1, seq = 0, owner = EXCLUDED.owner, taken_at = EXCLUDED.taken_at,
    renewed_at = EXCLUDED.renewed_at
RETURNING epoch, cursors
"""

GIVE_BACK = """
UPDATE contacts SET state = 'ready', claim_shard = NULL, claim_epoch = NULL, claim_token = NULL
WHERE campaign_id = $1 AND state = 'claimed' AND claim_shard = $2
"""

HOLD = """
SELECT 1 FROM leases WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 FOR NO KEY UPDATE
"""

HOLDS = "SELECT 1 FROM leases WHERE campaign_id = $1 AND shard = $2 AND epoch = $3"

# The holder of our agents that has been silent for too long may only be slow: it must lose its
# lease before it loses its agents, or an agent would have two masters.
FENCE_SILENT = """
UPDATE leases SET epoch = epoch + 1, owner = ''
WHERE (campaign_id, shard) IN (
    SELECT held.campaign_id, held.shard
    FROM campaign_agents mine JOIN agent_leases held USING (agent_id)
    WHERE mine.campaign_id = $1 AND (held.campaign_id, held.shard) <> ($1, $2)
) AND renewed_at < $3 AND owner <> ''
"""

LEASE_AGENTS = """
INSERT INTO agent_leases AS held (agent_id, campaign_id, shard, epoch, taken_at)
SELECT m.agent_id, $1, $2, $3, $4 FROM campaign_agents m
WHERE m.campaign_id = $1 AND NOT EXISTS (
    SELECT FROM agent_offers o WHERE o.agent_id = m.agent_id AND o.expires_at > $4
) ORDER BY m.agent_id
ON CONFLICT (agent_id) DO UPDATE
SET campaign_id = EXCLUDED.campaign_id, shard = EXCLUDED.shard, epoch = EXCLUDED.epoch,
    taken_at = EXCLUDED.taken_at
WHERE (held.campaign_id, held.shard) = ($1, $2) OR NOT EXISTS (
    SELECT FROM leases
    WHERE leases.campaign_id = held.campaign_id AND leases.shard = held.shard
        AND leases.owner <> '' AND leases.renewed_at >= $5
)
"""

DROP_AGENTS = """
DELETE FROM agent_leases held
WHERE campaign_id = $1 AND shard = $2 AND NOT EXISTS (
    SELECT FROM campaign_agents c WHERE c.campaign_id = $1 AND c.agent_id = held.agent_id
)
"""

AGENTS = """
SELECT a.id, a.address, a.number, a.status, a.status_reason, a.reachable, a.position
FROM agents a JOIN agent_leases l ON l.agent_id = a.id
WHERE l.campaign_id = $1 AND l.shard = $2 AND l.epoch = $3
ORDER BY a.position, a.id
"""

TRUNKS = """
SELECT id, address, lines, enabled, calls_per_second FROM trunks
WHERE switch_id = $1 AND (id = ANY($2) OR (cardinality($2) = 0 AND enabled))
ORDER BY id
"""

_CONTACT = """c.id, c.priority, c.due_at, c.attempts, c.tried, c.owner,
    n.number, n.zones, n.label, n.attempts AS tried_here, n.last_outcome"""

# A number that reaches no person is left out.
_NUMBERS = """LEFT JOIN numbers n
    ON n.contact_id = c.id AND COALESCE(n.last_outcome, '') NOT IN ('invalid', 'fax')"""
_AS_LISTED = "n.position"

OPEN_ATTEMPTS = f"""
SELECT a.id AS attempt_id, a.number AS dialed, a.trunk_id, a.state, a.opened_at, a.accepted_at,
    a.answered_at, a.agent_id, a.call_id, a.call_leg, a.recognised_at, a.verdict,
    r.recording, COALESCE(r.recordings, 0) AS recordings, {_CONTACT}
FROM attempts a LEFT JOIN LATERAL (
    SELECT (array_agg(state ORDER BY started_at DESC))[1] AS recording,
        count(*)::integer AS recordings
    FROM recordings WHERE attempt_id = a.id
) r ON true JOIN contacts c ON c.id = a.contact_id {_NUMBERS}
WHERE a.campaign_id = $1 AND a.shard = $2 AND a.state <> 'ended'
ORDER BY a.opened_at, a.id, {_AS_LISTED}
"""

# Agents say what came of a talk within the hour, or never.
PAST_TALKS = f"""
SELECT a.id AS attempt_id, a.number AS dialed, a.ended_at, {_CONTACT}
FROM (
    SELECT id, number, ended_at, contact_id FROM attempts
    WHERE campaign_id = $1 AND shard = $2 AND opened_at > $3::timestamptz - interval '2 hours'
        AND ended_at > $3::timestamptz - interval '1 hour'
        AND outcome = 'answered' AND disposition IS NULL AND agent_id IS NOT NULL
    ORDER BY opened_at DESC LIMIT 500
) a JOIN contacts c ON c.id = a.contact_id {_NUMBERS}
ORDER BY a.ended_at, a.id, {_AS_LISTED}
"""

OPEN_PARKS = """
SELECT s.agent_id, s.park_correlator, s.park_call_id, s.park_leg
FROM agent_activity s JOIN agent_leases l USING (agent_id, campaign_id)
WHERE s.campaign_id = $1 AND l.shard = $2 AND s.park_correlator <> ''
ORDER BY s.agent_id
"""

TALLY = """
SELECT count(*) AS placed,
    count(*) FILTER (WHERE outcome IN ('answered', 'abandoned')) AS answered,
    count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned,
    COALESCE(sum(EXTRACT(epoch FROM answered_at - opened_at))
        FILTER (WHERE outcome IN ('answered', 'abandoned')), 0)::float8 AS ring_seconds,
    COALESCE(sum(EXTRACT(epoch FROM talk)), 0)::float8 AS talk_seconds,
    count(talk) AS joined,
    (
        SELECT count(*) FROM (
            SELECT FROM contacts
            WHERE campaign_id = $1 AND state <> 'finished' LIMIT 100000
        ) AS unfinished
    ) AS contacts_left
FROM attempts WHERE campaign_id = $1 AND shard = $2
"""

ANSWERED_BY_HOUR = """
SELECT date_trunc('hour', ended_at) AS hour, count(*) AS answered,
    count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned
FROM attempts
WHERE campaign_id = $1 AND shard = $2 AND outcome IN ('answered', 'abandoned')
    AND ended_at > $3::timestamptz - interval '31 days'
GROUP BY hour ORDER BY hour
"""

VERDICTS = """
SELECT verdict, count(*) AS calls FROM attempts
WHERE campaign_id = $1 AND shard = $2 AND verdict IS NOT NULL GROUP BY verdict ORDER BY verdict
"""

CONTACTS = f"""
SELECT {_CONTACT} FROM contacts c {_NUMBERS}
WHERE c.id = ANY($1::bigint[]) AND c.state = 'claimed'
ORDER BY array_position($1::bigint[], c.id), {_AS_LISTED}
"""

CLAIMED = """
SELECT id FROM contacts
WHERE campaign_id = $1 AND state = 'claimed' AND claim_token = ANY($2)
ORDER BY priority DESC, rank, due_at, id
"""

RELEASE = """
UPDATE leases SET owner = '', demand = NULL, renewed_at = $4
WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 RETURNING 1
"""

RELEASE_AGENTS = "DELETE FROM agent_leases WHERE campaign_id = $1 AND shard = $2"

END_ACTIVITY = (
    "UPDATE agent_activity SET "
    + ", ".join(
        f"{state}_s = {state}_s + CASE WHEN state = '{state}'"
        " THEN GREATEST(EXTRACT(epoch FROM $2::timestamptz - since), 0)::float8 ELSE 0 END"
        for state in AgentState
    )
    + """, state = 'idle', since = $2, correlator = '', park_correlator = '',
    park_call_id = NULL, park_leg = ''
WHERE campaign_id = $1 AND agent_id IN (
    SELECT agent_id FROM agent_leases WHERE campaign_id = $1 AND shard = $3
)"""
)
