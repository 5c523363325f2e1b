"""`offhook token`: who may use the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.home import database_url
from offhook.storage.database import Database
from offhook.storage.token_store import NewToken, Scope, Tokens, TokenView

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
    scope: Annotated[list[Scope], typer.Option(help="What it may do; repeat it.")],
    days: Annotated[
        int | None, typer.Option(min=1, max=3_650, help="How long it counts. Default: for ever.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Make a token and show it, this once only.

    Example: offhook token create crm --scope callbacks:read --scope callbacks:write --days 90
    """

    async def work() -> NewToken:
        async with _tokens() as tokens:
            lasts = None if days is None else timedelta(days=days)
            return await tokens.create(name, scope, now=datetime.now(UTC), lasts=lasts)

    emit(run_async(work()), json_output, _shown_new)


@app.command("list")
def list_(json_output: JsonOption = False) -> None:
    """Name every token, what it may do, and when it was last used.

    Example: offhook token list
    """

    async def work() -> list[TokenView]:
        async with _tokens() as tokens:
            return await tokens.all()

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
        async with _tokens() as tokens:
            return await tokens.revoke(token, now=datetime.now(UTC))

    emit(run_async(work()), json_output, lambda view: f"token {view.name} is revoked")


@asynccontextmanager
async def _tokens() -> AsyncIterator[Tokens]:
    settings = prepare()
    async with Database.open(database_url(settings), pool_size=1) as database:
        yield Tokens(database)


def _shown_new(made: NewToken) -> str:
    until = f"until {made.view.expires_at:%Y-%m-%d}" if made.view.expires_at else "until revoked"
    return (
        f"{made.token}\n\nIt counts {until}. Keep it now: it is not shown again. Send it with every"
        "\nrequest as `Authorization: Bearer TOKEN`."
    )


def _shown(views: list[TokenView]) -> Table | str:
    if not views:
        return "no tokens yet; make one with `offhook token create NAME --scope SCOPE`"
    now = datetime.now(UTC)
    table = Table("token", "begins with", "may", "expires", "last used", "state")
    for view in views:
        state = "counts" if view.counts(now) else "revoked" if view.revoked_at else "expired"
        days = [f"{day:%Y-%m-%d}" if day else "-" for day in (view.expires_at, view.last_used_at)]
        table.add_row(view.name, view.prefix, ", ".join(view.scopes), *days, state)
    return table
