"""Statements about lists, each with its one purpose."""

from dialer.lists.filters import DATE, NUMBER

CREATE = """
INSERT INTO lists (campaign_id, name, created_at) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING id
"""

LISTS = """
SELECT l.id AS list_id, l.name, COALESCE(s.active, true) AS active,
    COALESCE(s.weight, 1) AS weight, COALESCE(s.priority, 0) AS priority,
    COALESCE(s.sorted_by, 'due') AS order, COALESCE(s.attribute, '') AS attribute,
    COALESCE(s.filter, '') AS filter, s.reset_at, n.*
FROM lists l LEFT JOIN campaign_lists s ON s.list_id = l.id, LATERAL (
    SELECT count(*) AS contacts,
        count(*) FILTER (WHERE state = 'ready' AND held = '') AS ready,
        count(*) FILTER (WHERE state = 'ready' AND held = 'later') AS later,
        count(*) FILTER (WHERE state = 'ready' AND held = 'filter') AS filtered,
        count(*) FILTER (WHERE state = 'ready' AND held LIKE 'quota %') AS over_quota,
        count(*) FILTER (WHERE state IN ('claimed', 'dialing')) AS in_progress,
        count(*) FILTER (WHERE state = 'finished') AS finished
    FROM contacts c WHERE c.campaign_id = l.campaign_id AND c.list_id = l.id
) AS n
WHERE l.campaign_id = $1 AND ($2::text IS NULL OR l.name = $2) ORDER BY l.id
"""

CONFIGURE = """
INSERT INTO campaign_lists (list_id, weight, priority, sorted_by, attribute, filter, active)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (list_id) DO UPDATE SET weight = EXCLUDED.weight, priority = EXCLUDED.priority,
    sorted_by = EXCLUDED.sorted_by, attribute = EXCLUDED.attribute, filter = EXCLUDED.filter,
    active = EXCLUDED.active
"""

# Whom the filter takes is looked at again when his turn comes.
RELEASE = """
UPDATE contacts c SET held = '' WHERE c.list_id = $1 AND c.state = 'ready' AND c.held = 'filter'
    AND {fits}
"""

# Whom the filter leaves out never is. Ids that cut those into parts of $2.
LEFT_OUT = """
SELECT array_agg(found.id ORDER BY found.id) FILTER (WHERE found.place % $2 = 0),
    max(found.id) FROM (
        SELECT c.id, row_number() OVER (ORDER BY c.id) AS place FROM contacts c
        WHERE c.list_id = $1 AND c.state = 'ready' AND c.held IN ('', 'later') AND NOT {fits}
    ) AS found
"""

# Whoever is being claimed just now is left to the claim, which asks the filter itself.
LEAVE_OUT = """
UPDATE contacts SET held = 'filter' WHERE id = ANY(ARRAY(
    SELECT c.id FROM contacts c WHERE c.id > $2 AND c.id <= $3 AND c.list_id = $1
        AND c.state = 'ready' AND c.held IN ('', 'later') AND NOT {fits}
    FOR UPDATE SKIP LOCKED))
"""

SIFT_NEW = """
UPDATE contacts c SET held = 'filter' WHERE c.id = ANY($1::bigint[]) AND NOT {fits}
"""

FILTER = "SELECT filter FROM campaign_lists WHERE list_id = $1 AND filter <> ''"

SORT = """
UPDATE contacts c SET rank = x.rank
FROM (SELECT c.id, ({rank})::float8 AS rank, $2::text AS attribute FROM contacts c
      WHERE c.list_id = $1) AS x
WHERE c.id = x.id AND c.rank <> x.rank
"""

HASH = "hashint8extended(c.id, 0) / 2.0 ^ 63"

# Dates become numbers by their digits; whoever has neither comes last.
VALUE = f"""CASE
    WHEN COALESCE(c.attributes ->> $2, '') ~ '{NUMBER}'
        THEN replace(btrim(c.attributes ->> $2, ' '), ',', '.')::float8
    WHEN COALESCE(c.attributes ->> $2, '') ~ '{DATE}'
        THEN replace(left(c.attributes ->> $2, 10), '-', '')::float8
    ELSE 'infinity'::float8 END"""

RESET = """
WITH again AS (
    UPDATE contacts SET state = 'ready', held = '', due_at = $2, attempts = 0, tried = '{}',
        finished_reason = ''
    WHERE list_id = $1 AND (
        (state = 'ready' AND attempts > 0)
        OR (state = 'finished' AND finished_reason IN (
            'not_retried', 'outcome_limit', 'contact_limit', 'needs_review', 'in_other_list'))
        OR (state = 'finished' AND $3 AND finished_reason IN ('finished', 'disposition')))
    RETURNING id
), fresh AS (
    UPDATE numbers SET attempts = 0, last_outcome = NULL
    WHERE contact_id = ANY(ARRAY(SELECT id FROM again))
        AND COALESCE(last_outcome, '') NOT IN ('invalid', 'fax')
)
SELECT count(*) FROM again
"""

NOTE_RESET = """
INSERT INTO campaign_lists (list_id, reset_at) VALUES ($1, $2)
ON CONFLICT (list_id) DO UPDATE SET reset_at = EXCLUDED.reset_at
"""

OWN = """
WITH owned AS (
    UPDATE contacts c SET owner = a.id
    FROM campaign_agents m JOIN agents a ON a.id = m.agent_id
    WHERE c.list_id = $1 AND m.campaign_id = $3
        AND c.attributes ->> $2 IN (a.id, a.number, a.name) AND c.attributes ->> $2 <> ''
    RETURNING 1
)
SELECT count(*) FROM owned
"""

FITTING = "SELECT count(*) FROM contacts c WHERE c.list_id = $1 AND {fits}"

QUOTAS = """
SELECT name, disposition, most, filter FROM campaign_quotas WHERE campaign_id = $1 ORDER BY name
"""

REACHED = """
SELECT count(*) FROM attempts a JOIN contacts c ON c.id = a.contact_id
WHERE a.campaign_id = $1 AND a.disposition = $2 AND {fits}
"""

SET_QUOTA = """
INSERT INTO campaign_quotas (campaign_id, name, disposition, most, filter)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (campaign_id, name) DO UPDATE SET disposition = EXCLUDED.disposition,
    most = EXCLUDED.most, filter = EXCLUDED.filter, full_at = NULL
"""

FREE_QUOTA = """
UPDATE contacts SET held = '' WHERE campaign_id = $1 AND state = 'ready' AND held = 'quota ' || $2
"""

REMOVE_QUOTA = "DELETE FROM campaign_quotas WHERE campaign_id = $1 AND name = $2 RETURNING 1"
