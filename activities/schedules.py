"""What is done for schedules beside starting other workflows: orders to campaigns."""

from dataclasses import dataclass
from typing import Protocol

from temporalio import activity

from activities.errors import coded_errors
from activities.schedule_contracts import JobDone, ScheduledOrder


class ScheduledOrders(Protocol):
    """Gives orders to campaigns; safe to repeat by their key."""

    async def give(self, order: ScheduledOrder) -> JobDone:
        """Raise `NotConfigured` for what a person must put right."""
        ...


@dataclass(frozen=True)
class ScheduleActivities:
    """Orders that are due."""

    orders: ScheduledOrders

    @activity.defn(name="schedules.order")
    async def order(self, request: ScheduledOrder) -> JobDone:
        """Start, pause, resume or stop a campaign."""
        with coded_errors():
            return await self.orders.give(request)
