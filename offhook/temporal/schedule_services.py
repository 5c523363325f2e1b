"""What schedules do to campaigns, by the office that people's orders go through too."""

from dataclasses import dataclass

from temporalio.client import Client

from activities.contracts import PauseCampaign, ResumeCampaign, StopCampaign
from activities.errors import NotConfigured
from activities.schedule_contracts import CampaignJob, JobDone, ScheduledOrder
from activities.schedules import ScheduleActivities
from offhook.errors import OffhookError
from offhook.offices.campaigns import CampaignOffice, Command
from offhook.storage.database import Database
from offhook.temporal.campaigns import CampaignDesk, CampaignNotRunning, NobodyAnswers

_PASSING = (NobodyAnswers.code, "temporal", "temporal_unreachable")


def schedule_activities(
    client: Client, database: Database, *, task_queue: str
) -> ScheduleActivities:
    """The activities on this Temporal and this database."""

    async def desk() -> CampaignDesk:
        return CampaignDesk(client, task_queue)

    return ScheduleActivities(orders=OfficeOrders(CampaignOffice(database, desk)))


@dataclass(frozen=True)
class OfficeOrders:
    """Implements `activities.schedules.ScheduledOrders`."""

    office: CampaignOffice

    async def give(self, order: ScheduledOrder) -> JobDone:
        """Give it; what can't be done until a person has acted raises `NotConfigured`."""
        try:
            return await self._given(order)
        except CampaignNotRunning as error:
            return JobDone(did="nothing", detail=error.message)
        except OffhookError as error:
            if error.code in _PASSING:
                raise
            raise NotConfigured(str(error), code=error.code) from error

    async def _given(self, order: ScheduledOrder) -> JobDone:
        campaign = order.job.campaign_id
        if order.job.kind != "start":
            answer = await self.office.order(campaign, _command(order.job, order.key))
            return JobDone(did=order.job.kind, detail=f"the campaign is {answer.phase}")
        found = await self.office.start(campaign, run_key=order.key)
        if found.started:
            return JobDone(did="start", detail=f"run {found.run_key}")
        return JobDone(did="nothing", detail=f"run {found.run_key} goes on already")


def _command(job: CampaignJob, key: str) -> Command:
    match job.kind:
        case "pause":
            return PauseCampaign(request_id=key, clear=job.clear)
        case "resume":
            return ResumeCampaign(request_id=key)
        case _:
            return StopCampaign(request_id=key, clear=job.clear)
