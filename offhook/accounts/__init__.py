"""Who may use offhook, what each may do, and who did what.

A person is a *user* with a *role*; a program is a *token* with *permissions*. Both come to routes
and pages as a `Principal`. A role is a set of permissions (`roles.ROLES`, a table); the `Scope` of
a supervisor says whose campaigns, queues and groups of agents are seen at all.
"""

from offhook.accounts.principal import Kind, Principal, Scope
from offhook.accounts.roles import ROLES, Permission, Role

__all__ = ["ROLES", "Kind", "Permission", "Principal", "Role", "Scope"]
