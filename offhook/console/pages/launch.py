"""The last step of *New campaign*, under an address of its own: it outlives its page."""

from datetime import timedelta

from markupsafe import Markup
from nicegui import ui

from offhook.accounts import Permission
from offhook.console.kit.ask import ask
from offhook.console.kit.layout import url
from offhook.console.kit.page import Visit, confirm_done, console_page
from offhook.console.kit.panel import Act
from offhook.console.pages.campaign import campaign_id
from offhook.console.pages.forecast import show_forecast
from offhook.console.views.launch import SHOWN_LINES, Arrived, launch_page
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.import_reads import ImportReads

EVERY = timedelta(seconds=1)


@console_page(
    "/campaigns/{key}/launch",
    title="Launch",
    place="campaigns",
    needs=Permission.campaigns_write,
)
async def launch(visit: Visit) -> None:
    """The import, the forecast, the start."""
    key = await campaign_id(visit)
    database = visit.console.services.database
    views, imports = CampaignViews(database), ImportReads(database)
    may_start = visit.who.may(Permission.campaigns_command)

    async def read() -> Markup:
        rows = await imports.of_campaign(key, most=1)
        row = rows[0] if rows else None
        refused = row is not None and row.refused > 0
        arrived = Arrived(
            row,
            await imports.reasons(row.import_id) if row and refused else {},
            await imports.refused(row.import_id, most=SHOWN_LINES) if row and refused else (),
        )
        return launch_page(await views.find(key), arrived, may_start=may_start)

    feed = visit.console.hub.feed(f"launch {key} {may_start}", read, every=EVERY)
    launcher = Launcher(visit, key)
    await visit.live(feed, lambda markup: markup, on_act=launcher.acted)
    await show_forecast(visit, key)


class Launcher:
    """What can be done here."""

    def __init__(self, visit: Visit, key: str) -> None:
        self._visit = visit
        self._key = key

    async def acted(self, act: Act) -> None:
        """Start it."""
        if act.name == "start":
            await self._start()

    async def _start(self) -> None:
        self._visit.require(Permission.campaigns_command)
        text = "Calls are placed as soon as its hours are open and agents are ready."
        if await ask("Start it now?", text, yes="Start") is None:
            return
        async with self._visit.audited("campaign.start", f"campaign/{self._key}"):
            await self._visit.console.backend.campaigns.start(self._key)
        confirm_done("Started")
        ui.navigate.to(url(f"/campaigns/{self._key}"))
