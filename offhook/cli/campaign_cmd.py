"""`offhook campaign`: create, fill, start, order, watch, report and explain.

Creating and looking need the database only; importing, starting and ordering go through Temporal,
which carries them out as soon as a worker is there. One module per concern; this one puts them
together and holds what only looks.
"""

import asyncio
from typing import Annotated

import typer
from rich.live import Live

from offhook.cli import (
    agent_cmd,
    campaign_create_cmd,
    campaign_import_cmd,
    campaign_order_cmd,
    campaign_set_cmd,
    campaign_why_cmd,
    list_cmd,
)
from offhook.cli.campaign_office import Key, open_office
from offhook.cli.campaign_page import shown_list, shown_report, shown_view
from offhook.cli.output import JsonOption, emit, run_async
from offhook.storage.campaign_records import ENDED
from offhook.storage.campaign_views import CampaignRow, CampaignView
from offhook.storage.reports import CampaignReport, Reports

app = typer.Typer(
    help="Create, fill, start, watch and explain campaigns.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("create")(campaign_create_cmd.create)
app.command("import")(campaign_import_cmd.import_)
app.command("start")(campaign_order_cmd.start)
app.command("pause")(campaign_order_cmd.pause)
app.command("resume")(campaign_order_cmd.resume)
app.command("stop")(campaign_order_cmd.stop)
app.command("set")(campaign_set_cmd.set_)
app.command("show")(campaign_set_cmd.show)
app.command("lists")(list_cmd.campaign_lists)
app.command("quotas")(list_cmd.campaign_quotas)
app.command("agents")(agent_cmd.campaign_agents)
app.command("why")(campaign_why_cmd.why)

REFRESH_S = 0.5


@app.command()
def status(
    campaign: Key,
    watch: Annotated[bool, typer.Option("--watch", help="Show it live until it ends.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Show how a campaign does: agents, calls, outcomes, abandonment against its cap, the pacer.

    Example: offhook campaign status Spring --watch
    """

    async def work() -> CampaignView:
        async with open_office() as office:
            view = await office.views.view(campaign)
            if watch and not json_output:
                with Live(shown_view(view), refresh_per_second=4, transient=True) as live:
                    while view.campaign.phase not in ENDED:
                        await asyncio.sleep(REFRESH_S)
                        view = await office.views.view(campaign)
                        live.update(shown_view(view))
            return view

    emit(run_async(work()), json_output, shown_view)


@app.command()
def report(campaign: Key, json_output: JsonOption = False) -> None:
    """Show what came of a campaign: the status, waits for an agent, calls not placed, oddities.

    Example: offhook campaign report Spring --json
    """

    async def work() -> CampaignReport:
        async with open_office() as office:
            return await Reports(office.database).report(campaign)

    emit(run_async(work()), json_output, shown_report)


@app.command("list")
def list_(json_output: JsonOption = False) -> None:
    """List the campaigns, newest first.

    Example: offhook campaign list
    """

    async def work() -> list[CampaignRow]:
        async with open_office() as office:
            return await office.views.all()

    rows = run_async(work())
    emit({"campaigns": rows}, json_output, lambda found: shown_list(found["campaigns"]))
