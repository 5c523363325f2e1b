"""Roles and what each may do: one table, which the matrix of the tests is made from."""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """One thing that somebody may do; also the scope of a token."""

    agents_read = "agents:read"
    """See agents, what they have chosen and what they do."""
    agents_write = "agents:write"
    """Set agents' status, skills and groups."""
    audit_read = "audit:read"
    """See who did what."""
    callbacks_read = "callbacks:read"
    """See callback lists, callbacks, tickets and figures."""
    callbacks_write = "callbacks:write"
    """Change lists, book and import callbacks, give orders about them."""
    calls_read = "calls:read"
    """See calls and attempts."""
    calls_command = "calls:command"
    """Listen to, join in, record and end calls."""
    campaigns_read = "campaigns:read"
    """See campaigns, their lists and why they do what they do."""
    campaigns_write = "campaigns:write"
    """Create and change campaigns and their lists."""
    campaigns_command = "campaigns:command"
    """Start, pause, resume and stop campaigns."""
    compliance_read = "compliance:read"
    """See the law that is kept, and its proof."""
    contacts_read = "contacts:read"
    """See contacts, their numbers and their history."""
    contacts_write = "contacts:write"
    """Change contacts."""
    desk_use = "desk:use"
    """Work as an agent: take calls and callbacks, say what came of them."""
    dnc_read = "dnc:read"
    """See the do-not-call lists."""
    dnc_write = "dnc:write"
    """Add to and take from the do-not-call lists."""
    floor_read = "floor:read"
    """Watch the floor live."""
    imports_write = "imports:write"
    """Bring in files of contacts, and see how that went."""
    ivr_read = "ivr:read"
    """See menus and the callers in them."""
    ivr_write = "ivr:write"
    """Publish menus and say where they answer."""
    pins_read = "pins:read"
    """See who has a PIN and who tried one; never a PIN."""
    pins_write = "pins:write"
    """Give PINs out and take them back."""
    recordings_read = "recordings:read"
    """Find and hear recordings."""
    recordings_write = "recordings:write"
    """Delete recordings."""
    reports_read = "reports:read"
    """See reports."""
    schedules_read = "schedules:read"
    """See what is to happen when."""
    schedules_write = "schedules:write"
    """Change what is to happen when."""
    switches_read = "switches:read"
    """See telephone systems and check them."""
    switches_write = "switches:write"
    """Add and change telephone systems."""
    tokens_read = "tokens:read"
    """See which programs have access."""
    tokens_write = "tokens:write"
    """Give programs access, and take it back."""
    users_read = "users:read"
    """See who has an account."""
    users_write = "users:write"
    """Add people, change what they may, end their sessions."""
    webhooks_read = "webhooks:read"
    """See where facts are sent to, and what became of each."""
    webhooks_write = "webhooks:write"
    """Say where facts are sent to; send them again."""


class Role(StrEnum):
    """What a person is here."""

    admin = "admin"
    """Everything."""
    supervisor = "supervisor"
    """Runs campaigns and people, perhaps only some of them."""
    agent = "agent"
    """Works at the desk."""
    integration = "integration"
    """A program that is given a login of its own."""


P = Permission

_BOTH = frozenset(
    {
        P.agents_read,
        P.callbacks_read,
        P.callbacks_write,
        P.calls_read,
        P.campaigns_read,
        P.campaigns_write,
        P.campaigns_command,
        P.compliance_read,
        P.contacts_read,
        P.contacts_write,
        P.dnc_read,
        P.dnc_write,
        P.floor_read,
        P.imports_write,
        P.ivr_read,
        P.reports_read,
        P.schedules_read,
        P.schedules_write,
        P.switches_read,
    }
)

ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.admin: frozenset(P),
    Role.supervisor: _BOTH
    | {
        P.agents_write,
        P.calls_command,
        P.desk_use,
        P.pins_read,
        P.pins_write,
        P.recordings_read,
    },
    Role.agent: frozenset({P.desk_use}),
    Role.integration: _BOTH | {P.webhooks_read, P.webhooks_write},
}
"""An agent may nothing but work at the desk, which shows them their own calls and callbacks."""
