"""Schedules: what people name is looked up before it is kept, so that a run finds it later."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from activities.schedule_contracts import (
    CallCheckJob,
    CampaignJob,
    ImportJob,
    Job,
    PhonebookJob,
    Plan,
)
from dialer.model import CampaignId
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.temporal.schedule_desk import Applied, BadSchedule, ScheduleDesk


@dataclass(frozen=True)
class ScheduleOffice:
    """Applies plans; everything else is the desk's."""

    database: Database
    desk: Callable[[], Awaitable[ScheduleDesk]]
    """Raises `TemporalUnreachable`."""

    async def apply(self, plan: Plan) -> Applied:
        """Have it so, campaigns and switches being named by id or name.

        Raises `BadSchedule` for times that Temporal would take for others.
        """
        require_plain_times(plan)
        job = await self._known(plan.job)
        return await (await self.desk()).apply(plan.model_copy(update={"job": job}))

    async def _known(self, job: Job) -> Job:
        views, links = CampaignViews(self.database), LinkStore(self.database)
        match job:
            case CampaignJob():
                row = await views.find(job.campaign_id)
                return job.model_copy(update={"campaign_id": CampaignId(row.campaign_id)})
            case ImportJob():
                row = await views.find(job.campaign_id)
                settings = await views.settings(row.campaign_id)
                return job.model_copy(
                    update={
                        "campaign_id": CampaignId(row.campaign_id),
                        "default_region": settings.default_region,
                    }
                )
            case PhonebookJob():
                row = await views.find(job.request.campaign_id)
                switch = await links.find(job.request.switch)
                named = {"campaign_id": row.campaign_id, "switch": switch.switch_id}
                return job.model_copy(update={"request": job.request.model_copy(update=named)})
            case CallCheckJob():
                switch = await links.find(job.request.switch)
                request = job.request.model_copy(update={"switch": switch.switch_id})
                return job.model_copy(update={"request": request})


def require_plain_times(plan: Plan) -> None:
    """Raise `BadSchedule` for a time to the second, or with a zone of its own."""
    if any(at.second or at.microsecond or at.tzinfo for rule in plan.calendar for at in rule.at):
        raise BadSchedule("times of a calendar are to the minute, in the zone of the schedule")
    if any("TZ=" in line for line in plan.cron):
        raise BadSchedule("a cron line has no zone of its own; name it as the schedule's")
