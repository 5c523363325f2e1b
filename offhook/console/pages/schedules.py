"""*Schedules*."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup
from pydantic import ValidationError

from dialer.rejections import CampaignUnknown
from offhook.accounts import Permission
from offhook.accounts.scoping import require_seen
from offhook.console.console import Console
from offhook.console.kit.ask import ask
from offhook.console.kit.page import Visit, confirm_done, console_page
from offhook.console.kit.panel import Act, Panel
from offhook.console.live.feed import Feed
from offhook.console.views.schedules import new_fields, plan_said, schedules_page
from offhook.errors import OffhookError
from offhook.storage.campaign_views import CampaignViews
from offhook.temporal.schedule_desk import ScheduleNotFound, ScheduleView

EVERY = timedelta(seconds=5)


class BadPlan(OffhookError):
    """A schedule makes no sense."""

    code = "schedule_form_invalid"


@dataclass(frozen=True, slots=True)
class Planned:
    """The schedules, and the campaigns that they may name."""

    schedules: Sequence[ScheduleView]
    campaigns: Mapping[str, str]


def planned_feed(console: Console) -> Feed[Planned]:
    """Everything that is scheduled."""

    async def read() -> Planned:
        rows = await CampaignViews(console.services.database).all()
        found = await (await console.backend.schedule_desk()).all()
        return Planned(found, {one.campaign_id: one.name for one in rows})

    return console.hub.feed("schedules", read, every=EVERY)


@console_page("/schedules", title="Schedules", place="schedules", needs=Permission.schedules_read)
async def schedules(visit: Visit) -> None:
    """All of them."""
    feed = planned_feed(visit.console)
    orders = ScheduleOrders(visit, feed)
    orders.panel = await visit.live(feed, orders.shown, on_act=orders.acted)


class ScheduleOrders:
    """What one person does with schedules."""

    panel: Panel

    def __init__(self, visit: Visit, feed: Feed[Planned]) -> None:
        self._visit = visit
        self._feed = feed

    def shown(self, found: Planned) -> Markup:
        """The page: the schedules of campaigns that the person sees."""
        scope = self._visit.who.scope
        seen = [one for one in found.schedules if scope.has(campaign=one.plan.campaign_id)]
        may_write = self._visit.who.may(Permission.schedules_write)
        return schedules_page(seen, self._campaigns(found), may_write=may_write)

    def _campaigns(self, found: Planned) -> dict[str, str]:
        scope = self._visit.who.scope
        return {key: name for key, name in found.campaigns.items() if scope.has(campaign=key)}

    async def acted(self, act: Act) -> None:
        """Carry out an order."""
        self._visit.require(Permission.schedules_write)
        if act.name == "add":
            await self._add()
        elif act.name == "remove":
            text = "No run begins any more; one that goes on, goes on."
            if await ask(f"Delete {act.of}?", text, yes="Delete", danger=True) is not None:
                await self._tell(act)
        else:
            await self._tell(act)
        await self._feed.renew()

    async def _tell(self, act: Act) -> None:
        desk = await self._visit.console.backend.schedule_desk()
        plan = (await desk.show(act.of)).plan
        require_seen(self._visit.who, ScheduleNotFound(act.of), campaign=plan.campaign_id)
        async with self._visit.audited(f"schedule.{act.name}", f"schedule/{act.of}"):
            match act.name:
                case "pause":
                    await desk.pause(act.of, note=f"by {self._visit.who.name}")
                case "resume":
                    await desk.resume(act.of, note=f"by {self._visit.who.name}")
                case "trigger":
                    await desk.trigger(act.of)
                case "remove":
                    await desk.remove(act.of)
        confirm_done({"trigger": "A run begins", "remove": "Deleted"}.get(act.name, "Done"))

    async def _add(self) -> None:
        campaigns = self._campaigns((await self._feed.now()).value)
        said = await ask("New schedule", "", yes="Schedule it", fields=new_fields(campaigns))
        if said is None:
            return
        try:
            plan = plan_said(said)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise BadPlan(f"{where}: {first['msg']}", hint="look at the form again") from error
        if plan.campaign_id not in campaigns:
            raise CampaignUnknown(plan.campaign_id or "")
        office = self._visit.console.backend.schedules
        async with self._visit.audited("schedule.apply", f"schedule/{plan.schedule_id}"):
            await office.apply(plan)
        confirm_done("Scheduled")
