"""`offhook user`: who has an account, and what each may."""

import sys
from datetime import datetime
from typing import Annotated

import typer
from pydantic import AwareDatetime, BaseModel, ConfigDict
from rich.table import Table

from offhook.accounts.principal import Scope
from offhook.accounts.roles import Role
from offhook.accounts.service import OneTimeLink, normal_login
from offhook.cli.account_office import AccountOffice, now, open_accounts
from offhook.cli.output import JsonOption, emit, run_async
from offhook.storage.account_store import UserChange, UserView

app = typer.Typer(
    help="Give people accounts, and say what each may.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="What they log in with.")]
Campaigns = Annotated[
    list[str] | None, typer.Option("--campaign", help="Id of a campaign they see; repeat it.")
]
Queues = Annotated[
    list[str] | None, typer.Option("--queue", help="Name of a queue they see; repeat it.")
]
Groups = Annotated[
    list[str] | None, typer.Option("--group", help="Group of agents they see; repeat it.")
]
_NO_USERS = "no users yet: `offhook up` makes the first administrator and prints a link"


class ShownLink(BaseModel):
    """A link that sets a password, once."""

    model_config = ConfigDict(frozen=True)

    login: str
    url: str
    ends_at: AwareDatetime


class AddedUser(BaseModel):
    """A user that was just added, and how they get in."""

    model_config = ConfigDict(frozen=True)

    user: UserView
    link: ShownLink


@app.callback()
def _group() -> None:
    """Give people accounts, and say what each may."""


@app.command()
def add(
    login: Login,
    role: Annotated[Role, typer.Option(help="What they are here.")],
    name: Annotated[str, typer.Option(help="What they are called.")] = "",
    agent: Annotated[str, typer.Option(help="Id of the agent they are at the desk.")] = "",
    campaign: Campaigns = None,
    queue: Queues = None,
    group: Groups = None,
    json_output: JsonOption = False,
) -> None:
    """Add a user, and print the link by which they choose a password.

    Example: offhook user add rossi --role supervisor --queue support
    """

    async def work() -> AddedUser:
        async with open_accounts() as office:
            async with office.audited("user.create") as entry:
                user = await office.accounts.add_user(
                    _login(login),
                    role,
                    now=now(),
                    name=name,
                    scope=_scope(campaign, queue, group),
                    agent_id=agent or None,
                )
                entry.subject, entry.after = f"user/{user.id}", user
            return AddedUser(user=user, link=await _make_link(office, user.login))

    emit(run_async(work()), json_output, lambda added: _told(added.link))


@app.command("list")
def list_(json_output: JsonOption = False) -> None:
    """Name every user, their role, and when they were last here.

    Example: offhook user list
    """

    async def work() -> list[UserView]:
        async with open_accounts() as office:
            return await office.accounts.users.page()

    emit({"users": run_async(work())}, json_output, lambda found: _shown(found["users"]))


@app.command()
def disable(login: Login, json_output: JsonOption = False) -> None:
    """Let nobody in as this user any more; who is logged in is out at once.

    Example: offhook user disable rossi
    """
    _change(login, UserChange(disabled=True), "is disabled", json_output)


@app.command()
def enable(login: Login, json_output: JsonOption = False) -> None:
    """Let a user in again who was disabled.

    Example: offhook user enable rossi
    """
    _change(login, UserChange(disabled=False), "may log in again", json_output)


@app.command()
def role(
    login: Login,
    chosen: Annotated[Role, typer.Argument(metavar="ROLE", help="What they are here.")],
    json_output: JsonOption = False,
) -> None:
    """Give a user another role, from their next request on.

    Example: offhook user role rossi supervisor
    """
    _change(login, UserChange(role=chosen), f"is {chosen} now", json_output)


@app.command()
def scope(
    login: Login,
    campaign: Campaigns = None,
    queue: Queues = None,
    group: Groups = None,
    everything: Annotated[bool, typer.Option("--everything", help="No limit any more.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Say which campaigns, queues and groups of agents a user sees; what is not named is all.

    Example: offhook user scope rossi --queue support --queue sales
    """
    chosen = _scope(campaign, queue, group)
    if everything != chosen.everything:
        raise typer.BadParameter("give --campaign, --queue or --group, or else --everything")
    _change(login, UserChange(scope=chosen), f"sees {_seen(chosen)}", json_output)


@app.command()
def agent(
    login: Login,
    agent_id: Annotated[
        str, typer.Argument(metavar="AGENT", help="Id of the agent; empty: none any more.")
    ],
    json_output: JsonOption = False,
) -> None:
    """Say which agent a user is at the desk.

    Example: offhook user agent rossi sw-1:201
    """
    _change(login, UserChange(agent_id=agent_id), f"is agent {agent_id or 'none'}", json_output)


@app.command()
def password(login: Login, json_output: JsonOption = False) -> None:
    """Set a password, asked for or read from a pipe; every session of the user ends.

    Example: offhook user password rossi
    """
    chosen = _typed_password()

    async def work() -> UserView:
        async with open_accounts() as office, office.audited("user.password") as entry:
            user = await office.accounts.set_password(login, chosen, now=now())
            entry.subject = f"user/{user.id}"
            return user

    emit(run_async(work()), json_output, lambda user: f"{user.login} has another password")


@app.command()
def link(login: Login, json_output: JsonOption = False) -> None:
    """Make a link with which a user sets a password, once; the one before is void.

    Example: offhook user link admin
    """

    async def work() -> ShownLink:
        async with open_accounts() as office, office.audited("user.link") as entry:
            shown = await _make_link(office, login)
            entry.subject = f"user/{(await office.accounts.users.find(login)).id}"
            return shown

    emit(run_async(work()), json_output, _told)


def _change(login: str, change: UserChange, told: str, json_output: bool) -> None:
    async def work() -> UserView:
        async with open_accounts() as office, office.audited("user.change") as entry:
            before, after = await office.accounts.users.change(login, change, now=now())
            entry.subject, entry.before, entry.after = f"user/{after.id}", before, after
            return after

    emit(run_async(work()), json_output, lambda user: f"{user.login} {told}")


async def _make_link(office: AccountOffice, login: str) -> ShownLink:
    at = now()
    made: OneTimeLink = await office.accounts.make_link(login, now=at)
    return ShownLink(login=made.login, url=office.url_of(made), ends_at=at + made.lasts)


def _login(login: str) -> str:
    try:
        return normal_login(login)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _scope(
    campaigns: list[str] | None, queues: list[str] | None, groups: list[str] | None
) -> Scope:
    return Scope(
        campaigns=tuple(campaigns) if campaigns else None,
        queues=tuple(queues) if queues else None,
        groups=tuple(groups) if groups else None,
    )


def _typed_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _told(shown: ShownLink) -> str:
    return (
        f"{shown.url}\n\n{shown.login} chooses a password there, once, until "
        f"{shown.ends_at.astimezone():%Y-%m-%d %H:%M}. It is not shown again."
    )


def _shown(users: list[UserView]) -> Table | str:
    if not users:
        return _NO_USERS
    table = Table("login", "name", "role", "sees", "agent", "last here", "state")
    for user in users:
        table.add_row(
            user.login,
            user.name,
            user.role,
            _seen(user.scope),
            user.agent_id or "-",
            _day(user.last_login_at),
            _state(user),
        )
    return table


def _state(user: UserView) -> str:
    if user.disabled_at is not None:
        return "disabled"
    return "may log in" if user.has_password else "has no password yet"


def _seen(scope: Scope) -> str:
    named = (("campaigns", scope.campaigns), ("queues", scope.queues), ("groups", scope.groups))
    parts = [f"{word} {', '.join(names)}" for word, names in named if names is not None]
    return "; ".join(parts) or "everything"


def _day(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else "-"
