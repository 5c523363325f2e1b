"""What the durable and live layers need of the world, in their own words.

Adapters live under `offhook`; doubles for tests under `tests/support`. Every method that changes
something is safe to repeat with the same arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dialer.commands import (
    Divert,
    HangUp,
    Join,
    ParkAgent,
    PlaceCall,
    PlayMessage,
    RecordCall,
    RecordCommand,
)
from dialer.events import CallForbidden, Event, Started, SwitchEvent
from dialer.model import Agent, AgentId, CampaignId, Dialable, SwitchId, Trunk
from dialer.sharing import Demand
from dialer.switching import Accepted, Capabilities, RawEvent, SwitchSnapshot


class Switch(Protocol):
    """A PBX link that carries out the engine's commands. Failures are
    `dialer.switching.SwitchError`s.
    """

    @property
    def capabilities(self) -> Capabilities: ...
    async def place(self, command: PlaceCall) -> Accepted: ...
    async def park(self, command: ParkAgent) -> Accepted: ...
    async def join(self, command: Join) -> Accepted: ...
    async def divert(self, command: Divert) -> Accepted: ...
    async def play_message(self, command: PlayMessage) -> Accepted: ...
    async def hang_up(self, command: HangUp) -> Accepted: ...
    async def record_call(self, command: RecordCall) -> Accepted:
        """Asked only of a switch whose capabilities say `records_calls`; others refuse."""
        ...

    async def snapshot(self) -> SwitchSnapshot: ...
    def translate(self, raw: RawEvent) -> Sequence[SwitchEvent]:
        """Say what a vendor event means; an event that means nothing to dialing yields nothing."""
        ...

    async def aclose(self) -> None: ...


class SwitchDirectory(Protocol):
    """Finds the adapter of a configured switch."""

    async def open(self, switch: SwitchId) -> Switch: ...


class EventWatch(Protocol):
    """Knows whether the events of switches are watched."""

    def unwatched_since(self, switch: SwitchId, now: datetime) -> datetime | None:
        """When the watch was last heard of, where nobody watches now."""
        ...

    def heard_at(self, switch: SwitchId) -> datetime | None:
        """When it was last heard of that somebody watches."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to dial for a campaign; `epoch` fences off whoever held it before."""

    campaign_id: CampaignId
    switch_id: SwitchId
    shard: int
    epoch: int
    owner: str
    cursors: tuple[tuple[str, int], ...]
    """Inbox channel -> last event that was applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One step of the engine: what came in and what it wanted done, as JSON."""

    seq: int
    at: datetime
    event: bytes
    commands: bytes
    inbox_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What a campaign has of its switch from now on, beside the other campaigns there."""

    trunks: tuple[Trunk, ...]
    """With the lines and calls per second that it may use."""
    agents: tuple[Agent, ...]
    """Who work for it now, as they are stored."""
    leaving: tuple[tuple[AgentId, str], ...] = ()
    """Who should go to another campaign once they have finished, and why."""
    unsettled: bool = False
    """Shares are moving: ask again soon."""


class LeaseLost(Exception):
    """Somebody else dials for this campaign now."""

    code = "lease_lost"


class StoreUnavailable(Exception):
    """The system of record can't be reached just now; asking again may help."""

    code = "store_unavailable"


class DialStore(Protocol):
    """The system of record, as the dial loop uses it.

    Every method raises `StoreUnavailable` for a connection that is gone or refused, and may be
    asked again with the same arguments: `apply` of a step that was committed before its reply got
    lost changes nothing.
    """

    async def take_lease(self, campaign: CampaignId, *, owner: str, now: datetime) -> Lease:
        """Take over the campaign: a higher epoch, the contacts that were claimed but not dialed
        given back.
        """
        ...

    async def load_started(
        self, lease: Lease, capabilities: Capabilities, now: datetime
    ) -> Started:
        """Everything a new engine must know: settings, agents, trunks, open attempts and parks,
        tallies.
        """
        ...

    async def apply(
        self,
        lease: Lease,
        *,
        entries: Sequence[JournalEntry],
        records: Sequence[RecordCommand],
        cursors: Sequence[tuple[str, int]],
        now: datetime,
    ) -> Sequence[CallForbidden]:
        """Write one step atomically, or raise `LeaseLost` and write nothing.

        Calls that the law forbids by what is on record by then are not opened, and returned: they
        must not be placed.
        """
        ...

    async def claim_contacts(
        self, lease: Lease, *, limit: int, now: datetime
    ) -> tuple[tuple[Dialable, ...], bool, datetime | None]:
        """Claim due contacts; also whether none are left at all, and when the next falls due."""
        ...

    async def share(self, lease: Lease, demand: Demand, *, now: datetime) -> Shares:
        """Tell what the campaign uses and wants, renew the lease, and learn what it may use.

        `demand` is what the engine goes by when asked; the answer must be applied before the next.
        Agents of the campaign whom nobody has and it needs are leased to it.
        """
        ...

    async def release_lease(self, lease: Lease, *, now: datetime) -> None:
        """Give back the claimed contacts, the agents and the lease."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """One committed inbox row: a vendor's event (`raw`) or an order from a person (`event`)."""

    inbox_id: int
    channel: str
    raw: RawEvent | None = None
    event: Event | None = None
    received_at: datetime


class Inbox(Protocol):
    """Events in commit order, by cursor. Raises `StoreUnavailable` as `DialStore` does."""

    async def read(
        self, cursors: Sequence[tuple[str, int]], *, limit: int
    ) -> Sequence[InboxItem]: ...

    async def wait(self, channels: Sequence[str], *, timeout: float) -> None:
        """Return when something may have arrived on one of the channels, or after `timeout`
        seconds.
        """
        ...

    async def post(self, channel: str, *, event: Event, key: str, now: datetime) -> None:
        """Commit an order from a person; a second one with the same key is dropped."""
        ...


def switch_channel(switch: SwitchId) -> str:
    """Inbox channel of a switch's own events."""
    return f"switch:{switch}"


def campaign_channel(campaign: CampaignId) -> str:
    """Inbox channel of what people order for a campaign."""
    return f"campaign:{campaign}"
