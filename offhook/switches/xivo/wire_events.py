"""What xuc tells of telephones, agents and queues.

Callbacks are in `wire_callbacks`, history, directory and conferences in `wire_office`.

Codes are kept as text, so that a new one is no error; the enumerations name those of the document.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from offhook.switches.xivo.wire import Event, Wire, register_events


class Profile(StrEnum):
    """What a user may see and do."""

    admin = "Admin"
    supervisor = "Supervisor"
    none = "NoRight"


class PhoneEventType(StrEnum):
    """What happened at a telephone."""

    released = "EventReleased"
    dialing = "EventDialing"
    ringing = "EventRinging"
    established = "EventEstablished"
    on_hold = "EventOnHold"


class Direction(StrEnum):
    """Which way a call goes, seen from the telephone."""

    incoming = "Incoming"
    outgoing = "Outgoing"


class AgentStateName(StrEnum):
    """What an agent is about."""

    login = "AgentLogin"
    ready = "AgentReady"
    on_pause = "AgentOnPause"
    on_wrapup = "AgentOnWrapup"
    ringing = "AgentRinging"
    dialing = "AgentDialing"
    on_call = "AgentOnCall"
    logged_out = "AgentLoggedOut"


class AgentErrorCode(StrEnum):
    """Why an agent could not be logged in."""

    unknown_number = "PhoneNumberUnknown"
    other_phone = "LoggedInOnAnotherPhone"


# -- the session -----------------------------------------------------------------------------------


class Error(Event):
    """A command was refused."""

    name: ClassVar[str] = "Error"
    error: str = Field(default="", alias="Error")


class LoggedOn(Event):
    """The session is open."""

    name: ClassVar[str] = "LoggedOn"


class RightProfile(Event):
    """The user's profile; told first."""

    name: ClassVar[str] = "RightProfile"
    profile: str


class Sheet(Event):
    """What a configured pop-up holds."""

    name: ClassVar[str] = "Sheet"
    timenow: int | None = None
    compressed: bool | None = None
    serial: str | None = None
    payload: Any = None
    channel: str | None = None


class UserStatus(Wire):
    """A status that users can choose."""

    event_name: str = Field(alias="name")
    long_name: str | None = None
    color: str | None = None


class UsersStatuses(Event):
    """Every status that users can choose."""

    name: ClassVar[str] = "UsersStatuses"
    listed: ClassVar[str] = "statuses"
    statuses: tuple[UserStatus, ...] = ()


class UserStatusUpdated(Event):
    """The user's status."""

    name: ClassVar[str] = "UserStatusUpdate"
    status: str | None = None


class UserConfigUpdate(Event):
    """The user, with forwards and the agent that he is."""

    name: ClassVar[str] = "UserConfigUpdate"
    user_id: int
    agent_id: int | None = None
    dnd_enabled: bool | None = None
    na_fwd_enabled: bool | None = None
    na_fwd_destination: str | None = None
    unc_fwd_enabled: bool | None = None
    unc_fwd_destination: str | None = None
    busy_fwd_enabled: bool | None = None
    busy_fwd_destination: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    mobile_number: str | None = None
    line_ids: tuple[int, ...] = ()
    voice_mail_id: int | None = None
    voice_mail_enabled: bool | None = None


class VoiceMailStatusUpdate(Event):
    """Messages in a voice mail box."""

    name: ClassVar[str] = "VoiceMailStatusUpdate"
    voice_mail_id: int
    new_messages: int = 0
    waiting_messages: int = 0
    old_messages: int = 0


# -- telephones ------------------------------------------------------------------------------------


class PhoneEvent(Event):
    """Something happened at the user's own telephone."""

    name: ClassVar[str] = "PhoneEvent"
    event_type: str
    dn: str = Field(alias="DN")
    other_dn: str = Field(default="", alias="otherDN")
    other_name: str = Field(default="", alias="otherDName")
    linked_id: str = ""
    unique_id: str = ""
    queue_name: str | None = None
    call_direction: str | None = None
    user_data: dict[str, str] = Field(default_factory=dict)


class CurrentCallsPhoneEvents(Event):
    """The calls of the user's telephone, each as its last event."""

    name: ClassVar[str] = "CurrentCallsPhoneEvents"
    events: tuple[PhoneEvent, ...] = ()


class PhoneStatusUpdate(Event):
    """How the user's telephone is: 0 free, 1 calling, 2 busy, 8 rings, 16 on hold."""

    name: ClassVar[str] = "PhoneStatusUpdate"
    status: int | str | None = None


# -- agents ----------------------------------------------------------------------------------------


class AgentConfig(Event):
    """An agent as configured."""

    name: ClassVar[str] = "AgentConfig"
    id: int
    first_name: str = ""
    last_name: str = ""
    number: str = ""
    context: str = ""
    group_id: int | None = None


class AgentStateEvent(Event):
    """What an agent is about, since how many seconds."""

    name: ClassVar[str] = "AgentStateEvent"
    state: str = Field(alias="name")
    agent_id: int
    phone_number: str = Field(default="", alias="phoneNb")
    since: int = 0
    queues: tuple[int, ...] = ()
    cause: str = ""
    acd: bool | None = None
    direction: str | None = None
    call_type: str | None = None
    monitor_state: str | None = None


class AgentError(Event):
    """An agent could not be logged in."""

    name: ClassVar[str] = "AgentError"
    error: str = Field(default="", alias="Error")
    phone_number: str | None = Field(default=None, alias="phoneNb")
    requested_number: str | None = Field(default=None, alias="RequestedNb")


class DirectoryAgent(Wire):
    """An agent with his state."""

    agent: AgentConfig
    agent_state: AgentStateEvent


class AgentDirectory(Event):
    """Every agent with his state."""

    name: ClassVar[str] = "AgentDirectory"
    directory: tuple[DirectoryAgent, ...] = ()


class AgentList(Event):
    """Every agent as configured."""

    name: ClassVar[str] = "AgentList"
    listed: ClassVar[str] = "agents"
    agents: tuple[AgentConfig, ...] = ()


class AgentListen(Event):
    """Somebody begins or stops listening to the agent."""

    name: ClassVar[str] = "AgentListen"
    started: bool
    phone_number: str = ""
    agent_id: int


class AgentGroup(Wire):
    """A group of agents."""

    id: int
    group_name: str = Field(alias="name")


class AgentGroupList(Event):
    """Every group."""

    name: ClassVar[str] = "AgentGroupList"
    listed: ClassVar[str] = "groups"
    groups: tuple[AgentGroup, ...] = ()


class AgentFigure(Wire):
    """One figure: seconds, or an instant."""

    figure: str = Field(alias="name")
    value: int | float | str


class AgentStatistics(Event):
    """An agent's figures of the day."""

    name: ClassVar[str] = "AgentStatistics"
    id: int
    statistics: tuple[AgentFigure, ...] = ()


# -- queues ----------------------------------------------------------------------------------------


class QueueConfig(Event):
    """A queue as configured."""

    name: ClassVar[str] = "QueueConfig"
    id: int
    context: str = ""
    queue_name: str = Field(alias="name")
    display_name: str = ""
    number: str = ""


class QueueList(Event):
    """Every queue."""

    name: ClassVar[str] = "QueueList"
    listed: ClassVar[str] = "queues"
    queues: tuple[QueueConfig, ...] = ()


class QueueMember(Event):
    """An agent works in a queue; a penalty of -1 says that he no longer does."""

    name: ClassVar[str] = "QueueMember"
    agent_id: int
    queue_id: int
    penalty: int


class QueueMemberList(Event):
    """Who works where."""

    name: ClassVar[str] = "QueueMemberList"
    listed: ClassVar[str] = "members"
    members: tuple[QueueMember, ...] = ()


class Counter(Wire):
    """One counter of a queue."""

    stat_name: str
    value: int | float


class QueueStatistics(Event):
    """Counters of a queue, which some messages name rather than number."""

    name: ClassVar[str] = "QueueStatistics"
    queue_id: int | None = None
    queue_ref: str | None = None
    counters: tuple[Counter, ...] = ()


class QueueCall(Wire):
    """Somebody who waits in a queue."""

    position: int
    caller: str = Field(default="", alias="name")
    number: str = ""
    queue_time: str = ""


class QueueCalls(Event):
    """Everybody who waits in a queue."""

    name: ClassVar[str] = "QueueCalls"
    queue_id: int
    calls: tuple[QueueCall, ...] = ()


register_events(
    *(Error, LoggedOn, RightProfile, Sheet, UsersStatuses, UserStatusUpdated, UserConfigUpdate),
    *(VoiceMailStatusUpdate, PhoneEvent, CurrentCallsPhoneEvents, PhoneStatusUpdate, AgentConfig),
    *(AgentStateEvent, AgentError, AgentDirectory, AgentList, AgentListen, AgentGroupList),
    *(AgentStatistics, QueueConfig, QueueList, QueueMember, QueueMemberList, QueueStatistics),
    QueueCalls,
)
