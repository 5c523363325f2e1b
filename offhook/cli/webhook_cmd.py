"""`offhook webhook`: other programs that are told what happens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.home import database_url
from offhook.offices.webhooks import NewWebhook, Replayed, WebhookOffice
from offhook.settings import Settings
from offhook.storage.database import Database
from offhook.storage.pool import open_pool
from offhook.storage.webhook_store import DeliveryView, WebhookView
from offhook.storage.webhook_tables import DeliveryState
from offhook.temporal.codec import KeyRing
from offhook.webhooks.service import sender_for
from offhook.webhooks.signing import SecretBox

app = typer.Typer(
    help="Tell other programs what happens.", no_args_is_help=True, rich_markup_mode=None
)
Named = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Id or name of the webhook.")]


@app.callback()
def _group() -> None:
    """Tell other programs what happens."""


@dataclass(frozen=True)
class _Opened:
    settings: Settings
    office: WebhookOffice


@asynccontextmanager
async def _open() -> AsyncIterator[_Opened]:
    settings = prepare()
    url = database_url(settings)
    pool = await open_pool(url, size=2, application="offhook-cli")
    try:
        async with Database.open(url, pool_size=2) as database:
            box = SecretBox.of(KeyRing.load(settings))
            yield _Opened(settings, WebhookOffice(pool, database, box, settings.webhooks))
    finally:
        await pool.close()


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    url: Annotated[str, typer.Argument(help="https address that messages are posted to.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(help="A kind, such as call.ended, or call for all of calls; repeat it."),
    ] = None,
    campaign: Annotated[
        list[str] | None, typer.Option(help="Only this campaign's; repeat it.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Tell an address of what happens from now on; its secret is shown this once.

    Example: offhook webhook add crm https://crm.example.com/offhook --kind call.ended
    """

    async def work() -> NewWebhook:
        async with _open() as opened:
            return await opened.office.add(
                name, url, kinds=kind or (), campaigns=campaign or (), now=datetime.now(UTC)
            )

    emit(run_async(work()), json_output, _shown_new)


@app.command("list")
def list_(json_output: JsonOption = False) -> None:
    """List the webhooks, and whether they fail.

    Example: offhook webhook list
    """

    async def work() -> dict[str, Any]:
        async with _open() as opened:
            return {"webhooks": await opened.office.store.all()}

    emit(run_async(work()), json_output, lambda found: _shown(found["webhooks"]))


@app.command("test")
def try_out(webhook: Named, json_output: JsonOption = False) -> None:
    """Send a message now and say what was answered; exits 1 when it was not taken.

    Example: offhook webhook test crm
    """

    async def work() -> DeliveryView:
        async with _open() as opened, sender_for(opened.settings) as sender:
            return await opened.office.test(webhook, sender, now=datetime.now(UTC))

    found = run_async(work())
    emit(found, json_output, _shown_test)
    if found.state is not DeliveryState.delivered:
        raise typer.Exit(1)


@app.command()
def deliveries(
    webhook: Named,
    state: Annotated[DeliveryState | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")] = 50,
    json_output: JsonOption = False,
) -> None:
    """List what was sent, the newest first, with the last answer to each.

    Example: offhook webhook deliveries crm --state failed
    """

    async def work() -> dict[str, Any]:
        async with _open() as opened:
            view = await opened.office.store.find(webhook)
            found = await opened.office.store.deliveries(view.id, limit=limit, state=state)
        return {"deliveries": found}

    emit(run_async(work()), json_output, lambda found: _shown_deliveries(found["deliveries"]))


@app.command()
def replay(
    webhook: Named,
    event: Annotated[str | None, typer.Option(help="Only this event, by its id.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"],
            help="What happened from here on; a day ago.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"], help="Until before here; now."
        ),
    ] = None,
    request_id: Annotated[
        str | None,
        typer.Option(help="Names this order: repeating it with the same id does nothing twice."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Send again what happened in a time, or one event; ids stay, so receivers can tell.

    Examples:

    offhook webhook replay crm --from 2026-03-02

    offhook webhook replay crm --event c1.0.3.1200.0
    """

    async def work() -> Replayed:
        async with _open() as opened:
            return await opened.office.replay(
                webhook,
                since=_aware(since),
                until=_aware(until),
                event=event,
                order=request_id,
                now=datetime.now(UTC),
            )

    emit(run_async(work()), json_output, lambda done: f"{done.deliveries} messages are sent again")


@app.command()
def rotate(webhook: Named, json_output: JsonOption = False) -> None:
    """Sign with a new secret, and with the old one besides until the next time.

    Example: offhook webhook rotate crm
    """

    async def work() -> NewWebhook:
        async with _open() as opened:
            return await opened.office.rotate(webhook)

    emit(run_async(work()), json_output, _shown_new)


@app.command()
def enable(webhook: Named, json_output: JsonOption = False) -> None:
    """Send to a webhook again that was disabled because it failed for long.

    Example: offhook webhook enable crm
    """

    async def work() -> WebhookView:
        async with _open() as opened:
            return await opened.office.enable(webhook)

    emit(run_async(work()), json_output, lambda view: f"webhook {view.name} is enabled")


@app.command()
def remove(webhook: Named, json_output: JsonOption = False) -> None:
    """Tell a webhook nothing more, and forget its deliveries.

    Example: offhook webhook remove crm
    """

    async def work() -> WebhookView:
        async with _open() as opened:
            return await opened.office.remove(webhook)

    emit(run_async(work()), json_output, lambda view: f"removed {view.name}")


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def _shown_new(made: NewWebhook) -> str:
    view = made.webhook
    return (
        f"webhook {view.name} ({view.id})\nsecret, shown this once: {made.secret}\n"
        f"next: offhook webhook test {view.name}"
    )


def _shown_test(found: DeliveryView) -> str:
    if found.state is DeliveryState.delivered:
        return f"taken: {found.last_status} in {found.last_took_ms} ms"
    said = found.last_error or f"{found.last_status} {found.last_answer[:200]}"
    return f"not taken: {said}; it is tried again"


def _shown(rows: list[WebhookView]) -> Table | str:
    if not rows:
        return "no webhooks; `offhook webhook add` makes one"
    table = Table("webhook", "address", "is told", "state")
    for row in rows:
        state = "well"
        if row.failing_since is not None:
            state = f"fails since {row.failing_since:%Y-%m-%d %H:%M}"
        if row.disabled_at is not None:
            state = f"disabled: {row.disabled_reason}"
        told = ", ".join(row.kinds) or "everything"
        where = f" of {', '.join(row.campaigns)}" if row.campaigns else ""
        table.add_row(row.name, row.url, told + where, state)
    return table


def _shown_deliveries(rows: list[DeliveryView]) -> Table | str:
    if not rows:
        return "nothing was sent yet"
    table = Table("event", "kind", "at", "state", "tries", "answer")
    for row in rows:
        answer = str(row.last_status or row.last_error)
        due = f"; again {row.due_at:%H:%M:%S}" if row.due_at and row.tries else ""
        at = f"{row.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(row.event_id, row.kind, at, row.state, str(row.tries), answer + due)
    return table
