"""`offhook callback`: lists of promises to call back, what is on them, and how they were kept."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from dialer.appointments import Period
from dialer.callbacks import CallbackListId, CallbackPhase, CallbackRules
from dialer.model import AgentId
from offhook.callback_export import ticket_lines
from offhook.callbacks import Booked, NewCallback
from offhook.cli import callback_import_cmd, callback_order_cmd, callback_promise_cmd
from offhook.cli.callback_office import (
    DAY_FORMAT,
    Day,
    ListKey,
    day_of,
    open_office,
    parse_period,
)
from offhook.cli.output import JsonOption, emit, run_async
from offhook.storage.callback_lists import CallbackListView, CallbackRow, CallbackStats
from offhook.storage.callback_tables import CallbackSource

app = typer.Typer(help="Keep promises to call back.", no_args_is_help=True, rich_markup_mode=None)
MONTH = timedelta(days=30)
Since = Annotated[
    datetime | None,
    typer.Option("--from", formats=[DAY_FORMAT], help="First day. Default: 30 days ago."),
]
Until = Annotated[
    datetime | None,
    typer.Option("--to", formats=[DAY_FORMAT], help="Day after the last. Default: tomorrow."),
]


@app.callback()
def _group() -> None:
    """Keep promises to call back."""


@app.command()
def lists(json_output: JsonOption = False) -> None:
    """Name the callback lists, and how much is on each.

    Example: offhook callback lists
    """

    async def work() -> list[CallbackListView]:
        async with open_office() as office:
            return await office.lists.all(now=datetime.now(UTC))

    emit({"lists": run_async(work())}, json_output, lambda found: _shown_lists(found["lists"]))


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the new list.")],
    period: Annotated[
        list[str] | None,
        typer.Option(help="Preferred period, as morning=09:00-12:00; a star marks the default."),
    ] = None,
    queue: Annotated[str, typer.Option(help="Queue whose agents keep its promises.")] = "",
    campaign: Annotated[
        str | None, typer.Option(help="Campaign whose law and caller id apply.")
    ] = None,
    switch: Annotated[str | None, typer.Option(help="Switch that places its calls.")] = None,
    json_output: JsonOption = False,
) -> None:
    """Add a callback list; without periods it has a morning and an afternoon.

    Example: offhook callback create Support --period 'morning=09:00-12:00*' --switch pbx
    """
    periods = tuple(parse_period(text) for text in period or ("morning=09:00-12:00*",)) + (
        () if period else (parse_period("afternoon=14:00-18:00"),)
    )

    async def work() -> CallbackListView:
        async with open_office() as office:
            now = datetime.now(UTC)
            view = CallbackListView(
                list_id=CallbackListId(name.casefold().replace(" ", "-")),
                name=name,
                queue=queue,
                campaign_id=campaign,
                switch_id=switch,
                external_id="",
                rules=CallbackRules(),
                periods=_with_default(periods),
            )
            await office.lists.create(view, now=now)
            return await office.lists.find(name, now=now)

    emit(run_async(work()), json_output, lambda found: f"callback list {found.name} is there")


@app.command()
def remove(
    on: ListKey,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Remove a callback list with its callbacks and tickets; whoever keeps one of them is told.

    Export the tickets first. A list of XiVO's own comes back with the next reading of the XiVO.

    Example: offhook callback remove Support --yes
    """

    async def named() -> CallbackListView:
        async with open_office() as office:
            return await office.lists.find(on, now=datetime.now(UTC))

    async def work(found: CallbackListView) -> dict[str, Any]:
        async with open_office() as office:
            booking = await office.booking()
            gone = await booking.delete_list(found.list_id, now=datetime.now(UTC))
        return {"removed": found.name, "open_callbacks": gone}

    found = run_async(named())
    if not yes:
        typer.confirm(f"Remove {found.name} with everything on it?", abort=True, err=True)
    emit(
        run_async(work(found)),
        json_output,
        lambda done: f"removed {done['removed']} with {done['open_callbacks']} open callbacks",
    )


@app.command()
def add(
    on: ListKey,
    number: Annotated[list[str], typer.Argument(metavar="NUMBER...", help="Whom to call.")],
    due: Day = None,
    period: Annotated[str, typer.Option(help="Preferred period of the list.")] = "",
    owner: Annotated[str | None, typer.Option(help="Agent whose promise it is.")] = None,
    first_name: Annotated[str, typer.Option(help="First name.")] = "",
    last_name: Annotated[str, typer.Option(help="Last name.")] = "",
    company: Annotated[str, typer.Option(help="Company.")] = "",
    description: Annotated[str, typer.Option(help="What it is about.")] = "",
    zone: Annotated[str, typer.Option(help="Time zone, if not the number's own.")] = "",
    region: Annotated[str, typer.Option(help="Country of numbers without a prefix.")] = "IT",
    key: Annotated[str, typer.Option(help="Names this promise: it is booked once.")] = "",
    json_output: JsonOption = False,
) -> None:
    """Book a callback.

    Example: offhook callback add Support +390612345678 --due 2026-12-01 --period afternoon
    """
    new = NewCallback(
        numbers=tuple(number),
        region=region,
        first_name=first_name,
        last_name=last_name,
        company=company,
        description=description,
        due_on=day_of(due),
        period=period,
        zone=zone,
        owner=AgentId(owner) if owner else None,
        source=CallbackSource.api,
        source_key=key,
    )

    async def work() -> Booked:
        async with open_office() as office:
            return await (await office.booking()).book(on, new, now=datetime.now(UTC))

    emit(
        run_async(work()),
        json_output,
        lambda booked: (
            f"{booked.callback_id} " + ("is booked" if booked.new else "had been booked before")
        ),
    )


@app.command()
def show(
    on: ListKey,
    phase: Annotated[
        list[CallbackPhase] | None, typer.Option(help="Only these; repeat it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")] = 50,
    json_output: JsonOption = False,
) -> None:
    """List the callbacks of a list, the longest due first.

    Example: offhook callback show Support --phase due
    """

    async def work() -> list[CallbackRow]:
        async with open_office() as office:
            found = await office.lists.find(on, now=datetime.now(UTC))
            return await office.lists.rows(found.list_id, phases=phase or (), limit=limit)

    emit({"callbacks": run_async(work())}, json_output, lambda f: _shown_rows(f["callbacks"]))


@app.command()
def stats(
    on: ListKey, since: Since = None, until: Until = None, json_output: JsonOption = False
) -> None:
    """How the promises were kept that were booked in a time.

    Example: offhook callback stats Support --from 2026-11-01
    """

    async def work() -> CallbackStats:
        async with open_office() as office:
            now = datetime.now(UTC)
            found = await office.lists.find(on, now=now)
            start, end = _span(since, until, now)
            return await office.lists.stats(found.list_id, since=start, until=end, now=now)

    emit(run_async(work()), json_output, _shown_stats)


@app.command()
def export(
    on: Annotated[str | None, typer.Argument(metavar="[LIST]", help="One list only.")] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write the tickets opened in a time to standard output, as CSV.

    Example: offhook callback export Support --from 2026-11-01 > tickets.csv
    """

    async def work() -> None:
        async with open_office() as office:
            now = datetime.now(UTC)
            list_id = (await office.lists.find(on, now=now)).list_id if on else None
            start, end = _span(since, until, now)
            tickets = office.lists.tickets(list_id, since=start, until=end)
            async for line in ticket_lines(tickets):
                sys.stdout.write(line)

    run_async(work())


app.command()(callback_promise_cmd.promise)
app.command("import")(callback_import_cmd.import_)
app.command()(callback_order_cmd.take)
app.command()(callback_order_cmd.start)
app.command()(callback_order_cmd.ticket)
app.command()(callback_order_cmd.release)
app.command()(callback_order_cmd.reschedule)
app.command()(callback_order_cmd.cancel)


def _with_default(periods: tuple[Period, ...]) -> tuple[Period, ...]:
    """The first is the default where none is."""
    if any(period.default for period in periods):
        return periods
    return (periods[0].model_copy(update={"default": True}), *periods[1:])


def _span(
    since: datetime | None, until: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    start = since.replace(tzinfo=UTC) if since else now - MONTH
    return start, until.replace(tzinfo=UTC) if until else now + timedelta(days=1)


def _shown_lists(views: list[CallbackListView]) -> Table | str:
    if not views:
        return "no callback lists yet; add one with `offhook callback create NAME`"
    table = Table("list", "queue", "periods", "waiting", "due", "held", "late")
    for view in views:
        periods = ", ".join(
            f"{period.name} {period.start:%H:%M}-{period.end:%H:%M}" for period in view.periods
        )
        counts = (view.waiting, view.due, view.held, view.late)
        table.add_row(view.name, view.queue, periods, *map(str, counts))
    return table


def _shown_rows(rows: list[CallbackRow]) -> Table | str:
    if not rows:
        return "nobody is to be called back here"
    table = Table("callback", "who", "number", "due", "period", "state", "with")
    for row in rows:
        promise, request = row.promise, row.promise.request
        who = " ".join(filter(None, (request.first_name, request.last_name, request.company)))
        table.add_row(
            row.callback_id,
            who,
            request.numbers[0],
            request.due_on.isoformat(),
            request.period.name,
            promise.phase,
            promise.holder or (f"for {promise.open_to}" if promise.open_to else "anyone"),
        )
    return table


def _shown_stats(stats: CallbackStats) -> Table:
    table = Table("figure", "value", show_header=False)
    for name, value in stats.model_dump().items():
        if name == "tickets":
            value = ", ".join(f"{status} {count}" for status, count in value.items()) or "none"
        elif isinstance(value, timedelta):
            value = str(timedelta(seconds=round(value.total_seconds())))
        table.add_row(name.replace("_", " "), "-" if value is None else str(value))
    return table
