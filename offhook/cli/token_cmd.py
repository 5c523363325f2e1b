"""`offhook token`: who may use the API."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from offhook.accounts.operator import operator
from offhook.accounts.roles import Permission
from offhook.cli.account_office import now, open_accounts
from offhook.cli.output import JsonOption, emit, run_async
from offhook.storage.token_store import NewToken, TokenView

app = typer.Typer(
    help="Give programs access to the API, and take it back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Give programs access to the API, and take it back."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What uses it.")],
    scope: Annotated[list[Permission], typer.Option(help="What it may do; repeat it.")],
    days: Annotated[int, typer.Option(min=1, max=3_650, help="How long it counts.")] = 365,
    for_ever: Annotated[
        bool, typer.Option("--for-ever", help="Until it is revoked instead.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Make a token and show it, this once only.

    Example: offhook token create crm --scope callbacks:read --scope callbacks:write --days 90
    """

    async def work() -> NewToken:
        lasts = None if for_ever else timedelta(days=days)
        async with open_accounts() as office, office.audited("token.create") as entry:
            made = await office.tokens.create(
                name, scope, now=now(), lasts=lasts, created_by=operator().name
            )
            entry.subject, entry.after = f"token/{made.view.id}", made.view
            return made

    emit(run_async(work()), json_output, _shown_new)


@app.command("list")
def list_(json_output: JsonOption = False) -> None:
    """Name every token, what it may do, and when it was last used.

    Example: offhook token list
    """

    async def work() -> list[TokenView]:
        async with open_accounts() as office:
            return await office.tokens.all()

    emit({"tokens": run_async(work())}, json_output, lambda found: _shown(found["tokens"]))


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its name or id.")],
    json_output: JsonOption = False,
) -> None:
    """End a token: its next request is refused.

    Example: offhook token revoke crm
    """

    async def work() -> TokenView:
        async with open_accounts() as office, office.audited("token.revoke") as entry:
            gone = await office.tokens.revoke(token, now=now())
            entry.subject = f"token/{gone.id}"
            return gone

    emit(run_async(work()), json_output, lambda view: f"token {view.name} is revoked")


def _shown_new(made: NewToken) -> str:
    until = f"until {made.view.expires_at:%Y-%m-%d}" if made.view.expires_at else "until revoked"
    return (
        f"{made.token}\n\nIt counts {until}. Keep it now: it is not shown again. Send it with every"
        "\nrequest as `Authorization: Bearer TOKEN`."
    )


def _shown(views: list[TokenView]) -> Table | str:
    if not views:
        return "no tokens yet; make one with `offhook token create NAME --scope SCOPE`"
    at = datetime.now(UTC)
    table = Table("token", "begins with", "may", "expires", "last used", "state")
    for view in views:
        state = "counts" if view.counts(at) else "revoked" if view.revoked_at else "expired"
        days = [f"{day:%Y-%m-%d}" if day else "-" for day in (view.expires_at, view.last_used_at)]
        table.add_row(view.name, view.prefix, ", ".join(view.scopes), *days, state)
    return table
