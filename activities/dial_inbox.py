"""Inbox rows on their way to the engine: in commit order, each with the events it means."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

from activities.dial_step import Arrival, DialObserver
from activities.ports import Inbox, InboxItem, Lease, Switch, campaign_channel, switch_channel
from dialer.events import Event
from dialer.model import CampaignId

READ_LIMIT = 500
WAIT_INBOX = timedelta(seconds=1)

T = TypeVar("T")


class Retry(Protocol):
    """Asks the store until it answers."""

    async def __call__(self, ask: Callable[[], Awaitable[T]]) -> T: ...


class InboxReader:
    """Feeds a dial loop from the cursors that its last step applied."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        switch: Switch,
        observer: DialObserver,
        put: Callable[[Arrival], None],
        retry: Retry,
    ) -> None:
        self._inbox = inbox
        self._switch = switch
        self._observer = observer
        self._put = put
        self._retry = retry

    async def run(self, lease: Lease) -> None:
        """Read until cancelled."""
        cursors = dict(lease.cursors)
        campaign, switch = campaign_channel(lease.campaign_id), switch_channel(lease.switch_id)
        for channel in (campaign, switch):
            cursors.setdefault(channel, 0)
        while True:
            position = tuple(cursors.items())
            items = await self._retry(lambda: self._inbox.read(position, limit=READ_LIMIT))  # noqa: B023 (awaited at once)
            for item in items:
                cursors[item.channel] = item.inbox_id
                for event in tuple(self._events_of(item, lease.campaign_id)) or (None,):
                    self._put(
                        Arrival(
                            event=event,
                            received_at=item.received_at,
                            inbox=(item.channel, item.inbox_id),
                        )
                    )
            # A page that isn't full was all there was; `wait` knows what has come since then.
            if len(items) < READ_LIMIT:
                await self._retry(
                    lambda: self._inbox.wait((campaign, switch), timeout=WAIT_INBOX.total_seconds())
                )

    def _events_of(self, item: InboxItem, campaign: CampaignId) -> Iterable[Event]:
        if item.event is not None:
            yield item.event
        if item.raw is not None:
            try:
                translated: Sequence[Event] = self._switch.translate(item.raw)
            except ValueError as error:
                self._observer.untranslatable(item.channel, error)
                return
            for event in translated:
                correlator = getattr(event, "correlator", "")
                if not correlator or correlator.startswith(f"{campaign}-"):
                    yield event
