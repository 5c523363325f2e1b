"""`offhook agent`, and `offhook campaign agents`: who works, where, and whether he wants to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from dialer.model import AgentStatus, CampaignId
from offhook.cli import agent_profile_cmd
from offhook.cli.campaign_office import Key, open_office
from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.home import database_url
from offhook.offices.not_ready import check_reason
from offhook.settings import Settings
from offhook.storage.agent_store import AgentRow, AgentStore, PreviewRow
from offhook.storage.pool import open_pool

app = typer.Typer(
    help="List agents and set what they have chosen.", no_args_is_help=True, rich_markup_mode=None
)
Named = Annotated[
    str, typer.Argument(metavar="AGENT", help="Id, address, extension or name of the agent.")
]


@app.callback()
def _group() -> None:
    """List agents and set what they have chosen."""


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[AgentStore]:
    pool = await open_pool(database_url(settings), size=2, application="offhook-cli")
    try:
        yield AgentStore(pool)
    finally:
        await pool.close()


@app.command("list")
def list_(
    switch: Annotated[str, typer.Option(help="Only the agents of this switch.")] = "",
    status: Annotated[
        AgentStatus | None, typer.Option(metavar="STATUS", help="Only who chose it.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Only who is not ready for this reason.")] = "",
    json_output: JsonOption = False,
) -> None:
    """List the agents: status, campaigns, and what they do now.

    Examples:

    offhook agent list --switch pbx

    offhook agent list --status not_ready --reason lunch
    """

    async def work() -> list[AgentRow]:
        async with _store(prepare()) as store:
            return [
                row
                for row in await store.all(switch=switch)
                if status in {None, row.status} and reason in {"", row.status_reason}
            ]

    emit({"agents": run_async(work())}, json_output, lambda found: shown_agents(found["agents"]))


@app.command()
def status(
    agent: Named,
    chosen: Annotated[AgentStatus, typer.Argument(metavar="STATUS", help="What he chooses.")],
    reason: Annotated[
        str, typer.Option(help="Why he is not ready: `offhook agent reasons` lists what counts.")
    ] = "",
    json_output: JsonOption = False,
) -> None:
    """Set an agent to available, not_ready or logged_off; a talk goes on to its end.

    Examples:

    offhook agent status 201 not_ready --reason lunch

    offhook agent status 201 available
    """

    async def work() -> AgentRow:
        settings = prepare()
        check_reason(chosen, reason, settings.desk.reasons)
        async with _store(settings) as store:
            row = await store.find(agent)
            await store.set_status(row, chosen, reason=reason, now=datetime.now(UTC))
            return await store.find(row.agent_id)

    emit(
        run_async(work()),
        json_output,
        lambda row: f"agent {row.agent_id} is {_said(row)}",
    )


@app.command()
def reasons(json_output: JsonOption = False) -> None:
    """List why an agent may be not ready; the setting is OFFHOOK_DESK__NOT_READY_REASONS.

    Example: offhook agent reasons
    """
    known = prepare().desk.reasons
    emit({"reasons": known}, json_output, lambda found: "\n".join(found["reasons"]))


class Answer(StrEnum):
    """What an agent says to an offer."""

    accept = "accept"
    skip = "skip"


@app.command()
def preview(
    agent: Named,
    answer: Annotated[
        Answer | None, typer.Argument(metavar="[ANSWER]", help="accept or skip; else only look.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Show the contact on offer to an agent in preview mode; have it dialed, or skip it.

    Examples:

    offhook agent preview 201

    offhook agent preview 201 accept
    """

    async def work() -> PreviewRow:
        async with _store(prepare()) as store:
            row = await store.find(agent)
            if answer is None:
                return await store.on_offer(row)
            dial = answer is Answer.accept
            return await store.answer(row, dial=dial, now=datetime.now(UTC))

    emit(run_async(work()), json_output, _shown_preview)


def _shown_preview(row: PreviewRow) -> str:
    until = f", until {row.ends_at:%H:%M:%S} UTC" if row.ends_at else ""
    lines = [f"contact {row.contact_id} {row.name} ({', '.join(row.numbers)}){until}"]
    lines += [f"  {name}: {value}" for name, value in row.attributes.items()]
    if row.skips_left is not None:
        lines.append(f"  {row.skips_left} skips left")
    return "\n".join(lines)


def campaign_agents(
    campaign: Key,
    add: Annotated[
        list[str] | None, typer.Option(help="An agent who may work here too; repeat it.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="An agent who leaves once he has finished; repeat it.")
    ] = None,
    move: Annotated[
        list[str] | None, typer.Option(help="An agent who leaves for the campaign of --to.")
    ] = None,
    to: Annotated[str | None, typer.Option(help="Campaign that moved agents go to.")] = None,
    json_output: JsonOption = False,
) -> None:
    """List a campaign's agents, or change who they are, also while it runs.

    Somebody who talks finishes his talk and wrap-up before he leaves.

    Examples:

    offhook campaign agents Spring --add 201 --add 202

    offhook campaign agents Spring --move 201 --to Summer
    """
    if bool(move) != bool(to):
        raise typer.BadParameter("--move needs --to, and --to needs --move; give both")

    async def work() -> list[AgentRow]:
        now = datetime.now(UTC)
        async with open_office() as office, _store(office.settings) as store:
            here = CampaignId((await office.views.find(campaign)).campaign_id)
            for name in add or ():
                await store.add(await store.find(name), campaign=here, now=now)
            for name in remove or ():
                await store.remove(await store.find(name), campaign=here)
            if to is not None:
                there = CampaignId((await office.views.find(to)).campaign_id)
                for name in move or ():
                    await store.move(await store.find(name), source=here, target=there, now=now)
            return await store.members(here)

    emit({"agents": run_async(work())}, json_output, lambda found: shown_agents(found["agents"]))


def shown_agents(rows: list[AgentRow]) -> Table | str:
    """Agents as a table."""
    if not rows:
        return "no agents here"
    table = Table("agent", "name", "extension", "status", "works for", "doing", "campaigns")
    for row in rows:
        status = _said(row) if row.reachable else f"{_said(row)} (no telephone)"
        campaigns = ", ".join(row.campaigns)
        table.add_row(
            row.agent_id, row.name, row.number, status, row.works_for, row.state, campaigns
        )
    return table


def _said(row: AgentRow) -> str:
    """The status as people say it; how long somebody is not ready stands with why."""
    if row.status is not AgentStatus.not_ready:
        return row.status
    why = f" ({row.status_reason})" if row.status_reason else ""
    if row.status_at is None:
        return f"{row.status}{why}"
    minutes = max(0, int((datetime.now(UTC) - row.status_at).total_seconds() // 60))
    return f"{row.status}{why} for {minutes} min"


for _command in (agent_profile_cmd.skills, agent_profile_cmd.groups, agent_profile_cmd.free):
    app.command()(_command)
