"""Statements about the law, each with its one purpose."""

FORBIDDEN = """
SELECT attempt_id, contact_id, number, rule, until FROM forbidden_calls
WHERE attempt_id = ANY($1::text[])
"""

LAW = "SELECT (settings -> 'compliance')::text FROM campaigns WHERE id = $1"

# A person is named by the attribute that the campaign says, else by the id that the list gave him.
KEYS = """
SELECT id, COALESCE(NULLIF(attributes ->> $2, ''), external_id) AS person,
    COALESCE(attributes ->> $3, '') AS debt,
    lower(COALESCE(attributes ->> 'consent', '')) IN ('yes', 'true', '1', 'y', 't') AS consent
FROM contacts WHERE id = ANY($1::bigint[])
"""

# A number is listed by itself or by a prefix, at most as many looks in the index as it has digits.
LISTED = """
SELECT DISTINCT ON (x.number) x.number, d.source, d.expires_at
FROM unnest($1::text[]) AS x(number)
CROSS JOIN LATERAL generate_series(2, length(x.number)) AS n
JOIN do_not_call d ON d.number = left(x.number, n)
WHERE (d.is_prefix OR d.number = x.number) AND d.scope IN ('', $2)
    AND (d.expires_at IS NULL OR d.expires_at > $3)
ORDER BY x.number, d.expires_at DESC NULLS FIRST
"""

_CALL = "id, opened_at, ended_at, COALESCE(outcome, '') AS outcome, joined_at IS NOT NULL AS talked"
_REFUSED = "COALESCE(disposition IN ('refused', 'not_interested'), false) AS refused"


def _calls(kind: str, column: str, parameter: int, cast: str) -> str:
    return f"""
SELECT '{kind}:' || c.{column} AS key, {_CALL}, {_REFUSED} FROM calls_made c
WHERE c.{column} = ANY(${parameter}::{cast}[]) AND c.opened_at > $5
"""  # noqa: S608 - ours


CALLS = " UNION ALL ".join(
    (
        _calls("number", "number", 1, "text"),
        _calls("person", "person", 2, "text") + " AND c.person <> ''",
        _calls("debt", "debt", 3, "text") + " AND c.debt <> ''",
        _calls("contact", "contact_id", 4, "bigint"),
    )
)
"""Earlier calls under any of the keys, once for each key."""
