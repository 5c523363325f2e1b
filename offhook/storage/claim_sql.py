"""Statements of a claim of contacts, each with its one purpose.

None of them has a plan that depends on the size of a list: a row is found by the head of a partial
index, or by its id. A limit that is a parameter makes the planner think of a tenth of the table, so
rows that were found are written by their ids, which it takes for few.
"""

# Conflicts with whoever takes the lease over, not with the steps of its holder.
FENCE = """
SELECT 1 FROM leases WHERE campaign_id = $1 AND shard = $2 AND epoch = $3 FOR KEY SHARE
"""

PLAN = """
SELECT c.settings::text AS settings,
    COALESCE((SELECT json_agg(json_build_object(
        'list_id', l.id, 'weight', COALESCE(s.weight, 1), 'priority', COALESCE(s.priority, 0),
        'filter', COALESCE(s.filter, '')) ORDER BY l.id)
     FROM lists l LEFT JOIN campaign_lists s ON s.list_id = l.id
     WHERE l.campaign_id = c.id AND COALESCE(s.active, true)), '[]')::text AS lists,
    COALESCE((SELECT json_agg(json_build_object(
        'name', q.name, 'disposition', q.disposition, 'most', q.most, 'filter', q.filter,
        'full', q.full_at IS NOT NULL) ORDER BY q.name)
     FROM campaign_quotas q WHERE q.campaign_id = c.id), '[]')::text AS quotas
FROM campaigns c WHERE c.id = $1
"""

WAKE = """
WITH due AS (
    SELECT found.id FROM unnest($1::bigint[]) AS of_list(id), LATERAL (
        SELECT c.id FROM contacts c
        WHERE c.list_id = of_list.id AND c.state = 'ready' AND c.held = 'later'
            AND c.due_at <= $2
        ORDER BY c.due_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ) AS found
)
UPDATE contacts SET held = '' WHERE id = ANY(ARRAY(SELECT id FROM due))
"""

# `{fits}` is the filter of the list, `{full}` a full quota that the contact would add to, and
# `{tight}` those of quotas that the calls in progress may fill.
LOOK = """
SELECT c.id, c.due_at, {fits} AS fits, {full} AS full_quota, {tight} AS quotas,
    ARRAY(SELECT n.number || ' ' || array_to_string(n.zones, ' ') FROM numbers n
          WHERE n.contact_id = c.id AND COALESCE(n.last_outcome, '') NOT IN ('invalid', 'fax')
          ORDER BY n.position) AS numbers
FROM contacts c
WHERE c.list_id = $1 AND c.state = 'ready' AND c.held = ''
ORDER BY c.priority DESC, c.rank, c.due_at, c.id LIMIT $2 FOR UPDATE OF c SKIP LOCKED
"""

COUNT = """
SELECT count(*) FROM (
    SELECT FROM attempts a JOIN contacts c ON c.id = a.contact_id
    WHERE a.campaign_id = $1 AND a.disposition = $2 AND {fits} LIMIT $3
) AS had
"""

# Two shards of a campaign must not both give out the room that is left.
LOCK_QUOTAS = """
SELECT FROM campaign_quotas WHERE campaign_id = $1 ORDER BY name FOR NO KEY UPDATE
"""

# Whoever may still add to a quota: at hand, called, or spoken to by an agent who is about to say.
MAY_ADD = """
SELECT (SELECT count(*) FROM contacts c
        WHERE c.campaign_id = $1 AND c.state IN ('claimed', 'dialing') AND {fits})
    + (SELECT count(*) FROM agent_activity s
       JOIN attempts a ON a.id = s.correlator JOIN contacts c ON c.id = a.contact_id
       WHERE s.campaign_id = $1 AND s.state = 'wrap_up' AND a.disposition IS NULL
           AND c.state NOT IN ('claimed', 'dialing') AND {fits})
"""

FULL = "UPDATE campaign_quotas SET full_at = $3 WHERE campaign_id = $1 AND name = $2"

# Whoever was kept out by the quota is in the queue again.
NOT_FULL = """
WITH emptied AS (
    UPDATE campaign_quotas SET full_at = NULL WHERE campaign_id = $1 AND name = $2
)
UPDATE contacts SET held = '' WHERE campaign_id = $1 AND state = 'ready' AND held = $3
"""

TAKE = """
UPDATE contacts SET state = 'claimed', claim_shard = $2, claim_epoch = $3, claim_token = $4
WHERE id = ANY($1::bigint[])
"""

HOLD = """
UPDATE contacts c SET held = x.held, due_at = x.due_at
FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS x(id, held, due_at) WHERE c.id = x.id
"""

REFUSED = """
INSERT INTO refusals AS r (campaign_id, contact_id, reason, number, count, first_at, last_at)
SELECT $1, x.id, x.reason, '', 1, $3, $3
FROM unnest($2::bigint[], $4::text[]) AS x(id, reason)
ON CONFLICT (contact_id, reason, number) DO UPDATE
SET count = r.count + 1, last_at = EXCLUDED.last_at
"""

# Ordered as the index is: of one row in any order the planner thinks that a scan of the table soon
# finds it, which after a change of most rows is wrong until they have been counted again.
NEXT = """
SELECT EXISTS (
        SELECT FROM unnest($1::bigint[]) AS of_list(id), LATERAL (
            SELECT FROM contacts c
            WHERE c.list_id = of_list.id AND c.state = 'ready' AND c.held = ''
            ORDER BY c.priority DESC, c.rank, c.due_at, c.id LIMIT 1) AS first
    ) AS waiting,
    (SELECT min(first.due_at) FROM unnest($1::bigint[]) AS of_list(id), LATERAL (
        SELECT c.due_at FROM contacts c
        WHERE c.list_id = of_list.id AND c.state = 'ready' AND c.held = 'later'
        ORDER BY c.due_at LIMIT 1
    ) AS first) AS next_due_at
"""

# A number that several lists have is the contact's that was called at it, else the first one's.
TAKEN = """
SELECT n.contact_id, n.number FROM numbers n
WHERE n.contact_id = ANY($1::bigint[]) AND EXISTS (
    SELECT FROM numbers o JOIN contacts oc ON oc.id = o.contact_id
    LEFT JOIN campaign_lists s ON s.list_id = o.list_id
    WHERE o.number = n.number AND o.list_id <> n.list_id AND oc.campaign_id = $2
        AND (o.attempts > 0 OR oc.state IN ('claimed', 'dialing')
             OR (COALESCE(s.active, true) AND oc.state = 'ready' AND oc.held IN ('', 'later')))
        AND (o.attempts > 0, -oc.id) > (n.attempts > 0, -n.contact_id)
)
"""

FINISH = """
UPDATE contacts c SET state = 'finished', finished_reason = x.reason, claim_shard = NULL,
    claim_epoch = NULL, claim_token = NULL
FROM unnest($1::bigint[], $2::text[]) AS x(id, reason)
WHERE c.id = x.id AND c.state = 'claimed'
"""

# What was on offer is given back with everything else that was claimed.
FORGET_PREVIEWS = "UPDATE previews SET contact_id = NULL WHERE campaign_id = $1"

# What came of a number before, in any campaign: where somebody answered, and when.
TRIED = """
SELECT n.number, last.opened_at, last.outcome
FROM unnest($1::text[]) AS n(number), LATERAL (
    SELECT a.opened_at, a.outcome FROM attempts a
    WHERE a.number = n.number AND a.outcome IS NOT NULL
    ORDER BY a.opened_at DESC LIMIT 20
) AS last
"""
