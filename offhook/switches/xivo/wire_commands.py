"""What a client of xuc can ask for, but for callbacks (`wire_callbacks`).

Some names are all lower case on the wire (`agentid`), others not (`agentId`): as the vendor's own
client sends them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from offhook.switches.xivo.wire import Command, Wire, register_commands

PREFIX = "USR_"
"""Only data whose name begins so comes back in phone events; xuc adds it where it is missing."""


class ListType(StrEnum):
    """What `getList` and `getConfig` can list."""

    queue = "queue"
    agent = "agent"
    queue_member = "queuemember"
    agent_group = "agentgroup"
    conference = "meetme"


# -- agents ----------------------------------------------------------------------------------------


class AgentLogin(Command):
    """Log an agent in on a telephone; without an id, the agent of the user."""

    name: ClassVar[str] = "agentLogin"
    agent_phone_number: str = Field(alias="agentphonenumber")
    agent_id: int | None = Field(default=None, alias="agentid")


class _OfAgent(Command):
    agent_id: int | None = Field(default=None, alias="agentid")


class AgentLogout(_OfAgent):
    """Log an agent out."""

    name: ClassVar[str] = "agentLogout"


class PauseAgent(_OfAgent):
    """Pause an agent, with the cause that supervisors see."""

    name: ClassVar[str] = "pauseAgent"
    reason: str | None = None


class UnpauseAgent(_OfAgent):
    """Make an agent ready."""

    name: ClassVar[str] = "unpauseAgent"


class ListenAgent(_OfAgent):
    """Listen to an agent's talk."""

    name: ClassVar[str] = "listenAgent"


class MonitorPause(_OfAgent):
    """Pause the recording of a call that an agent took from a queue."""

    name: ClassVar[str] = "monitorPause"


class MonitorUnpause(_OfAgent):
    """Go on recording it."""

    name: ClassVar[str] = "monitorUnpause"


class SetAgentQueue(Command):
    """Make an agent a member of a queue, or change his penalty there."""

    name: ClassVar[str] = "setAgentQueue"
    agent_id: int
    queue_id: int
    penalty: int


class RemoveAgentFromQueue(Command):
    """Take an agent off a queue."""

    name: ClassVar[str] = "removeAgentFromQueue"
    agent_id: int
    queue_id: int


# -- telephone -------------------------------------------------------------------------------------


class Dial(Command):
    """Call from the user's telephone."""

    name: ClassVar[str] = "dial"
    destination: str
    variables: dict[str, str] = Field(default_factory=dict)


class DialFromMobile(Dial):
    """Call from the user's mobile."""

    name: ClassVar[str] = "dialFromMobile"


class DialFromQueue(Command):
    """Have a free agent of the queue called, then the destination."""

    name: ClassVar[str] = "dialFromQueue"
    destination: str
    queue_id: int
    caller_id_name: str = ""
    caller_id_number: str = ""
    variables: dict[str, str] = Field(default_factory=dict)


class Originate(Command):
    """Call from the user's telephone, without data."""

    name: ClassVar[str] = "originate"
    destination: str


class _OfCall(Command):
    unique_id: str | None = None
    """Which call, where the server knows this; else the telephone's current one."""


class Hangup(_OfCall):
    """End a call of the user's telephone."""

    name: ClassVar[str] = "hangup"


class Answer(_OfCall):
    """Answer a call that rings at the user's telephone."""

    name: ClassVar[str] = "answer"


class Hold(_OfCall):
    """Put a call on hold, or take it back."""

    name: ClassVar[str] = "hold"


class DirectTransfer(Command):
    """Transfer the current call."""

    name: ClassVar[str] = "directTransfer"
    destination: str


class AttendedTransfer(Command):
    """Call somebody to whom the current call may be transferred."""

    name: ClassVar[str] = "attendedTransfer"
    destination: str
    device: str | None = None


class CompleteTransfer(Command):
    """Carry the transfer out."""

    name: ClassVar[str] = "completeTransfer"


class CancelTransfer(Command):
    """Go back to the first call."""

    name: ClassVar[str] = "cancelTransfer"


class SetData(Command):
    """Attach data to the telephone's current calls."""

    name: ClassVar[str] = "setData"
    variables: dict[str, str]


class GetCurrentCallsPhoneEvents(Command):
    """Ask for the calls of the user's telephone."""

    name: ClassVar[str] = "getCurrentCallsPhoneEvents"


class Dnd(Command):
    """Do not disturb."""

    name: ClassVar[str] = "dnd"
    state: bool


class _Forward(Command):
    state: bool
    destination: str


class NaFwd(_Forward):
    """Forward what nobody answers."""

    name: ClassVar[str] = "naFwd"


class UncFwd(_Forward):
    """Forward everything."""

    name: ClassVar[str] = "uncFwd"


class BusyFwd(_Forward):
    """Forward while busy."""

    name: ClassVar[str] = "busyFwd"


class UserStatusUpdate(Command):
    """Choose one of the configured statuses."""

    name: ClassVar[str] = "userStatusUpdate"
    status: str


# -- lists, statistics, history, directory ---------------------------------------------------------


class GetList(Command):
    """Ask for a list of objects, and to be told of changes."""

    name: ClassVar[str] = "getList"
    object_type: str


class GetConfig(Command):
    """Ask for the configuration of objects, and to be told of changes."""

    name: ClassVar[str] = "getConfig"
    object_type: str


class GetAgentDirectory(Command):
    """Ask for every agent with his state."""

    name: ClassVar[str] = "getAgentDirectory"


class GetAgentStates(Command):
    """Ask for the state of every agent."""

    name: ClassVar[str] = "getAgentStates"


class SubscribeToAgentEvents(Command):
    """Ask to be told of agents' states."""

    name: ClassVar[str] = "subscribeToAgentEvents"


class SubscribeToAgentStats(Command):
    """Ask for agents' figures, now and as they change."""

    name: ClassVar[str] = "subscribeToAgentStats"


class SubscribeToQueueStats(Command):
    """Ask for queues' counters, now and as they change."""

    name: ClassVar[str] = "subscribeToQueueStats"


class SubscribeToQueueCalls(Command):
    """Ask for the calls that wait in a queue, now and as they change."""

    name: ClassVar[str] = "subscribeToQueueCalls"
    queue_id: int


class UnSubscribeToQueueCalls(Command):
    """Enough of a queue's calls."""

    name: ClassVar[str] = "unSubscribeToQueueCalls"
    queue_id: int


class GetUserCallHistory(Command):
    """Ask for the user's last calls."""

    name: ClassVar[str] = "getUserCallHistory"
    size: int


class GetAgentCallHistory(Command):
    """Ask for the agent's last calls."""

    name: ClassVar[str] = "getAgentCallHistory"
    size: int


class GetQueueCallHistory(Command):
    """Ask for the last calls of the queues whose name contains `queue`."""

    name: ClassVar[str] = "getQueueCallHistory"
    queue: str
    size: int


class DirectoryLookUp(Command):
    """Search the directory."""

    name: ClassVar[str] = "directoryLookUp"
    term: str


class GetFavorites(Command):
    """Ask for the user's favourites."""

    name: ClassVar[str] = "getFavorites"


class _Favorite(Command):
    contact_id: str
    source: str


class AddFavorite(_Favorite):
    """Keep an entry of the directory among the favourites."""

    name: ClassVar[str] = "addFavorite"


class RemoveFavorite(_Favorite):
    """Take it off."""

    name: ClassVar[str] = "removeFavorite"


# -- default memberships ---------------------------------------------------------------------------


class QueueMembership(Wire):
    """A queue in which a user works by default."""

    queue_id: int
    penalty: int


class GetUserDefaultMembership(Command):
    """Ask in which queues a user (not an agent) works by default."""

    name: ClassVar[str] = "getUserDefaultMembership"
    user_id: int


class SetUserDefaultMembership(Command):
    """Say in which queues a user works by default."""

    name: ClassVar[str] = "setUserDefaultMembership"
    user_id: int
    membership: tuple[QueueMembership, ...]


class SetUsersDefaultMembership(Command):
    """Say it of several users."""

    name: ClassVar[str] = "setUsersDefaultMembership"
    user_ids: tuple[int, ...]
    membership: tuple[QueueMembership, ...]


class ApplyUsersDefaultMembership(Command):
    """Put users into the queues in which they work by default."""

    name: ClassVar[str] = "applyUsersDefaultMembership"
    user_ids: tuple[int, ...]


register_commands(
    *(AgentLogin, AgentLogout, PauseAgent, UnpauseAgent, ListenAgent, MonitorPause, MonitorUnpause),
    *(SetAgentQueue, RemoveAgentFromQueue, Dial, DialFromMobile, DialFromQueue, Originate, Hangup),
    *(Answer, Hold, DirectTransfer, AttendedTransfer, CompleteTransfer, CancelTransfer, SetData),
    *(GetCurrentCallsPhoneEvents, Dnd, NaFwd, UncFwd, BusyFwd, UserStatusUpdate, GetList),
    *(GetConfig, GetAgentDirectory, GetAgentStates, SubscribeToAgentEvents, SubscribeToAgentStats),
    *(SubscribeToQueueStats, SubscribeToQueueCalls, UnSubscribeToQueueCalls, GetUserCallHistory),
    *(GetAgentCallHistory, GetQueueCallHistory, DirectoryLookUp, GetFavorites, AddFavorite),
    *(RemoveFavorite, GetUserDefaultMembership, SetUserDefaultMembership),
    *(SetUsersDefaultMembership, ApplyUsersDefaultMembership),
)
