"""What accounts refuse.

OffhookError
├── AccountRefused
│   ├── LoginFailed          no such login, wrong password, or nobody may log in as them
│   ├── LoginThrottled       too many failures; it says how long to wait
│   ├── PasswordRefused      the password is against the policy
│   ├── LinkRefused          the one-time link was used, replaced, or is too old
│   ├── LoginTaken
│   ├── AgentTaken
│   ├── UserChanged          somebody else changed the user meanwhile
│   └── LastAdmin            nobody would be left to manage users
└── UserNotFound, SessionNotFound
"""

from datetime import timedelta

from offhook.errors import OffhookError
from offhook.storage.errors import NotFound


class AccountRefused(OffhookError):
    """Something about accounts that may not be done."""

    code = "account_refused"


class LoginFailed(AccountRefused):
    """Login and password do not go together; which of them is wrong is not said."""

    code = "login_failed"

    def __init__(self) -> None:
        super().__init__(
            "login and password do not go together",
            hint="try again, or ask an administrator for a link: `offhook user link LOGIN`",
        )


class LoginThrottled(AccountRefused):
    """Too many logins failed; the next is looked at after a wait."""

    code = "login_throttled"

    def __init__(self, wait: timedelta) -> None:
        self.wait = wait
        super().__init__(
            f"too many logins failed; wait {max(1, round(wait.total_seconds()))} s",
            hint="an administrator can make a link that sets a new password: "
            "`offhook user link LOGIN`",
        )


class PasswordRefused(AccountRefused):
    """The password is against the policy."""

    code = "password_refused"

    def __init__(self, why: str) -> None:
        super().__init__(f"the password {why}", hint="four words that nobody expects do well")


class LinkRefused(AccountRefused):
    """The one-time link was used, replaced, or is too old."""

    code = "link_refused"

    def __init__(self) -> None:
        super().__init__(
            "the link was used, replaced, or is too old",
            hint="ask an administrator for another: `offhook user link LOGIN`",
        )


class LoginTaken(AccountRefused):
    """There is a user of that login."""

    code = "login_taken"

    def __init__(self, login: str) -> None:
        super().__init__(f"there is a user {login} already", hint="choose another login")


class AgentTaken(AccountRefused):
    """The agent is another user's, or there is no such agent."""

    code = "agent_taken"

    def __init__(self, agent: str) -> None:
        super().__init__(
            f"there is no agent {agent}, or it is another user's",
            hint="`offhook agent list` names the agents, `offhook user list` the users",
        )


class UserChanged(AccountRefused):
    """Somebody else changed the user meanwhile."""

    code = "user_changed"

    def __init__(self, login: str) -> None:
        super().__init__(
            f"somebody else changed the user {login} meanwhile", hint="read it again, then decide"
        )


class LastAdmin(AccountRefused):
    """Nobody would be left who may manage users."""

    code = "last_admin"

    def __init__(self, login: str) -> None:
        super().__init__(
            f"{login} is the only administrator",
            hint="make another one first: `offhook user role LOGIN admin`",
        )


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user_not_found"
    noun = "user"
    listed_by = "`offhook user list` names them all"


class SessionNotFound(NotFound):
    """There is no such session, or it has ended."""

    code = "session_not_found"
    noun = "session"
