"""Accounts: who logs in, how long a session lasts, who gets a link."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from offhook.accounts.audit import Draft, blame, record
from offhook.accounts.devices import is_device_of, new_device
from offhook.accounts.errors import LinkRefused, LoginFailed, LoginThrottled
from offhook.accounts.passwords import Passwords, require_good
from offhook.accounts.principal import EVERYTHING, Kind, Principal, Scope
from offhook.accounts.roles import ROLES, Permission, Role
from offhook.accounts.throttle import (
    FORGOTTEN_AFTER,
    FREE_FOR_ADDRESS,
    FREE_FOR_LOGIN,
    network_of,
)
from offhook.settings_access import AccessSettings
from offhook.storage.account_audit import AuditLog
from offhook.storage.account_sessions import FailedLogins, Links, Sessions, SessionView
from offhook.storage.account_store import Users, UserView
from offhook.storage.database import Database
from offhook.storage.token_store import TokenView
from offhook.telemetry import counter

_LOGINS = counter("dialer_logins_total", "Logins, by what came of them.", labels=("result",))

FIRST_LOGIN = "admin"
LINK_PATH = "/link"
"""The page that takes a one-time link; its secret is the fragment, which no server log sees."""
LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")


class OpenSession(BaseModel):
    """A session that just began."""

    model_config = ConfigDict(frozen=True)

    secret: str
    """What the cookie holds."""
    principal: Principal
    view: SessionView

    @property
    def csrf(self) -> str:
        """What requests of the session that change something carry besides."""
        return csrf_of(self.secret)


class OneTimeLink(BaseModel):
    """A link that sets a password, once."""

    model_config = ConfigDict(frozen=True)

    login: str
    secret: str
    lasts: timedelta

    def url(self, base: str) -> str:
        """Where to open it."""
        return f"{base.rstrip('/')}{LINK_PATH}#{self.secret}"


@dataclass(frozen=True)
class Accounts:
    """The accounts of one database."""

    database: Database
    settings: AccessSettings = field(default_factory=AccessSettings)
    passwords: Passwords = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "passwords", Passwords(self.settings))

    @property
    def users(self) -> Users:
        """The users."""
        return Users(self.database)

    @property
    def sessions(self) -> Sessions:
        """Their sessions."""
        return Sessions(self.database)

    @property
    def links(self) -> Links:
        """Their links."""
        return Links(self.database)

    @property
    def idle(self) -> timedelta:
        """How long a session may do nothing."""
        return timedelta(minutes=self.settings.session_idle_minutes)

    async def add_user(
        self,
        login: str,
        role: Role,
        *,
        now: datetime,
        name: str = "",
        scope: Scope = EVERYTHING,
        agent_id: str | None = None,
    ) -> UserView:
        """Add a user without a password; `make_link` lets them choose one."""
        return await self.users.create(
            normal_login(login), role, now=now, name=name, scope=scope, agent_id=agent_id
        )

    async def set_password(
        self, key: str, password: str, *, now: datetime, keep_session: str | None = None
    ) -> UserView:
        """Give a user another password; every other session of theirs ends."""
        user = await self.users.find(key)
        require_good(password, login=user.login)
        kept = await self.passwords.hash(password)
        await self.users.set_password(user.id, kept, now=now, keep_session=keep_session)
        return user

    async def authenticate(
        self, login: str, password: str, *, address: str, now: datetime, device: str = ""
    ) -> UserView:
        """Whose login and password these are.

        Raises `LoginFailed` for whatever is wrong, after the same work, and `LoginThrottled`
        without any work. A try counts as failed from its beginning until it succeeds. Who fails
        is in the audit log, unless they are told to wait: a flood must not fill it. A device
        that the user logged in from before waits for its own failures only: a stranger's do not
        shut them out.
        """
        found = await self.users.password_of(login.strip().lower())
        user, kept = found if found is not None else (None, None)
        if user is not None and is_device_of(user.id, kept, device):
            free = {f"device:{_fingerprint(device)}": FREE_FOR_LOGIN}
        else:
            free = {
                f"login:{_fingerprint(login)}": FREE_FOR_LOGIN,
                f"address:{network_of(address)}": FREE_FOR_ADDRESS,
            }
        failed = FailedLogins(self.database)
        try:
            await failed.reserve(free, now=now)
        except LoginThrottled:
            _LOGINS.labels("throttled").inc()
            raise
        verdict = await self.passwords.check(kept, password)
        if user is None or not verdict.right:
            _LOGINS.labels("failed").inc()
            await self._note_failure(user, address, now)
            raise LoginFailed
        _LOGINS.labels("done").inc()
        await failed.forgive(*free, now=now, old=FORGOTTEN_AFTER)
        again = await self.passwords.hash(password) if verdict.stale else None
        await self.users.note_login(user.id, now=now, kept=again)
        return user

    async def device_of(self, user: UserView) -> str:
        """What a browser keeps to be known as one that the user logged in from."""
        found = await self.users.password_of(user.login)
        return new_device(user.id, found[1] if found is not None else None)

    async def _note_failure(self, user: UserView | None, address: str, now: datetime) -> None:
        draft = Draft("session.open", f"user/{user.id}" if user else "")
        blame(draft, LoginFailed())
        await record(self._audit, _tried(user, address), draft, now=now)

    @property
    def _audit(self) -> AuditLog:
        return AuditLog(self.database)

    async def open_session(
        self,
        user: UserView,
        *,
        now: datetime,
        address: str,
        browser: str = "",
        instead_of: str | None = None,
    ) -> OpenSession:
        """Begin a session under a new secret, never under one that the browser brought."""
        secret, made = await self.sessions.open(
            user.id,
            now=now,
            lasts=timedelta(hours=self.settings.session_hours),
            address=address,
            browser=browser,
            instead_of=instead_of,
        )
        principal = user_principal(user, session_id=made.id, address=address)
        await record(self._audit, principal, Draft("session.open", f"user/{user.id}"), now=now)
        return OpenSession(secret=secret, principal=principal, view=made)

    async def close_session(self, who: Principal, *, now: datetime) -> None:
        """End the session that somebody's request came with."""
        if who.session_id is not None:
            await self.sessions.end(who.id, who.session_id)
            await record(self._audit, who, Draft("session.close", f"user/{who.id}"), now=now)

    async def principal_of_session(
        self, secret: str, *, now: datetime, address: str = "", prolong: bool = True
    ) -> Principal | None:
        """Whose session it is, if it counts; their rights as they are now.

        Its time without a request starts again, unless it is only looked at.
        """
        found = await self.sessions.known(secret, now=now, idle=self.idle, prolong=prolong)
        if found is None:
            return None
        session, user = found
        return user_principal(user, session_id=session.id, address=address)

    async def make_link(self, key: str, *, now: datetime) -> OneTimeLink:
        """A link with which a user sets a password, once; the one before is void."""
        user = await self.users.find(key)
        lasts = timedelta(hours=self.settings.link_hours)
        secret = await self.links.make(user.id, now=now, lasts=lasts)
        return OneTimeLink(login=user.login, secret=secret, lasts=lasts)

    async def use_link(
        self, secret: str, password: str, *, now: datetime, address: str = ""
    ) -> UserView:
        """Set a password with a link; one that is refused leaves the link as it is."""
        user = await self.links.whose(secret, now=now)
        if user is None:
            raise LinkRefused
        require_good(password, login=user.login)
        kept = await self.passwords.hash(password)
        if not await self.links.use(secret):
            raise LinkRefused
        await self.users.set_password(user.id, kept, now=now)
        draft = Draft("user.password", f"user/{user.id}", after={"by": "link"})
        await record(self._audit, user_principal(user, address=address), draft, now=now)
        return user

    async def first_link(self, *, now: datetime) -> OneTimeLink | None:
        """A link for the first administrator, until there is one with a password."""
        user = await self.users.waiting_admin(FIRST_LOGIN, now=now)
        return None if user is None else await self.make_link(user.id, now=now)


def user_principal(
    user: UserView, *, session_id: str | None = None, address: str = ""
) -> Principal:
    """A user as routes see them."""
    return Principal(
        id=user.id,
        name=user.login,
        kind=Kind.user,
        role=user.role,
        permissions=ROLES[user.role],
        scope=user.scope,
        agent_id=user.agent_id,
        session_id=session_id,
        address=address,
    )


def _tried(user: UserView | None, address: str) -> Principal:
    """Whose login it was; one that is nobody's is left out: it may be a password."""
    if user is not None:
        return user_principal(user, address=address)
    return Principal(
        id="unknown",
        name="unknown",
        kind=Kind.user,
        role=Role.agent,
        permissions=frozenset(),
        address=address,
    )


def token_principal(token: TokenView, *, address: str = "") -> Principal:
    """A token as routes see it: what it may is what it was made for."""
    known = frozenset(Permission(scope) for scope in token.scopes if scope in set(Permission))
    return Principal(
        id=token.id,
        name=token.name,
        kind=Kind.token,
        role=Role.integration,
        permissions=known,
        address=address,
    )


def csrf_of(secret: str) -> str:
    """What goes with a session's secret: only who knows the secret can make it."""
    made = hmac.new(secret.encode(), b"offhook csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def normal_login(login: str) -> str:
    """The login as it is kept; raises `ValueError` for one that can't be."""
    text = login.strip().lower()
    if not LOGIN.fullmatch(text):
        raise ValueError("a login is letters, digits and . _ @ + -, from a letter or digit on")
    return text


def _fingerprint(login: str) -> str:
    # People type their password into the wrong field: it must not stay behind as somebody's login.
    return hashlib.sha256(login.strip().lower().encode("utf-8", "surrogateescape")).hexdigest()
