"""Statements of the exchange of shares, each with its one purpose."""

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 11))"

RANK = """
SELECT COALESCE((settings->>'priority')::int, 0) AS priority,
    COALESCE((settings->>'weight')::int, 1) AS weight
FROM campaigns WHERE id = $1
"""

OPEN_BY_TRUNK = """
SELECT trunk_id, count(*) AS open FROM attempts
WHERE campaign_id = $1 AND shard = $2 AND state <> 'ended' GROUP BY trunk_id
"""

# Of a lease that nobody holds, only the calls that were left open count.
DEMANDS = """
SELECT l.campaign_id, l.shard, l.owner <> '' AS alive, l.demand::text AS demand,
    CASE WHEN l.owner = '' THEN (
        SELECT jsonb_object_agg(trunk_id, open)::text FROM (
            SELECT trunk_id, count(*) AS open FROM attempts a
            WHERE a.campaign_id = l.campaign_id AND a.shard = l.shard AND a.state <> 'ended'
            GROUP BY trunk_id
        ) AS of_trunk
    ) END AS open
FROM leases l JOIN campaigns c ON c.id = l.campaign_id
WHERE c.switch_id = $1 AND l.demand IS NOT NULL
ORDER BY l.campaign_id, l.shard
"""

TELL = """
UPDATE leases SET demand = $4::jsonb, renewed_at = GREATEST(renewed_at, $5)
WHERE campaign_id = $1 AND shard = $2 AND epoch = $3
"""

# A row that is locked belongs to somebody who isn't silent.
FENCE = """
UPDATE leases SET epoch = epoch + 1, owner = ''
WHERE (campaign_id, shard) IN (
    SELECT l.campaign_id, l.shard FROM leases l JOIN campaigns c ON c.id = l.campaign_id
    WHERE c.switch_id = $1 AND l.owner <> '' AND l.demand IS NOT NULL AND l.renewed_at < $2
        AND (l.campaign_id, l.shard) <> ($3, $4)
    FOR NO KEY UPDATE OF l SKIP LOCKED
)
RETURNING campaign_id
"""

ROSTER = """
SELECT a.id, a.status, a.position, s.state,
    CASE WHEN h.agent_id IS NOT NULL THEN h.campaign_id || '/' || h.shard END AS holder,
    ARRAY(
        SELECT key FROM unnest($2::text[]) AS key
        WHERE EXISTS (
            SELECT FROM campaign_agents m WHERE m.agent_id = a.id
                AND m.campaign_id = left(key, length(key) - position('/' IN reverse(key)))
        )
        ORDER BY key
    ) AS keys
FROM agents a
LEFT JOIN agent_leases h ON h.agent_id = a.id
LEFT JOIN agent_activity s ON s.agent_id = a.id AND s.campaign_id = h.campaign_id
WHERE a.switch_id = $1 AND (
    (h.campaign_id = $3 AND h.shard = $4) OR EXISTS (
        SELECT FROM campaign_agents m WHERE m.agent_id = a.id AND m.campaign_id IN (
            SELECT left(key, length(key) - position('/' IN reverse(key)))
            FROM unnest($2::text[]) AS key
        )
    )
)
ORDER BY a.position, a.id
"""

# Nobody is taken from a holder who is alive, or from a caller. Time spent elsewhere is not time
# idle here.
TAKE_AGENTS = """
WITH taken AS (
    INSERT INTO agent_leases AS held (agent_id, campaign_id, shard, epoch, taken_at)
    SELECT m.agent_id, $1, $2, $3, $4 FROM campaign_agents m
    WHERE m.campaign_id = $1 AND m.agent_id = ANY($5) AND NOT EXISTS (
        SELECT FROM agent_offers o WHERE o.agent_id = m.agent_id AND o.expires_at > $4
    ) ORDER BY m.agent_id
    ON CONFLICT (agent_id) DO UPDATE
    SET campaign_id = EXCLUDED.campaign_id, shard = EXCLUDED.shard, epoch = EXCLUDED.epoch,
        taken_at = EXCLUDED.taken_at
    WHERE (held.campaign_id, held.shard) = ($1, $2) OR NOT EXISTS (
        SELECT FROM leases
        WHERE leases.campaign_id = held.campaign_id AND leases.shard = held.shard
            AND leases.owner <> ''
    )
    RETURNING agent_id
)
UPDATE agent_activity s SET since = $4 FROM taken
WHERE s.campaign_id = $1 AND s.agent_id = taken.agent_id AND s.state = 'idle'
"""
