"""Whoever runs commands on the machine: known by the account that the machine knows."""

import os
import pwd
import socket

from offhook.accounts.principal import Kind, Principal
from offhook.accounts.roles import ROLES, Role


def operator() -> Principal:
    """The account that this process runs as; with `sudo`, the one that asked for it as well."""
    account = _account(os.geteuid())
    before = os.environ.get("SUDO_USER", "")
    return Principal(
        id=account,
        name=f"{before} as {account}" if before and before != account else account,
        kind=Kind.operator,
        role=Role.admin,
        permissions=ROLES[Role.admin],
        address=socket.gethostname(),
    )


def _account(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # an account that only has a number, as in many containers
        return f"uid {number}"
