"""What a simulated XiVO has beside what every simulated PBX has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from offhook.simulator.config import SimulatorConfig, UserConfig
from offhook.simulator.population import Seconds

ADMIN, SUPERVISOR, NOBODY = "admin", "supervisor", "nobody"
"""Users who are no agents: with every right, with some, and with no profile."""
AGENT_IDS = 1000
"""Between a user's id and his agent's, which are not the same on a XiVO."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QueueSetup(_Part):
    """A queue; without members, every agent works in it."""

    id: int
    name: str
    display_name: str = ""
    number: str = ""
    members: tuple[str, ...] = ()
    """Ids of users."""


class PeriodSetup(_Part):
    """A part of the day in which people ask to be called."""

    uuid: str
    name: str
    start: str
    end: str
    default: bool = False


class CallbackSetup(_Part):
    """Somebody who is to be called back."""

    uuid: str
    phone_number: str
    first_name: str = ""
    last_name: str = ""
    company: str | None = None
    due_date: str = "2026-01-05"


class CallbackListSetup(_Part):
    """A list of them."""

    uuid: str
    name: str
    queue_id: int = 1
    callbacks: tuple[CallbackSetup, ...] = ()


class ConferenceSetup(_Part):
    """A conference room."""

    number: str
    name: str
    pin_required: bool = False


class VoiceMailSetup(_Part):
    """A voice mail box, and how many messages are in."""

    id: int
    user: str
    """Id of its user."""
    new: int = 0
    waiting: int = 0
    old: int = 0


class GroupSetup(_Part):
    """A group of agents, by the ids of their users; the first group also has everybody else."""

    id: int
    name: str
    members: tuple[str, ...] = ()


PERIODS = (
    PeriodSetup(uuid="period-morning", name="Morning", start="09:00:00", end="12:00:00"),
    PeriodSetup(uuid="period-day", name="All day", start="09:00:00", end="18:00:00", default=True),
)


class XivoConfig(SimulatorConfig):
    """A XiVO: `users` are agents as well, logged in on their own telephones.

    A user's login is `agent` and his extension; everybody's password is `token`.
    """

    queues: tuple[QueueSetup, ...] = (
        QueueSetup(id=1, name="outbound", display_name="Outbound", number="3099"),
    )
    groups_of_agents: tuple[GroupSetup, ...] = (GroupSetup(id=1, name="default"),)
    supervised_queues: tuple[int, ...] = (1,)
    supervised_groups: tuple[int, ...] = (1,)
    wrap_up_s: Seconds = 0.0
    queue_wait_s: Seconds = 15.0
    token_life_s: Annotated[float, Field(gt=0)] = 3600.0
    logged_in: bool = True
    periods: tuple[PeriodSetup, ...] = PERIODS
    callback_lists: tuple[CallbackListSetup, ...] = ()
    conferences: tuple[ConferenceSetup, ...] = (ConferenceSetup(number="4000", name="public"),)
    mobiles: dict[str, str] = Field(default_factory=dict)
    """Id of a user -> the number of his mobile."""
    voice_mails: tuple[VoiceMailSetup, ...] = ()
    sheet: dict[str, str] = Field(default_factory=dict)
    """Fields of the pop-up that a ringing call opens, `{number}` being the caller's; none, none."""


def login_of(user: UserConfig) -> str:
    """The name that a user logs in with."""
    return f"agent{user.extension}"


def agent_id_of(user: UserConfig) -> int:
    """The agent that a user is."""
    return int(user.id) + AGENT_IDS


def agent_number_of(user: UserConfig) -> str:
    """The number of that agent."""
    return f"8{user.extension}"


def share_out(users: Sequence[UserConfig], count: int) -> tuple[QueueSetup, ...]:
    """So many queues, with the users shared out among them in turn."""
    return tuple(
        QueueSetup(
            id=number,
            name=f"queue{number}",
            display_name=f"Queue {number}",
            number=str(3000 + number),
            members=tuple(user.id for user in users[number - 1 :: count]),
        )
        for number in range(1, count + 1)
    )
