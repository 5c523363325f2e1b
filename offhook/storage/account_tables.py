"""Tables of who may use the API: tokens, of which only the hash is kept."""

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, LargeBinary, Table, Text, text

from offhook.storage.columns import instant
from offhook.storage.tables import metadata

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    instant("created_at", required=True),
    instant("expires_at"),
    instant("last_used_at"),
    instant("revoked_at"),
    CheckConstraint("octet_length(digest) = 32", name="digest"),
    Index("api_tokens_name_idx", "name", unique=True, postgresql_where=text("revoked_at IS NULL")),
)
"""`digest` is the SHA-256 of the whole token, whose secret part has 256 random bits: it needs no
salt and no stretching, and is found by equality. `prefix` is the part that may be shown.
"""
