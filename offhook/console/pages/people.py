"""*People*: accounts, roles, links."""

from markupsafe import Markup

from offhook.accounts import ROLES, Permission, Role
from offhook.api.refusals import BeyondOneself
from offhook.console.kit.ask import ask
from offhook.console.kit.page import Visit, confirm_done, console_page
from offhook.console.kit.panel import Act, Panel
from offhook.console.views.people import People, people_page, scope_said, user_fields
from offhook.errors import OffhookError
from offhook.storage.account_store import UserChange, UserView
from offhook.storage.agent_store import AgentStore
from offhook.storage.campaign_views import CampaignViews


class BadLogin(OffhookError):
    """A login can't be that."""

    code = "login_invalid"


@console_page("/people", title="People", place="people", needs=Permission.users_read)
async def people(visit: Visit) -> None:
    """Who may use offhook."""
    office = PeopleOffice(visit)
    office.panel = await visit.panel(office.markup, on_act=office.acted)


class PeopleOffice:
    """The accounts, as one person looks after them."""

    panel: Panel

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._link = ("", "")

    async def markup(self) -> Markup:
        """The page."""
        users = await self._visit.console.services.accounts.users.page()
        may_write = self._visit.who.may(Permission.users_write)
        return people_page(People(users, await self._agents(), may_write, self._link))

    async def acted(self, act: Act) -> None:
        """Add, change, lock out, or make a link."""
        self._visit.require(Permission.users_write)
        self._link = ("", "")
        match act.name:
            case "add":
                await self._add()
            case "change":
                await self._change(act.of)
            case "link":
                await self._make_link(await self._user(act.of))
            case "lock":
                await self._lock(await self._user(act.of))
        self.panel.show(await self.markup())

    async def _user(self, user_id: str) -> UserView:
        """The user; who may do more than the person is not theirs to change."""
        user = await self._visit.console.services.accounts.users.find(user_id)
        self._require_within(user.role)
        return user

    def _require_within(self, role: Role) -> None:
        if not ROLES[role] <= self._visit.who.permissions:
            raise BeyondOneself

    async def _add(self) -> None:
        fields = user_fields(await self._agents(), await self._campaigns())
        said = await ask("Add somebody", "", yes="Add", fields=fields)
        if said is None:
            return
        role = Role(said.get("role", Role.agent))
        self._require_within(role)
        services = self._visit.console.services
        async with self._visit.audited("user.create") as entry:
            try:
                user = await services.accounts.add_user(
                    said.get("login", ""),
                    role,
                    now=services.clock(),
                    name=said.get("name", "").strip()[:200],
                    scope=scope_said(said),
                    agent_id=said.get("agent_id") or None,
                )
            except ValueError as error:
                raise BadLogin(str(error)) from error
            entry.subject, entry.after = f"user/{user.id}", user
        await self._make_link(user)

    async def _make_link(self, user: UserView) -> None:
        services = self._visit.console.services
        async with self._visit.audited("user.link", f"user/{user.id}"):
            link = await services.accounts.make_link(user.id, now=services.clock())
        base = services.public_url or str(self._visit.request.base_url)
        self._link = (user.login, link.url(base))

    async def _change(self, user_id: str) -> None:
        user = await self._user(user_id)
        fields = user_fields(await self._agents(), await self._campaigns(), user)
        said = await ask(f"Change {user.login}", "", yes="Save", fields=fields)
        if said is None:
            return
        role = Role(said.get("role", user.role))
        self._require_within(role)
        change = UserChange(
            name=said.get("name", "").strip()[:200],
            role=role,
            scope=scope_said(said),
            agent_id=said.get("agent_id", ""),
        )
        await self._changed(user, change)
        confirm_done("Saved")

    async def _lock(self, user: UserView) -> None:
        locked = user.disabled_at is not None
        title = f"Let {user.login} in again?" if locked else f"Lock {user.login} out?"
        text = "" if locked else "Their sessions end at once, and nobody logs in as them."
        yes = "Let in" if locked else "Lock out"
        if await ask(title, text, yes=yes, danger=not locked) is None:
            return
        await self._changed(user, UserChange(disabled=not locked))

    async def _changed(self, user: UserView, change: UserChange) -> None:
        services = self._visit.console.services
        async with self._visit.audited("user.change", f"user/{user.id}") as entry:
            entry.before, entry.after = await services.accounts.users.change(
                user.id, change, version=user.version, now=services.clock()
            )

    async def _agents(self) -> dict[str, str]:
        rows = await AgentStore(await self._visit.console.backend.pool()).all()
        return {one.agent_id: one.name or one.number for one in rows}

    async def _campaigns(self) -> dict[str, str]:
        rows = await CampaignViews(self._visit.console.services.database).all()
        return {one.campaign_id: one.name for one in rows}
