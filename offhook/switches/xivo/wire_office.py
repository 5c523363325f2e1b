"""What xuc tells of history, directory, conference rooms and default memberships."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from offhook.switches.xivo.wire import Event, Wire, register_events
from offhook.switches.xivo.wire_commands import QueueMembership


class HistoryCall(Wire):
    """A call of the past."""

    start: str
    duration: str | None = None
    """HH:MM:SS."""
    source_number: str | None = Field(default=None, alias="srcNum")
    destination_number: str | None = Field(default=None, alias="dstNum")
    status: str = ""


class CallHistory(Event):
    """The last calls that were asked for."""

    name: ClassVar[str] = "CallHistory"
    listed: ClassVar[str] = "calls"
    calls: tuple[HistoryCall, ...] = ()


class DirectoryEntry(Wire):
    """A row of the directory; `status` is the telephone's, -2 where there is none."""

    status: int = 0
    entry: tuple[str | bool | None, ...] = ()
    contact_id: str | None = None
    source: str | None = None
    favorite: bool | None = None


class DirectoryResult(Event):
    """What a search found."""

    name: ClassVar[str] = "DirectoryResult"
    entries: tuple[DirectoryEntry, ...] = ()
    headers: tuple[str, ...] = ()


class Favorites(DirectoryResult):
    """The user's favourites."""

    name: ClassVar[str] = "Favorites"


class FavoriteUpdated(Event):
    """A favourite was added or removed, or could not be (`action`)."""

    name: ClassVar[str] = "FavoriteUpdated"
    action: str
    contact_id: str
    source: str


class ConferenceMember(Wire):
    """Somebody in a conference."""

    join_order: int
    join_time: int
    muted: bool = False
    member_name: str = Field(default="", alias="name")
    number: str = ""


class Conference(Wire):
    """A conference room."""

    number: str
    room: str = Field(default="", alias="name")
    pin_required: bool = False
    start_time: int = 0
    """Milliseconds since 1970; 0 while nobody is in."""
    members: tuple[ConferenceMember, ...] = ()


class ConferenceList(Event):
    """Every conference room, with who is in."""

    name: ClassVar[str] = "ConferenceList"
    listed: ClassVar[str] = "conferences"
    conferences: tuple[Conference, ...] = ()


class UserQueueDefaultMembership(Event):
    """In which queues a user works by default."""

    name: ClassVar[str] = "UserQueueDefaultMembership"
    user_id: int
    membership: tuple[QueueMembership, ...] = ()


class UsersQueueDefaultMembership(Event):
    """In which queues several users work by default."""

    name: ClassVar[str] = "UsersQueueDefaultMembership"
    user_ids: tuple[int, ...] = ()
    membership: tuple[QueueMembership, ...] = ()


register_events(
    *(CallHistory, DirectoryResult, Favorites, FavoriteUpdated, ConferenceList),
    *(UserQueueDefaultMembership, UsersQueueDefaultMembership),
)
