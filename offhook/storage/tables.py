"""The tables of the system of record, and nothing about how they are used.

Three decisions shape them. Contacts have 64-bit ids (`ContactId` is such an id in text), because a
million of them with their numbers and indexes must fit into memory. The lease row is the only row
that every step of a dial loop updates, so it carries what changes with every step: cursors, the
last journal number, the pacer's last word. What could grow without bound (calls not placed,
oddities) is counted per reason, not kept per case.

One module though it is long: the keys between the tables are read together.
"""

from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.commands import ContactState
from dialer.media import Verdict
from dialer.model import AgentStatus, CampaignPhase
from dialer.outcomes import Outcome
from offhook.storage.columns import count_column, instant, one_of, text_column

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


class ImportState(StrEnum):
    """How far an import is."""

    running = "running"
    completed = "completed"
    failed = "failed"


def _json(name: str) -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default=text("'{}'::jsonb"))


def _campaign(*, primary_key: bool = False) -> Column[str]:
    return Column(
        "campaign_id",
        Text,
        ForeignKey("campaigns.id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
    )


switches = Table(
    "switches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("family", Text, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    _json("settings"),
    text_column("secret"),
    text_column("hook_secret"),
    instant("created_at", required=True),
)

trunks = Table(
    "trunks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("switch_id", Text, ForeignKey("switches.id", ondelete="CASCADE"), nullable=False),
    Column("address", Text, nullable=False),
    text_column("name"),
    count_column("lines"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("calls_per_second", Float, nullable=True),
    UniqueConstraint("switch_id", "address"),
    CheckConstraint("lines >= 0", name="lines"),
    CheckConstraint("calls_per_second > 0", name="calls_per_second"),
)

agents = Table(
    "agents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("switch_id", Text, ForeignKey("switches.id", ondelete="CASCADE"), nullable=False),
    Column("address", Text, nullable=False),
    text_column("number"),
    text_column("name"),
    text_column("status", AgentStatus.logged_off),
    Column("reachable", Boolean, nullable=False, server_default=text("true")),
    count_column("position"),
    text_column("status_reason"),
    instant("status_at"),
    UniqueConstraint("switch_id", "address"),
    one_of("status", AgentStatus),
    CheckConstraint("status_reason = '' OR status = 'not_ready'", name="reason"),
)

campaigns = Table(
    "campaigns",
    metadata,
    Column("id", Text, primary_key=True),
    Column("request_key", Text, nullable=True, unique=True),
    Column("run_key", Text, nullable=True),
    Column("name", Text, nullable=False),
    Column("switch_id", Text, ForeignKey("switches.id"), nullable=False),
    Column("settings", JSONB, nullable=False),
    count_column("version", 1),
    text_column("phase", CampaignPhase.scheduled),
    text_column("phase_reason"),
    instant("created_at", required=True),
    instant("started_at"),
    instant("ended_at"),
    one_of("phase", CampaignPhase),
    Index(None, "created_at"),
)
"""`request_key` makes a repeated creation the same campaign; `run_key` names the newest run."""

campaign_runs = Table(
    "campaign_runs",
    metadata,
    _campaign(primary_key=True),
    Column("run_key", Text, primary_key=True),
    instant("began_at", required=True),
    instant("ended_at"),
    Column("phase", Text, nullable=True),
    CheckConstraint("phase IN ('completed', 'stopped', 'failed')", name="phase"),
)
"""Every run there ever was, so that none is run again; `phase` is how it ended."""

campaign_agents = Table(
    "campaign_agents",
    metadata,
    _campaign(primary_key=True),
    Column("agent_id", Text, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    instant("added_at", required=True),
    Index(None, "agent_id"),
)

leases = Table(
    "leases",
    metadata,
    _campaign(primary_key=True),
    Column("shard", SmallInteger, primary_key=True),
    Column("epoch", Integer, nullable=False),
    text_column("owner"),
    _json("cursors"),
    Column("seq", BigInteger, nullable=False, server_default=text("0")),
    Column("pacing", JSONB, nullable=True),
    Column("demand", JSONB, nullable=True),
    instant("taken_at", required=True),
    instant("renewed_at", required=True),
    postgresql_with={"fillfactor": "20"},
)
"""`seq` is the last journal number of the epoch; `owner` is empty while nobody dials; `demand` is
what the campaign has of its switch and wants of it, empty once it is released."""

agent_leases = Table(
    "agent_leases",
    metadata,
    Column("agent_id", Text, ForeignKey("agents.id", ondelete="CASCADE"), primary_key=True),
    _campaign(),
    Column("shard", SmallInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    instant("taken_at", required=True),
    Index(None, "campaign_id"),
)
"""Which campaign an agent works for now; good for as long as that campaign's own lease is."""

lists = Table(
    "lists",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _campaign(),
    Column("name", Text, nullable=False),
    instant("created_at", required=True),
    UniqueConstraint("campaign_id", "name"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("campaign_id", Text, nullable=False),
    Column("list_id", BigInteger, ForeignKey("lists.id", ondelete="CASCADE"), nullable=False),
    text_column("external_id"),
    text_column("name"),
    _json("attributes"),
    count_column("priority"),
    instant("due_at", required=True),
    text_column("state", ContactState.ready),
    Column("claim_shard", SmallInteger, nullable=True),
    Column("claim_epoch", Integer, nullable=True),
    Column("claim_token", BigInteger, nullable=True),
    count_column("attempts"),
    _json("tried"),
    Column("owner", Text, nullable=True),
    text_column("finished_reason"),
    Column("rank", Float, nullable=False, server_default=text("0")),
    text_column("held"),
    one_of("state", ContactState),
    Index(
        "contacts_queue_idx",
        "list_id",
        text("priority DESC"),
        "rank",
        "due_at",
        "id",
        postgresql_where=text("state = 'ready' AND held = ''"),
    ),
    Index(
        "contacts_later_idx",
        "list_id",
        "due_at",
        postgresql_where=text("state = 'ready' AND held = 'later'"),
    ),
    Index(
        "contacts_held_idx",
        "campaign_id",
        "state",
        postgresql_where=text("state IN ('claimed', 'dialing')"),
    ),
    Index(
        "contacts_external_idx",
        "campaign_id",
        "external_id",
        postgresql_where=text("external_id <> ''"),
    ),
)
"""The campaign is its list's, repeated for the indexes: looking it up again took a third of an
import's time.

`held` is why a contact that is ready is not in the queue: empty for one that is, `later` for one
that isn't due, else what keeps it from being dialed until that changes. `rank` is its place in the
list's order among those of its priority; lists that go by who is due first leave it at 0.
"""

numbers = Table(
    "numbers",
    metadata,
    Column(
        "contact_id", BigInteger, ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("position", SmallInteger, primary_key=True),
    Column("list_id", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("zones", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    text_column("label"),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("last_outcome", Text, nullable=True),
    UniqueConstraint("number", "list_id"),
)
"""Nobody is in a list twice; a number leads the index, as people are looked up by it."""

attempts = Table(
    "attempts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("campaign_id", Text, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("contact_id", BigInteger, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    Column("number", Text, nullable=False),
    Column("trunk_id", Text, nullable=False),
    text_column("caller_id"),
    Column("state", Text, nullable=False),
    instant("opened_at", required=True),
    instant("accepted_at"),
    instant("answered_at"),
    instant("joined_at"),
    instant("ended_at"),
    Column("agent_id", Text, nullable=True),
    Column("outcome", Text, nullable=True),
    text_column("reason"),
    text_column("cause"),
    Column("talk", Interval, nullable=True),
    Column("disposition", Text, nullable=True),
    Column("call_id", Text, nullable=True),
    text_column("call_leg"),
    text_column("person"),
    text_column("debt"),
    instant("recognised_at"),
    Column("verdict", Text, nullable=True),
    one_of("state", CallState),
    one_of("outcome", Outcome),
    one_of("verdict", Verdict),
    CheckConstraint(
        "(state = 'ended') = (outcome IS NOT NULL AND ended_at IS NOT NULL)", name="one_outcome"
    ),
    Index(
        "attempts_open_idx",
        "campaign_id",
        "shard",
        postgresql_where=text("state <> 'ended'"),
    ),
    Index(None, "campaign_id", "opened_at"),
    Index(None, "contact_id", "opened_at"),
    Index(None, "person", "opened_at", postgresql_where=text("person <> ''")),
    Index(None, "debt", "opened_at", postgresql_where=text("debt <> ''")),
    Index(None, "number", "opened_at"),
    Index(
        "attempts_disposition_idx",
        "campaign_id",
        "disposition",
        postgresql_where=text("disposition IS NOT NULL"),
    ),
    postgresql_with={"fillfactor": "80"},
)

agent_activity = Table(
    "agent_activity",
    metadata,
    _campaign(primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    instant("since", required=True),
    text_column("correlator"),
    text_column("park_correlator"),
    Column("park_call_id", Text, nullable=True),
    text_column("park_leg"),
    count_column("talks"),
    *(
        Column(f"{state}_s", Float, nullable=False, server_default=text("0"))
        for state in AgentState
    ),
    one_of("state", AgentState),
    postgresql_with={"fillfactor": "50"},
)
"""What an agent does for a campaign now, his open park, and how long he did what before."""

dispositions = Table(
    "dispositions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("attempt_id", Text, ForeignKey("attempts.id", ondelete="CASCADE"), nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("code", Text, nullable=False),
    instant("at", required=True),
    Index(None, "attempt_id"),
)
"""Everything agents said; an attempt itself holds the last word."""

inbox = Table(
    "inbox",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("dedup_key", Text, nullable=False),
    text_column("correlator"),
    Column("payload", Text, nullable=True),
    Column("event", Text, nullable=True),
    instant("received_at", required=True),
    UniqueConstraint("channel", "dedup_key"),
    CheckConstraint("(payload IS NULL) <> (event IS NULL)", name="payload_or_event"),
    Index(None, "received_at", postgresql_using="brin"),
)
"""JSON as text: a vendor may send what `jsonb` refuses to keep.

No index on `id` alone: to read a quiet channel in order of id, the planner would rather walk one of
all channels, which is every event of the day, and do so at every wake.
"""

journal = Table(
    "journal",
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    instant("at", required=True),
    Column("event", LargeBinary, nullable=False),
    Column("commands", LargeBinary, nullable=False),
    Column("inbox_id", BigInteger, nullable=True),
    Index(None, "at", postgresql_using="brin"),
)
"""Bytes: a replay must see exactly what was written. No foreign key: fifty lookups a step."""

journal_packs = Table(
    "journal_packs",
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("shard", SmallInteger, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("first_seq", BigInteger, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("entries", Integer, nullable=False),
    instant("first_at", required=True),
    instant("last_at", required=True),
    Column("data", LargeBinary, nullable=False),
)
"""Entries of journals that have ended, many to a row and compressed; they leave `journal`."""

refusals = Table(
    "refusals",
    metadata,
    Column(
        "contact_id", BigInteger, ForeignKey("contacts.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("reason", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    _campaign(),
    count_column("count", 1),
    instant("first_at", required=True),
    instant("last_at", required=True),
    Index(None, "campaign_id", "reason"),
)
"""Calls not placed, counted per contact, reason and number."""

oddities = Table(
    "oddities",
    metadata,
    _campaign(primary_key=True),
    Column("code", Text, primary_key=True),
    count_column("count", 1),
    instant("last_at", required=True),
    text_column("last_correlator"),
    text_column("last_detail"),
)

imports = Table(
    "imports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("list_id", BigInteger, ForeignKey("lists.id", ondelete="CASCADE"), nullable=False),
    _campaign(),
    text_column("source"),
    text_column("state", ImportState.running),
    count_column("rows"),
    count_column("accepted"),
    count_column("refused"),
    count_column("duplicates"),
    count_column("checkpoint"),
    text_column("fingerprint"),
    text_column("error"),
    instant("started_at", required=True),
    instant("ended_at"),
    one_of("state", ImportState),
    Index(None, "campaign_id"),
)
"""`checkpoint` is the number of the last batch that is merged; batches count from 1. `duplicates`
were in the list before, and `fingerprint` tells whether the file is still the same."""

import_refusals = Table(
    "import_refusals",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("import_id", Text, ForeignKey("imports.id", ondelete="CASCADE"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("code", Text, nullable=False),
    text_column("reason"),
    Column("raw", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Index(None, "import_id", "line"),
)
"""Rows that need a person, as they were read."""

do_not_call = Table(
    "do_not_call",
    metadata,
    Column("number", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("is_prefix", Boolean, nullable=False, server_default=text("false")),
    text_column("source"),
    instant("added_at", required=True),
    instant("expires_at"),
)
"""Numbers, or prefixes of them, nobody may call; `scope` is a campaign's id, or empty for all."""
