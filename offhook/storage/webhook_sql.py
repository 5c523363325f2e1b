"""The statements of webhooks."""

SHOWN = """
SELECT id, name, url, kinds, campaigns, created_at, disabled_at, disabled_reason, failing_since,
    failures, paused_until FROM webhook_endpoints
"""
ALL = f"{SHOWN} ORDER BY name"
FIND = f"{SHOWN} WHERE $1 IN (id, name) ORDER BY id <> $1 LIMIT 1"
ADD = """
INSERT INTO webhook_endpoints (id, name, url, key_id, secrets, kinds, campaigns, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO NOTHING RETURNING id
"""
BEGIN = """
INSERT INTO webhook_relay (id, at, noted)
SELECT 1, $1, COALESCE(max(id), 0) FROM inbox WHERE channel = $2
ON CONFLICT (id) DO NOTHING RETURNING 1
"""
BEGIN_JOURNALS = """
INSERT INTO webhook_journals (campaign_id, shard, epoch, seq)
SELECT campaign_id, shard, epoch, seq FROM leases
"""
END = "DELETE FROM webhook_relay WHERE NOT EXISTS (SELECT FROM webhook_endpoints) RETURNING 1"
SECRETS = "SELECT key_id, secrets FROM webhook_endpoints WHERE id = $1"
SEAL = "UPDATE webhook_endpoints SET key_id = $2, secrets = $3 WHERE id = $1"
ENABLE = """
UPDATE webhook_endpoints SET disabled_at = NULL, disabled_reason = '', failing_since = NULL,
    failures = 0, paused_until = NULL WHERE id = $1
"""
DISABLE = """
UPDATE webhook_endpoints SET disabled_at = $2, disabled_reason = $3
WHERE id = $1 AND disabled_at IS NULL RETURNING name
"""
OPEN = """
SELECT e.id, e.failures FROM webhook_endpoints e
WHERE e.disabled_at IS NULL AND (e.paused_until IS NULL OR e.paused_until <= $1)
    AND EXISTS (SELECT FROM webhook_deliveries d
        WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.due_at <= $1)
"""
_CLAIM = """
WITH due AS (
    SELECT id FROM webhook_deliveries
    WHERE endpoint_id = $1 AND state = 'pending' AND due_at <= $2
        AND (leased_until IS NULL OR leased_until < $2) {only}
    ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE webhook_deliveries d SET leased_until = $4, tries = d.tries + 1
FROM due, webhook_events v, webhook_endpoints e
WHERE d.id = due.id AND v.id = d.event_id AND e.id = d.endpoint_id
RETURNING d.id, d.endpoint_id, d.tries, d.created_at, v.id AS event_id, v.kind, v.at,
    v.campaign_id, v.data::text AS data, e.url, e.failures, e.key_id, e.secrets
"""
CLAIM = _CLAIM.format(only="")
CLAIM_EVENT = _CLAIM.format(only="AND event_id = $5")
_TRIED = """
WITH tried AS (
    INSERT INTO webhook_tries (delivery_id, number, at, status, error, answer, took_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
), settled AS (
    UPDATE webhook_deliveries SET state = $8, ended_at = $9, due_at = COALESCE($10, due_at),
        leased_until = NULL WHERE id = $1 AND state = 'pending'
)
UPDATE webhook_endpoints SET {endpoint} RETURNING failing_since
"""
TAKEN = _TRIED.format(
    endpoint="failures = 0, failing_since = NULL, paused_until = NULL "
    "WHERE id = $11 AND failures > 0"
)
NOT_TAKEN = _TRIED.format(
    endpoint="failures = failures + 1, failing_since = COALESCE(failing_since, $3), "
    "paused_until = $12 WHERE id = $11"
)
_DELIVERY_VIEW = """
SELECT d.id, d.endpoint_id, d.event_id, v.kind, v.at, v.campaign_id, d.replay, d.state, d.tries,
    d.created_at, CASE WHEN d.state = 'pending' THEN d.due_at END AS due_at, d.ended_at,
    t.status AS last_status, COALESCE(t.error, '') AS last_error,
    COALESCE(t.answer, '') AS last_answer, t.took_ms AS last_took_ms
FROM webhook_deliveries d JOIN webhook_events v ON v.id = d.event_id
LEFT JOIN LATERAL (SELECT * FROM webhook_tries WHERE delivery_id = d.id
    ORDER BY number DESC LIMIT 1) t ON true
"""
DELIVERIES = f"""{_DELIVERY_VIEW}
WHERE d.endpoint_id = $1 AND d.id < $2 AND ($3::text IS NULL OR d.state = $3)
    AND ($4::text IS NULL OR v.kind = $4)
ORDER BY d.id DESC LIMIT $5
"""
OF_EVENT = f"""{_DELIVERY_VIEW}
WHERE d.endpoint_id = $1 AND d.event_id = $2 ORDER BY d.id DESC LIMIT 1
"""
KNOWN = "SELECT 1 FROM webhook_events WHERE id = $1"
TRIES = """
SELECT number, at, status, error, answer, took_ms FROM webhook_tries
WHERE delivery_id = $1 ORDER BY number
"""
DELIVERY = "SELECT 1 FROM webhook_deliveries WHERE id = $1 AND endpoint_id = $2"
REPLAY = """
INSERT INTO webhook_deliveries (endpoint_id, event_id, replay, created_at, due_at)
SELECT $1, v.id, $2, $3::timestamptz, $3 FROM webhook_events v
WHERE v.at >= $4 AND v.at < $5 AND ($6::text IS NULL OR v.id = $6)
    AND (cardinality($7::text[]) = 0 OR v.kind = ANY($7) OR split_part(v.kind, '.', 1) = ANY($7))
    AND (cardinality($8::text[]) = 0 OR v.campaign_id = ANY($8))
ON CONFLICT DO NOTHING
"""
EVENT = """
INSERT INTO webhook_events (id, kind, at, campaign_id, data) VALUES ($1, $2, $3, $4, $5::jsonb)
ON CONFLICT (id) DO NOTHING
"""
QUEUE = """
INSERT INTO webhook_deliveries (endpoint_id, event_id, created_at, due_at)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id
"""
PRUNE = """
DELETE FROM webhook_events WHERE id IN (
    SELECT v.id FROM webhook_events v WHERE v.at < $1 AND NOT EXISTS (
        SELECT FROM webhook_deliveries d WHERE d.event_id = v.id AND d.state = 'pending')
    LIMIT 1000)
"""
