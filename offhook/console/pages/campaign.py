"""One campaign: live."""

import secrets
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from activities.contracts import PauseCampaign, ResumeCampaign, StopCampaign
from dialer.rejections import CampaignUnknown
from dialer.why import campaign_verdict
from offhook.accounts import Permission
from offhook.accounts.audit import Draft
from offhook.console.console import Console
from offhook.console.kit.ask import ask
from offhook.console.kit.page import Visit, confirm_done, console_page
from offhook.console.kit.panel import Act
from offhook.console.kit.parts import tick
from offhook.console.kit.words import plain
from offhook.console.live.feed import Feed
from offhook.console.views.campaign import (
    CampaignNow,
    Rights,
    campaign_charts,
    campaign_details,
    campaign_live,
)
from offhook.storage.campaign_facts import FactFinder
from offhook.storage.campaign_views import CampaignViews

EVERY = timedelta(seconds=2)
_ORDERS: dict[str, type[PauseCampaign | StopCampaign]] = {
    "pause": PauseCampaign,
    "stop": StopCampaign,
}
_ASKS = {
    "pause": (
        "Pause {}?",
        "No more calls are placed until you resume. Talks go on.",
        "Pause",
    ),
    "stop": (
        "Stop {}?",
        "The campaign ends once its calls have ended. You can start it again later.",
        "Stop",
    ),
}


@console_page(
    "/campaigns/{key}", title="Campaign", place="campaigns", needs=Permission.campaigns_read
)
async def campaign(visit: Visit) -> None:
    """What it does now, and orders."""
    key = await campaign_id(visit)
    feed = campaign_feed(visit.console, key)
    cap = (await feed.now()).value.view.abandonment_cap
    orders = CampaignOrders(visit, key, feed)
    may = rights(visit)
    visit.follow(visit.console.floor(), lambda _: None)
    await visit.live(
        feed, lambda now: campaign_live(now, may), on_act=orders.given, alike=("live", may)
    )
    minutes = visit.console.minutes(key)
    await visit.live(minutes, lambda found: campaign_charts(found, cap), alike=("charts", cap))
    await visit.live(feed, lambda now: campaign_details(now.view), alike="details")


async def campaign_id(visit: Visit) -> str:
    """The campaign that the address names, which the person sees; raises `CampaignUnknown`."""
    row = await CampaignViews(visit.console.services.database).find(visit.param("key"))
    if not visit.who.scope.has(campaign=row.campaign_id):
        raise CampaignUnknown(visit.param("key"))
    visit.client.title = f"{row.name} · offhook"
    return row.campaign_id


def rights(visit: Visit) -> Rights:
    """What the person may do about campaigns."""
    return Rights(
        command=visit.who.may(Permission.campaigns_command),
        write=visit.who.may(Permission.campaigns_write),
    )


def campaign_feed(console: Console, key: str) -> Feed[CampaignNow]:
    """How a campaign does, for everybody who looks at it."""
    database = console.services.database
    views, finder = CampaignViews(database), FactFinder(database)

    async def read() -> CampaignNow:
        found = await finder.campaign(key, now=console.clock())
        return CampaignNow(await views.view(key), campaign_verdict(found, console.clock()))

    return console.hub.feed(f"campaign {key}", read, every=EVERY)


class CampaignOrders:
    """The orders of a campaign's heading."""

    def __init__(self, visit: Visit, key: str, feed: Feed[CampaignNow]) -> None:
        self._visit = visit
        self._key = key
        self._feed = feed

    async def given(self, act: Act) -> None:
        """Carry one out, once it is confirmed."""
        self._visit.require(Permission.campaigns_command)
        name = (await self._feed.now()).value.view.campaign.name
        if act.name == "start":
            await self._start(name)
        elif act.name == "resume":
            text = "Calls are placed again as soon as its hours are open and agents are ready."
            if await ask(f"Resume {name}?", text, yes="Resume") is not None:
                await self._order("resume", ResumeCampaign(request_id=secrets.token_hex(8)))
        elif act.name in _ASKS:
            title, text, yes = _ASKS[act.name]
            clear = tick("Also hang up calls that nobody has answered yet", "clear")
            said = await ask(
                title.format(name), text, yes=yes, danger=act.name == "stop", fields=(clear,)
            )
            if said is not None:
                order = _ORDERS[act.name](
                    request_id=secrets.token_hex(8), clear=said.get("clear") == "yes"
                )
                await self._order(act.name, order)

    async def _start(self, name: str) -> None:
        text = "Calls are placed as soon as its hours are open and agents are ready."
        if await ask(f"Start {name}?", text, yes="Start") is None:
            return
        office = self._visit.console.backend.campaigns
        async with self._audited("start"):
            begun = await office.start(self._key)
        await self._feed.renew()
        confirm_done(f"{name} started" if begun.started else f"{name} goes on already")

    async def _order(self, word: str, order: PauseCampaign | ResumeCampaign | StopCampaign) -> None:
        async with self._audited(word) as entry:
            entry.after = answer = await self._visit.console.backend.campaigns.order(
                self._key, order
            )
        await self._feed.renew()
        confirm_done(f"The campaign is {plain(answer.phase).lower()}")

    def _audited(self, word: str) -> AbstractAsyncContextManager[Draft]:
        return self._visit.audited(f"campaign.{word}", f"campaign/{self._key}")
