"""Who may take whom, and who waits: commands of `offhook agent` and `offhook ivr`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from dialer.model import AgentId
from dialer.windows import CallingHours
from ivr.routing import QueuePolicy, in_order
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.cli.pin_office import Region, number_of
from offhook.home import database_url
from offhook.ivr.queue_order import queue_policy
from offhook.storage.agent_profiles import AgentProfiles, Profile
from offhook.storage.agent_routing import Queued, RoutingStore
from offhook.storage.agent_store import AgentStore
from offhook.storage.pool import open_pool

Named = Annotated[
    str, typer.Argument(metavar="AGENT", help="Id, address, extension or name of the agent.")
]


@dataclass(frozen=True)
class _Office:
    agents: AgentStore
    profiles: AgentProfiles
    routing: RoutingStore


@asynccontextmanager
async def _open() -> AsyncIterator[_Office]:
    pool = await open_pool(database_url(prepare()), size=2, application="offhook-cli")
    try:
        yield _Office(AgentStore(pool), AgentProfiles(pool), RoutingStore(pool))
    finally:
        await pool.close()


def skills(
    agent: Named,
    levels: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SKILL=LEVEL]...", help="Levels 1 to 10; 0 takes a skill away."),
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option(help="A language spoken; repeat it. All are replaced.")
    ] = None,
    hours: Annotated[
        str | None, typer.Option(help="Working hours: `mon-fri 09:00-18:00`; empty is always.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Show or set what an agent can do; skills that aren't named stay as they are.

    Examples:

    offhook agent skills 201

    offhook agent skills 201 router=8 billing=0 --language it --language en
    """
    changes = _levels(levels or (), most=10)
    if hours:
        _checked_hours(hours)

    async def work() -> Profile:
        async with _open() as office:
            row = await office.agents.find(agent)
            return await office.profiles.change(
                row.agent_id,
                skills=changes or None,
                languages=language,
                hours=hours,
                now=datetime.now(UTC),
            )

    emit(run_async(work()), json_output, _shown_profile)


def groups(
    agent: Named,
    penalties: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[GROUP=PENALTY]...", help="Penalties 0 to 100, the lower is asked first."
        ),
    ] = None,
    leave: Annotated[list[str] | None, typer.Option(help="A group to leave; repeat it.")] = None,
    json_output: JsonOption = False,
) -> None:
    """Show or set the groups that an agent takes calls of.

    Example: offhook agent groups 201 support=0 sales=10 --leave trial
    """
    changes: dict[str, int | None] = {**_levels(penalties or (), most=100)}
    changes |= dict.fromkeys(leave or ())

    async def work() -> Profile:
        async with _open() as office:
            row = await office.agents.find(agent)
            return await office.profiles.change(
                row.agent_id, groups=changes or None, now=datetime.now(UTC)
            )

    emit(run_async(work()), json_output, _shown_profile)


def free(agent: Named, json_output: JsonOption = False) -> None:
    """Tell that an agent's talk with a caller of a menu is over, so that the next one comes.

    Needed only where the switch doesn't tell the end of a talk; an agent is kept ten minutes else.

    Example: offhook agent free 201
    """

    async def work() -> dict[str, str]:
        async with _open() as office:
            row = await office.agents.find(agent)
            await office.routing.free(AgentId(row.agent_id), now=datetime.now(UTC))
            return {"agent": row.agent_id}

    emit(run_async(work()), json_output, lambda done: f"agent {done['agent']} is free")


def queue(
    group: Annotated[str, typer.Argument(help="The group; without, every queue.")] = "",
    json_output: JsonOption = False,
) -> None:
    """Show who waits for an agent, in order, how long, and what the call needs.

    Example: offhook ivr queue support
    """
    settings = prepare()

    async def work() -> dict[str, Any]:
        now = datetime.now(UTC)
        async with _open() as office:
            found = await office.routing.queue(group)
        return {"waiting": _in_places(found, queue_policy(settings), now)}

    emit(run_async(work()), json_output, _shown_queue)


def caller(
    number: Annotated[str, typer.Option(help="The caller's number.")] = "",
    customer: Annotated[str, typer.Option(help="Or the customer proven by a PIN.")] = "",
    vip: Annotated[
        bool | None, typer.Option("--vip/--no-vip", help="Whether skill goes before idleness.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help="The caller's own agent; empty takes it away.")
    ] = None,
    region: Region = "IT",
    json_output: JsonOption = False,
) -> None:
    """Show or set what is known of a caller: importance, and an agent of their own.

    Example: offhook ivr caller --customer 1001 --vip --owner 201
    """
    if bool(number) == bool(customer):
        raise typer.BadParameter("give --number or --customer")
    kind = "number" if number else "customer"
    value = number_of(number, region) if number else customer

    async def work() -> dict[str, Any]:
        async with _open() as office:
            agent = owner and (await office.agents.find(owner)).agent_id
            known = await office.profiles.caller(
                kind, value, vip=vip, owner=agent, now=datetime.now(UTC)
            )
        return {"vip": known.vip, "owner": known.owner}

    emit(run_async(work()), json_output, _shown_caller)


def _levels(pairs: Sequence[str], *, most: int) -> dict[str, int]:
    levels = {}
    for pair in pairs:
        name, _, level = pair.partition("=")
        if not name or not level.isdecimal() or int(level) > most:
            raise typer.BadParameter(f"{pair} isn't NAME=N with N from 0 to {most}")
        levels[name] = int(level)
    return levels


def _checked_hours(text: str) -> None:
    try:
        CallingHours.model_validate(text)
    except ValueError as error:
        raise typer.BadParameter(f"hours: {error}") from None


def _in_places(found: list[Queued], policy: QueuePolicy, now: datetime) -> list[dict[str, Any]]:
    rows = []
    for name in sorted({one.queue for one in found}):
        same = {one.waiting.caller: one for one in found if one.queue == name}
        order = in_order((one.waiting for one in same.values()), policy)
        for place, waiting in enumerate(order, 1):
            one = same[waiting.caller]
            rows.append(
                {
                    "group": name,
                    "position": place,
                    "session": waiting.caller,
                    "waited_s": round((now - waiting.since).total_seconds()),
                    "vip": waiting.vip,
                    "needs": [str(skill) for skill in one.needs.required],
                    "tried": sorted(one.tried),
                }
            )
    return rows


def _shown_profile(row: Profile) -> str:
    def listed(values: dict[str, int]) -> str:
        return ", ".join(f"{name} {value}" for name, value in sorted(values.items())) or "none"

    return "\n".join(
        (
            f"agent {row.agent_id}",
            f"  skills: {listed(row.skills)}",
            f"  groups: {listed(row.groups)}",
            f"  languages: {', '.join(row.languages) or 'not kept'}",
            f"  hours: {row.hours or 'always'}",
        )
    )


def _shown_queue(found: dict[str, Any]) -> Table | str:
    if not found["waiting"]:
        return "nobody waits"
    table = Table("group", "place", "session", "waits", "needs", "offered in vain")
    for row in found["waiting"]:
        waits = f"{row['waited_s']} s" + (" (important)" if row["vip"] else "")
        table.add_row(
            row["group"],
            str(row["position"]),
            row["session"],
            waits,
            ", ".join(row["needs"]),
            ", ".join(row["tried"]),
        )
    return table


def _shown_caller(known: dict[str, Any]) -> str:
    importance = "important" if known["vip"] else "not important"
    return f"{importance}; own agent: {known['owner'] or 'none'}"
