"""`offhook schedule`: what happens by itself, and when."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.table import Table

from activities.schedule_contracts import DAYS, Overlap, Plan
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.home import database_url
from offhook.offices.schedules import ScheduleOffice
from offhook.storage.database import Database
from offhook.temporal.client import connect
from offhook.temporal.schedule_desk import Applied, BadSchedule, ScheduleDesk, ScheduleView

app = typer.Typer(
    help="Say what happens by itself, and when.", no_args_is_help=True, rich_markup_mode=None
)
Name = Annotated[str, typer.Argument(metavar="SCHEDULE", help="Id of the schedule.")]
Note = Annotated[str, typer.Option(help="Why, for whoever looks at it.")]
_AN_ID = re.compile(r"[^0-9A-Za-z_.-]+")


@app.callback()
def _group() -> None:
    """Say what happens by itself, and when."""


@dataclass(frozen=True)
class _Office:
    office: ScheduleOffice
    desk: ScheduleDesk


@asynccontextmanager
async def _open() -> AsyncIterator[_Office]:
    settings = prepare()
    async with Database.open(database_url(settings), pool_size=2) as database:
        desk = ScheduleDesk(await connect(settings))

        async def known() -> ScheduleDesk:
            return desk

        yield _Office(ScheduleOffice(database, known), desk)


@app.command()
def add(
    name: Name,
    job: Annotated[
        str,
        typer.Argument(
            help="start, pause, resume or stop (a campaign), import, phonebook_sync, call_check"
        ),
    ],
    campaign: Annotated[str, typer.Option(help="Id or name of the campaign.")] = "",
    switch: Annotated[str, typer.Option(help="Name of the switch.")] = "",
    file: Annotated[
        Path | None, typer.Option(help="With import: the file, where the worker sees it.")
    ] = None,
    into: Annotated[str, typer.Option("--list", help="With import: which list.")] = "",
    clear: Annotated[
        bool, typer.Option("--clear", help="With pause and stop: hang up unanswered calls.")
    ] = False,
    at: Annotated[list[str] | None, typer.Option(help="HH:MM; repeat it.")] = None,
    days: Annotated[str, typer.Option(help="Such as mon-fri or sat,sun. Default: all.")] = "",
    cron: Annotated[list[str] | None, typer.Option(help="A cron line; repeat it.")] = None,
    zone: Annotated[str, typer.Option(help="Zone of the times.")] = "UTC",
    overlap: Annotated[
        Overlap, typer.Option(help="When it is time and the run before goes on.")
    ] = Overlap.skip,
    catch_up: Annotated[
        float, typer.Option(min=1, help="Minutes by which a missed run may be late.")
    ] = 60.0,
    jitter: Annotated[float, typer.Option(min=0, help="Most seconds to begin later.")] = 0.0,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day after the last.")
    ] = None,
    note: Note = "",
    json_output: JsonOption = False,
) -> None:
    """Make a schedule, or have the one of this id as said; repeated, it changes nothing.

    Examples:

    offhook schedule add spring-am start --campaign Spring --at 09:00 --days mon-fri
    --zone Europe/Rome

    offhook schedule add spring-pm stop --campaign Spring --cron "30 18 * * 1-5" --zone Europe/Rome

    offhook schedule add leads import --campaign Spring --file /srv/leads.csv --at 07:30

    offhook schedule add checks call_check --switch pbx --at 02:30 --zone Europe/Rome
    """
    ends = until.replace(tzinfo=ZoneInfo(zone)) if until is not None else None
    plan = _plan(
        schedule_id=name,
        job=_job(job, campaign, switch, file, into, zone, clear=clear),
        cron=cron or (),
        calendar=[{"at": at, "weekdays": _weekdays(days)}] if at else (),
        zone=zone,
        overlap=overlap,
        catch_up=timedelta(minutes=catch_up),
        jitter=timedelta(seconds=jitter),
        until=ends,
        note=note,
    )

    async def work() -> Applied:
        async with _open() as office:
            return await office.office.apply(plan)

    emit(run_async(work()), json_output, _shown_applied)


@app.command("list")
def list_(json_output: JsonOption = False) -> None:
    """List the schedules, with when each is due next.

    Example: offhook schedule list
    """

    async def work() -> dict[str, Any]:
        async with _open() as office:
            return {"schedules": await office.desk.all()}

    emit(run_async(work()), json_output, lambda found: _shown_all(found["schedules"]))


@app.command()
def show(name: Name, json_output: JsonOption = False) -> None:
    """Show a schedule: what, when, the runs before.

    Example: offhook schedule show spring-am
    """
    _tell(lambda desk: desk.show(name), json_output)


@app.command("next")
def next_(name: Name, json_output: JsonOption = False) -> None:
    """Show when the next ten runs are due, on the clock of the schedule's zone.

    Example: offhook schedule next spring-am
    """

    async def work() -> dict[str, Any]:
        async with _open() as office:
            found = await office.desk.show(name)
        zone = ZoneInfo(found.plan.zone)
        return {
            "schedule_id": name,
            "paused": found.paused,
            "next_at": [one.astimezone(zone).isoformat() for one in found.next_at],
        }

    def shown(found: dict[str, Any]) -> str:
        paused = ["paused: none of these runs"] if found["paused"] else []
        return "\n".join(paused + found["next_at"]) or "never"

    emit(run_async(work()), json_output, shown)


@app.command()
def pause(name: Name, note: Note = "", json_output: JsonOption = False) -> None:
    """Begin no more runs until resumed.

    Example: offhook schedule pause spring-am --note "holidays"
    """
    _tell(lambda desk: desk.pause(name, note=note), json_output)


@app.command()
def resume(name: Name, note: Note = "", json_output: JsonOption = False) -> None:
    """Begin runs again; what was missed meanwhile is not made up for.

    Example: offhook schedule resume spring-am
    """
    _tell(lambda desk: desk.resume(name, note=note), json_output)


@app.command()
def trigger(name: Name, json_output: JsonOption = False) -> None:
    """Begin a run now, beside those that are due.

    Example: offhook schedule trigger leads
    """
    _tell(lambda desk: desk.trigger(name), json_output)


@app.command()
def remove(name: Name, json_output: JsonOption = False) -> None:
    """Take a schedule away; a run that goes on, goes on.

    Example: offhook schedule remove spring-am
    """

    async def work() -> dict[str, Any]:
        async with _open() as office:
            await office.desk.remove(name)
        return {"removed": name}

    emit(run_async(work()), json_output, lambda done: f"removed {done['removed']}")


def _tell(say: Callable[[ScheduleDesk], Awaitable[ScheduleView]], json_output: bool) -> None:
    async def work() -> ScheduleView:
        async with _open() as office:
            return await say(office.desk)

    emit(run_async(work()), json_output, _shown)


def _job(
    kind: str, campaign: str, switch: str, file: Path | None, into: str, zone: str, *, clear: bool
) -> dict[str, Any]:
    needs = {"phonebook_sync": ("campaign", "switch"), "call_check": ("switch",)}
    given = {"campaign": campaign, "switch": switch}
    missing = [name for name in needs.get(kind, ("campaign",)) if not given[name]]
    if missing:
        raise typer.BadParameter(f"{kind} needs --{' and --'.join(missing)}")
    match kind:
        case "import":
            if file is None:
                raise typer.BadParameter("import needs --file")
            ref = str(file.absolute())
            return {"kind": kind, "campaign_id": campaign, "ref": ref, "list_name": into}
        case "phonebook_sync":
            sync_id = _AN_ID.sub("-", f"{switch}-{campaign}-scheduled")[:100]
            request = {"sync_id": sync_id, "switch": switch, "campaign_id": campaign}
            return {"kind": kind, "request": request}
        case "call_check":
            return {"kind": kind, "request": {"switch": switch, "zone": zone}}
        case _:
            return {"kind": kind, "campaign_id": campaign, "clear": clear}


def _plan(**values: object) -> Plan:
    try:
        return Plan.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    raise BadSchedule(f"{where}: {problem['msg']}" if where else problem["msg"])


def _weekdays(text: str) -> list[str]:
    """`mon-fri,sun` as days; a range may go over the end of the week."""
    found: list[str] = []
    for part in filter(None, text.lower().split(",")):
        first, dash, last = part.strip().partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise typer.BadParameter(f"{part[:20]!r}: write days as mon-fri or sat,sun")
        begin = DAYS.index(first)
        length = (DAYS.index(last) - begin) % 7 if dash else 0
        found += [DAYS[(begin + step) % 7] for step in range(length + 1)]
    return list(dict.fromkeys(found))


def _shown_applied(done: Applied) -> str:
    state = "made" if done.new else "changed" if done.changed else "was so already"
    return f"schedule {done.schedule.plan.schedule_id} {state}\n{_shown(done.schedule)}"


def _shown(view: ScheduleView) -> str:
    plan = view.plan
    zone = ZoneInfo(plan.zone)
    lines = [f"{plan.schedule_id}: {_what(plan)}, {_when(plan)}"]
    if view.paused:
        lines.append(f"paused: {view.note}")
    if view.next_at:
        lines.append(f"next: {view.next_at[0].astimezone(zone):%a %Y-%m-%d %H:%M %Z}")
    counts = f"{view.runs} runs, {view.missed} missed, {view.overlapped} left out as one went on"
    lines.append(counts)
    lines += [f"  {run.began_at.astimezone(zone):%Y-%m-%d %H:%M}" for run in view.recent]
    return "\n".join(lines)


def _shown_all(rows: list[ScheduleView]) -> Table | str:
    if not rows:
        return "no schedules; `offhook schedule add` makes one"
    table = Table("schedule", "what", "when", "next", "runs")
    for row in rows:
        zone = ZoneInfo(row.plan.zone)
        due = f"{row.next_at[0].astimezone(zone):%a %m-%d %H:%M}" if row.next_at else "never"
        shown = "paused" if row.paused else due
        table.add_row(row.plan.schedule_id, _what(row.plan), _when(row.plan), shown, str(row.runs))
    return table


def _what(plan: Plan) -> str:
    about = plan.campaign_id or getattr(getattr(plan.job, "request", None), "switch", "")
    return f"{plan.job.kind} {about}".strip()


def _when(plan: Plan) -> str:
    parts = list(plan.cron)
    for rule in plan.calendar:
        times = " ".join(f"{one:%H:%M}" for one in rule.at)
        parts.append(f"{','.join(rule.weekdays)} {times}".strip())
    return f"{'; '.join(parts)} in {plan.zone}"
