"""Who asks, as routes, pages and the audit log see them."""

from enum import StrEnum
from types import EllipsisType

from pydantic import BaseModel, ConfigDict

from offhook.accounts.roles import ROLES, Permission, Role

Of = str | None | EllipsisType
"""To which campaign, queue or group something belongs; None is none, `...` is not asked about."""


class Kind(StrEnum):
    """What a principal is."""

    user = "user"
    """A person who logged in."""
    token = "token"  # noqa: S105 - a word, no secret
    """A program with a token."""
    operator = "operator"
    """Whoever runs commands on the machine itself; the id is the account there."""
    system = "system"
    """offhook itself."""


class Scope(BaseModel):
    """Whose campaigns, queues and groups of agents somebody sees; None is all of them.

    What has no queue is outside a scope that names queues, and likewise for the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    campaigns: tuple[str, ...] | None = None
    """Ids of campaigns."""
    queues: tuple[str, ...] | None = None
    """Names of queues."""
    groups: tuple[str, ...] | None = None
    """Names of groups of agents."""

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self.campaigns is None and self.queues is None and self.groups is None

    def has(self, *, campaign: Of = ..., queue: Of = ..., group: Of = ...) -> bool:
        """Whether something that belongs to these is seen; None: it belongs to none.

        What is not said is not asked about.
        """
        asked = ((self.campaigns, campaign), (self.queues, queue), (self.groups, group))
        return all(one is ... or names is None or one in names for names, one in asked)


EVERYTHING = Scope()


class Principal(BaseModel):
    """Who asks, and what they may."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    """Login of a user, name of a token."""
    kind: Kind
    role: Role
    permissions: frozenset[Permission]
    scope: Scope = EVERYTHING
    agent_id: str | None = None
    """The agent that a user is at the desk."""
    session_id: str | None = None
    """The session that a user's request came with."""
    address: str = ""
    """Where the request came from."""

    def may(self, permission: Permission) -> bool:
        """Whether they may do it."""
        return permission in self.permissions


def system_principal(name: str = "offhook") -> Principal:
    """offhook itself, which may do everything."""
    return Principal(
        id=name, name=name, kind=Kind.system, role=Role.admin, permissions=ROLES[Role.admin]
    )
