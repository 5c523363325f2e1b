"""`offhook switch phonebook-sync | reconcile | record`: what a switch does beside dialing."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from activities.pbx_contracts import CHUNK, CallCheckInput, PhonebookSyncInput
from dialer.call_check import day_before
from dialer.switching import SwitchError
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.cli.pbx_jobs_page import shown_check, shown_nightly, shown_sync
from offhook.errors import OffhookError
from offhook.home import database_url
from offhook.sealing import Seals
from offhook.settings import Settings
from offhook.storage.call_check_store import CallCheckView, PostgresCallChecks
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.phonebook_store import PostgresPhonebookRecords, SyncView
from offhook.switches.registry import SwitchConfig, open_switch
from offhook.temporal.client import connect
from offhook.temporal.pbx_jobs import PbxDesk

REFRESH_S = 0.3
RECORDING_SHOWS_WITHIN = timedelta(seconds=3)
_UNSAFE = re.compile(r"[^0-9A-Za-z_.-]+")

NameArgument = Annotated[str, typer.Argument(metavar="SWITCH", help="Name of the switch.")]


class NotOffered(OffhookError):
    """A switch's family can't do this."""

    code = "not_offered_by_switch"

    def __init__(self, config: SwitchConfig, what: str) -> None:
        super().__init__(
            f"switch {config.name} is of the family {config.family}, which {what}",
            hint="`offhook switch list` shows the family of each switch",
        )


class SwitchSaidNo(OffhookError):
    """The PBX could not be asked, or refused."""

    code = "switch_said_no"


@dataclass(frozen=True)
class _Office:
    settings: Settings
    database: Database
    config: SwitchConfig

    async def desk(self) -> PbxDesk:
        return PbxDesk(await connect(self.settings))


@asynccontextmanager
async def _office(name: str) -> AsyncIterator[_Office]:
    settings = prepare()
    async with Database.open(
        database_url(settings), pool_size=2, seals=Seals.of(settings)
    ) as database:
        yield _Office(settings, database, await LinkStore(database).find(name))


def phonebook_sync(
    name: NameArgument,
    campaign: Annotated[
        str | None, typer.Option(help="Id or name of the campaign whose contacts to send.")
    ] = None,
    contact_list: Annotated[
        str | None, typer.Option("--list", help="Id or name of one list of contacts.")
    ] = None,
    app: Annotated[
        str, typer.Option(help="Name under which the PBX knows these contacts (uc_app_name).")
    ] = "offhook",
    info: Annotated[
        list[str] | None, typer.Option(help="Attribute to show in calls; repeat it.")
    ] = None,
    chunk: Annotated[int, typer.Option(min=1, max=1_000, help="Contacts a request.")] = CHUNK,
    json_output: JsonOption = False,
) -> None:
    """Bring contacts into the switch's phonebook; repeated, it updates those it brought before.

    Example: offhook switch phonebook-sync pbx --campaign Spring --info credit
    """
    if campaign is None and contact_list is None:
        raise typer.BadParameter("say whose contacts: --campaign NAME, or --list NAME")

    async def work() -> SyncView:
        async with _office(name) as office:
            records = PostgresPhonebookRecords(office.database)
            found = None
            if campaign is not None:
                found = (await CampaignViews(office.database).find(campaign)).campaign_id
            list_id = None
            if contact_list is not None:
                list_id, found = await records.find_list(contact_list, campaign=found)
            assert found is not None  # noqa: S101 - one of the two was given
            request = PhonebookSyncInput(
                sync_id=_sync_id(office.config.switch_id, found, list_id, app),
                switch=office.config.switch_id,
                campaign_id=found,
                list_id=list_id,
                app_name=app,
                info=tuple(info or ()),
                chunk=chunk,
            )
            await _sync(await office.desk(), request, quiet=json_output)
            return await records.view(request.sync_id)

    emit(_checked(work()), json_output, shown_sync)


def reconcile(
    name: NameArgument,
    day: Annotated[
        str | None, typer.Option(help="Day to check, YYYY-MM-DD. Default: yesterday.")
    ] = None,
    nightly: Annotated[
        str | None,
        typer.Option(help="Check the day before at this time every night, HH:MM; `off` ends it."),
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of the day and the time. Default: the switch's.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, max=600, help="Seconds by which a talk's length may differ.")
    ] = 3.0,
    json_output: JsonOption = False,
) -> None:
    """Compare the switch's own call report with our attempts, now or every night.

    Examples:

    offhook switch reconcile pbx --day 2026-03-02

    offhook switch reconcile pbx --nightly 02:30
    """
    if day is not None and nightly is not None:
        raise typer.BadParameter("--day checks now and --nightly from now on; give one of them")

    async def work() -> CallCheckView | dict[str, Any]:
        async with _office(name) as office:
            request = CallCheckInput(
                switch=office.config.switch_id,
                zone=zone or str(office.config.settings.get("zone") or "UTC"),
                tolerance=timedelta(seconds=tolerance),
            )
            if nightly is not None:
                return await _nightly(await office.desk(), request, nightly)
            wanted = _day(day) or day_before(datetime.now(UTC), request.zone)
            await _check(await office.desk(), request, wanted, quiet=json_output)
            return await PostgresCallChecks(office.database).view(request.switch, wanted)

    found = _checked(work())
    if isinstance(found, dict):
        emit(found, json_output, shown_nightly)
    else:
        emit(found, json_output, shown_check)


def record(
    name: NameArgument,
    call: Annotated[str, typer.Argument(help="Id of the attempt, or of the call on the switch.")],
    on: Annotated[bool, typer.Option("--on/--off", help="Start or stop.")] = True,
    json_output: JsonOption = False,
) -> None:
    """Start or stop recording a call that is going on; the recording stays on the switch.

    Example: offhook switch record pbx c1-3-17 --on
    """

    async def work() -> dict[str, Any]:
        async with _office(name) as office:
            opened = open_switch(office.config)
            try:
                if opened.recorder is None:
                    raise NotOffered(office.config, "can't record calls on demand")
                await opened.recorder.record(call, on=on)
                until = asyncio.get_running_loop().time() + RECORDING_SHOWS_WITHIN.total_seconds()
                while (now := await opened.recorder.recording(call)) is not on:
                    if now is None or asyncio.get_running_loop().time() > until:
                        break
                    await asyncio.sleep(REFRESH_S)
            except SwitchError as error:
                raise SwitchSaidNo(str(error)) from None
            finally:
                await opened.adapter.aclose()
        return {"call": call, "wanted": on, "recording": now}

    found = run_async(work())
    emit(found, json_output, _shown_recording)
    if found["recording"] is not on:
        raise typer.Exit(1)


def _shown_recording(found: dict[str, Any]) -> str:
    if found["recording"] is None:
        return f"call {found['call']} is over"
    state = "is being recorded" if found["recording"] else "is not being recorded"
    return f"call {found['call']} {state}"


def _checked(work: Any) -> Any:
    """Run it; what a person typed wrong is a wrong command line, not a failure."""
    try:
        return run_async(work)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise typer.BadParameter(f"{where}: {first['msg']}") from None


def _sync_id(switch: str, campaign: str, list_id: int | None, app: str) -> str:
    """The same for the same contacts, switch and application, so that repeating is repeating."""
    parts = [switch, campaign, *([str(list_id)] if list_id is not None else []), app]
    return _UNSAFE.sub("-", "-".join(parts))[:100]


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text[:20]!r} is no day; write YYYY-MM-DD") from None


async def _sync(desk: PbxDesk, request: PhonebookSyncInput, *, quiet: bool) -> None:
    """Start it, show how far it is, and wait for its end."""
    handle = await desk.start_sync(request)
    ended = asyncio.create_task(desk.sync_result(handle))
    bar = Progress(
        TextColumn("sending contacts"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("skipped {task.fields[skipped]}, warnings {task.fields[warnings]}"),
        console=Console(stderr=True),
        disable=quiet,
        transient=True,
    )
    try:
        with bar:
            task = bar.add_task("sync", total=None, skipped=0, warnings=0)
            while not ended.done():
                await asyncio.wait({ended}, timeout=REFRESH_S)
                if ended.done() or quiet:
                    continue
                counts = (await desk.sync_snapshot(request.sync_id)).counts
                bar.update(
                    task,
                    total=counts.total or None,
                    completed=counts.sent,
                    skipped=counts.skipped,
                    warnings=counts.warnings,
                )
        await ended
    finally:
        ended.cancel()


async def _check(desk: PbxDesk, request: CallCheckInput, day: date, *, quiet: bool) -> None:
    handle = await desk.start_check(request, day)
    if quiet:
        await desk.check_result(handle)
        return
    with Console(stderr=True).status(f"comparing the calls of {day}"):
        await desk.check_result(handle)


async def _nightly(desk: PbxDesk, request: CallCheckInput, at: str) -> dict[str, Any]:
    if at == "off":
        stopped = await desk.stop_nightly(request.switch)
        return {"switch": request.switch, "nightly": None, "changed": stopped}
    try:
        when = time.fromisoformat(at)
    except ValueError:
        raise typer.BadParameter(f"{at[:20]!r} is no time; write HH:MM, or off") from None
    due = await desk.check_nightly(request, at=when)
    return {
        "switch": request.switch,
        "nightly": when.strftime("%H:%M"),
        "zone": request.zone,
        "next_at": due.astimezone(ZoneInfo(request.zone)).isoformat() if due else None,
    }
