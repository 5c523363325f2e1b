"""The first start: somebody has to get in, and no password is there by default."""

import sys
from datetime import datetime

import structlog
from sqlalchemy.exc import DBAPIError

from activities.ports import StoreUnavailable
from offhook.accounts.service import FIRST_LOGIN, Accounts

log = structlog.get_logger()


async def welcome(accounts: Accounts, *, base: str, now: datetime) -> None:
    """Make the first administrator when there is no user; say on a terminal how they get in.

    What is not a terminal is a log that others read: there, only the command that makes a link is
    named. A database that is away is asked again at the next start.
    """
    try:
        waiting = await accounts.users.waiting_admin(FIRST_LOGIN, now=now)
        if waiting is None:
            return
        if not sys.stderr.isatty():
            log.warning("nobody_has_an_account", next=f"offhook user link {waiting.login}")
            return
        link = await accounts.make_link(waiting.id, now=now)
    except (StoreUnavailable, DBAPIError) as error:
        log.warning("first_account_not_looked_for", reason=type(error).__name__)
        return
    sys.stderr.write(
        "\nNobody has an account yet. Choose the administrator's password here, once:\n"
        f"  {link.url(base)}\n\n"
    )
