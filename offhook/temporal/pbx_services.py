"""What else a switch offers to activities: its phonebook and its call report."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from activities.call_check import CallReports
from activities.errors import NotConfigured
from activities.phonebook import Phonebook
from dialer.model import SwitchId
from offhook.errors import OffhookError
from offhook.switches.registry import OpenSwitch, SwitchConfig, open_switch


@dataclass(frozen=True)
class PbxServices:
    """Implements `PhonebookDirectory` and `CallReportDirectory` on the stored switches."""

    load: Callable[[SwitchId], Awaitable[SwitchConfig]]

    async def open_phonebook(self, switch: SwitchId) -> Phonebook:
        """The switch's phonebook, which the caller closes."""
        opened = await self._open(switch)
        if opened.phonebook is None:
            raise _lacking(opened, "phonebook")
        return opened.phonebook

    async def open_reports(self, switch: SwitchId) -> CallReports:
        """The switch's call report, which the caller closes."""
        opened = await self._open(switch)
        if opened.reports is None:
            raise _lacking(opened, "call report")
        return opened.reports

    async def _open(self, switch: SwitchId) -> OpenSwitch:
        try:
            return open_switch(await self.load(switch))
        except OffhookError as error:
            # For a person to mend, so it isn't tried again.
            raise NotConfigured(str(error), code=error.code) from error


def _lacking(opened: OpenSwitch, what: str) -> NotConfigured:
    config = opened.config
    return NotConfigured(
        f"switch {config.name} is of the family {config.family}, which has no {what}",
        code="not_offered_by_switch",
    )
