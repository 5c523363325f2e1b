"""`offhook list`, and what `offhook campaign` says of lists and quotas."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table

from dialer.lists import ListOrder
from dialer.model import CampaignId
from offhook.cli.campaign_import_cmd import (
    ContactFile,
    Delimiter,
    DryRun,
    DueZone,
    Encoding,
    ImportId,
    Map,
    MonthFirst,
    Refused,
    import_into,
    reading_of,
    shown_import,
)
from offhook.cli.campaign_office import Key, Office, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.home import database_url
from offhook.offices.campaign_settings import BadCampaignSettings
from offhook.storage.list_store import ListChange, ListRow, ListStore, QuotaRow
from offhook.storage.pool import open_pool

app = typer.Typer(
    help="Make and fill a campaign's lists, and say how they are dialed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")]


@app.callback()
def _group() -> None:
    """Make and fill a campaign's lists, and say how they are dialed."""


@asynccontextmanager
async def _store(office: Office) -> AsyncIterator[ListStore]:
    pool = await open_pool(database_url(office.settings), size=2, application="offhook-cli")
    try:
        yield ListStore(pool)
    finally:
        await pool.close()


def _asked(
    campaign: str, ask: Callable[[ListStore, CampaignId, datetime], Coroutine[Any, Any, Any]]
) -> Any:
    """What the lists of a campaign answer."""

    async def work() -> Any:
        async with open_office() as office, _store(office) as store:
            found = CampaignId((await office.views.find(campaign)).campaign_id)
            return await ask(store, found, datetime.now(UTC))

    return run_async(work())


@app.command()
def create(campaign: Key, name: Name, json_output: JsonOption = False) -> None:
    """Make an empty list in a campaign.

    Example: offhook list create Spring newsletter
    """
    row = _asked(campaign, lambda store, found, now: store.create(found, name, now=now))
    emit(row, json_output, lambda made: f"list {made.name} created")


@app.command("import")
def import_(
    campaign: Key,
    name: Name,
    file: ContactFile,
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Names the agent who owns a contact: id, extension or name."
        ),
    ] = None,
    refused: Refused = None,
    map_: Map = None,
    dry_run: DryRun = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    month_first: MonthFirst = False,
    zone: DueZone = "UTC",
    import_id: ImportId = None,
    json_output: JsonOption = False,
) -> None:
    """Bring a contact file into a list, which is made if there is none; also while it is dialed.

    Examples:

    offhook list import Spring newsletter leads.csv

    offhook list import Spring regulars export.csv --map number="Tel. 1" --owner keeper
    """
    reading = reading_of(map_, encoding, delimiter, zone, month_first=month_first, dry_run=dry_run)
    reading["list_name"] = name
    work = import_into(
        campaign, file, reading, refused=refused, import_id=import_id, json_output=json_output
    )
    result = run_async(work)
    if owner is not None and not dry_run:
        _asked(
            campaign,
            lambda store, found, now: store.own(found, name, attribute=owner, now=now),
        )
    emit(result, json_output, shown_import)


@app.command()
def show(campaign: Key, json_output: JsonOption = False) -> None:
    """List a campaign's lists: how they are dialed, and how their contacts stand.

    Example: offhook list show Spring
    """
    campaign_lists(campaign, json_output)


def campaign_lists(campaign: Key, json_output: JsonOption = False) -> None:
    """List a campaign's lists: how they are dialed, and how their contacts stand.

    Example: offhook campaign lists Spring
    """
    rows = _asked(campaign, lambda store, found, _: store.all(found))
    emit({"lists": rows}, json_output, lambda told: _shown(told["lists"]))


@app.command()
def weights(
    campaign: Key,
    shares: Annotated[
        list[str], typer.Argument(metavar="LIST=WEIGHT...", help="Shares, 1 to 1000 each.")
    ],
    json_output: JsonOption = False,
) -> None:
    """Mix lists: of every few contacts, each gives its share.

    Example: offhook list weights Spring newsletter=3 old=1
    """
    wanted = [_share(text) for text in shares]

    async def change(store: ListStore, found: CampaignId, now: datetime) -> list[ListRow]:
        for name, _ in wanted:
            await store.find(found, name)
        return [await store.change(found, name, one, now=now) for name, one in wanted]

    emit({"lists": _asked(campaign, change)}, json_output, lambda told: _shown(told["lists"]))


@app.command("set")
def set_(
    campaign: Key,
    name: Name,
    priority: Annotated[
        int | None, typer.Option(help="Lists of a higher one are emptied first.")
    ] = None,
    order: Annotated[ListOrder | None, typer.Option(help="Who comes first.")] = None,
    attribute: Annotated[
        str | None, typer.Option(help="What contacts are sorted by, in the order 'attribute'.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="Filter; an empty text takes it away.", show_default=False)
    ] = None,
    owners: Annotated[
        str | None,
        typer.Option(help="Attribute that names each contact's agent by id, extension or name."),
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Say how a list is dialed: its priority, order and filter, and whose its contacts are.

    Examples:

    offhook list set Spring newsletter --order newest --where 'region == "North" and age > 40'

    offhook list set Spring accounts --owners account_manager
    """
    change = _change(priority=priority, order=order, attribute=attribute, filter=where)

    async def work(store: ListStore, found: CampaignId, now: datetime) -> ListRow:
        if owners is not None:
            await store.own(found, name, attribute=owners, now=now)
        return await store.change(found, name, change, now=now)

    emit(_asked(campaign, work), json_output, lambda row: _shown([row]))


@app.command()
def reset(
    campaign: Key,
    name: Name,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Also those who were spoken to.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Have a list dialed anew: its contacts are as if they had never been called.

    Contacts that were removed stay so, and so do numbers that reach nobody.

    Example: offhook list reset Spring newsletter
    """

    async def work(store: ListStore, found: CampaignId, now: datetime) -> dict[str, Any]:
        count = await store.reset(found, name, everybody=everybody, now=now)
        return {"list": name, "contacts": count}

    told = _asked(campaign, work)
    emit(told, json_output, lambda done: f"{done['contacts']} contacts are ready again")


@app.command()
def activate(campaign: Key, name: Name, json_output: JsonOption = False) -> None:
    """Dial a list again.

    Example: offhook list activate Spring newsletter
    """
    _activate(campaign, name, json_output, active=True)


@app.command()
def deactivate(campaign: Key, name: Name, json_output: JsonOption = False) -> None:
    """Dial nobody else of a list; calls in progress go on.

    Example: offhook list deactivate Spring newsletter
    """
    _activate(campaign, name, json_output, active=False)


def campaign_quotas(
    campaign: Key,
    set_: Annotated[
        str | None, typer.Option("--set", metavar="NAME", help="Quota to make or change.")
    ] = None,
    disposition: Annotated[str, typer.Option(help="What agents say of those who count.")] = "",
    most: Annotated[int, typer.Option(min=0, help="How many are enough.")] = 0,
    where: Annotated[str, typer.Option(help="Filter: whom the quota is about.")] = "",
    remove: Annotated[str | None, typer.Option(metavar="NAME", help="Quota to take away.")] = None,
    json_output: JsonOption = False,
) -> None:
    """List a campaign's quotas, or change them; whom a full one is about is not dialed any more.

    Calls in progress count as if they filled it, so no more are had than are enough, unless agents
    say something else of a talk later on.

    Example: offhook campaign quotas Spring --set north --disposition sold --most 200
    --where 'region == "North"'
    """
    if set_ is not None and not disposition:
        raise typer.BadParameter("--set needs --disposition: what is it that is counted?")

    async def work(store: ListStore, found: CampaignId, now: datetime) -> list[QuotaRow]:
        if remove is not None:
            await store.remove_quota(found, remove, now=now)
        if set_ is not None:
            await store.set_quota(
                found, set_, disposition=disposition, most=most, filter_text=where, now=now
            )
        return await store.quotas(found)

    rows = _asked(campaign, work)
    emit({"quotas": rows}, json_output, lambda told: _shown_quotas(told["quotas"]))


def _activate(campaign: str, name: str, json_output: bool, *, active: bool) -> None:
    change = ListChange(active=active)
    row = _asked(campaign, lambda store, found, now: store.change(found, name, change, now=now))
    emit(row, json_output, lambda made: f"list {made.name} is {'' if active else 'not '}dialed")


def _share(text: str) -> tuple[str, ListChange]:
    name, equals, weight = text.rpartition("=")
    if not (equals and name and weight.isdecimal()):
        raise typer.BadParameter(f"{text[:60]!r} is no share; write newsletter=3")
    return name, _change(weight=int(weight))


def _change(**wanted: object) -> ListChange:
    try:
        return ListChange.model_validate(wanted)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
    raise BadCampaignSettings(f"{problem['loc'][0]}: {problem['msg']}")


def _shown(rows: list[ListRow]) -> Table | str:
    if not rows:
        return "no lists yet; `offhook list create` makes one"
    table = Table("list", "dialed", "weight", "priority", "order", "filter", "contacts", box=None)
    for row in rows:
        order = f"{row.order} {row.attribute}".strip()
        counts = {
            "ready": row.ready,
            "later": row.later,
            "filtered": row.filtered,
            "over quota": row.over_quota,
            "in progress": row.in_progress,
            "finished": row.finished,
        }
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        table.add_row(
            row.name,
            "yes" if row.active else "no",
            str(row.weight),
            str(row.priority),
            order,
            row.filter,
            f"{row.contacts}: {told}" if told else str(row.contacts),
        )
    return table


def _shown_quotas(rows: list[QuotaRow]) -> Table | str:
    if not rows:
        return "no quotas; --set makes one"
    table = Table("quota", "counts", "of", "reached", "full", box=None)
    for row in rows:
        reached = f"{row.reached} of {row.most}"
        table.add_row(
            row.name, row.disposition, row.filter or "everybody", reached, "yes" if row.full else ""
        )
    return table
