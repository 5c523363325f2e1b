"""What a simulated PBX is made of."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from offhook.simulator.population import Population, Seconds


class IvrRole(StrEnum):
    """What an automatic responder is for."""

    reception = "reception"
    hold = "hold"
    message = "message"


class IvrConfig(BaseModel):
    """An automatic responder; a message ends, the others play for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    role: IvrRole
    duration_s: Seconds | None = None


class GatewayConfig(BaseModel):
    """A gateway with its lines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    lines: Annotated[int, Field(ge=0, le=100_000)] = 30
    enabled: bool = True
    registered: bool = True


class UserConfig(BaseModel):
    """A user, with a telephone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    surname: str
    extension: str
    auto_answer: bool = True


class GroupConfig(BaseModel):
    """A ring group: the first free member answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str
    users: tuple[str, ...] = ()


RECEPTION_IVR, HOLD_IVR, MESSAGE_IVR = "1", "2", "3"
GATEWAY = "1"
DEFAULT_TOKEN = "simulator"  # noqa: S105 - a simulator on loopback has nothing to hide

_IVRS = (
    IvrConfig(id=RECEPTION_IVR, name="reception", role=IvrRole.reception),
    IvrConfig(id=HOLD_IVR, name="hold-operators", role=IvrRole.hold),
    IvrConfig(id=MESSAGE_IVR, name="safe-harbour", role=IvrRole.message, duration_s=4.0),
)


def make_users(count: int) -> tuple[UserConfig, ...]:
    """`count` users with ids from 101 and extensions from 201."""
    return tuple(
        UserConfig(
            id=str(101 + index), name="Agent", surname=f"{index + 1:03}", extension=str(201 + index)
        )
        for index in range(count)
    )


class SimulatorConfig(BaseModel):
    """A PBX: who and what it has, how quick it is, and where it tells its events.

    `speed` makes the PBX live faster than its listeners: at 10, a ring of 20 s takes 2 s.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str = DEFAULT_TOKEN
    seed: int = 1
    speed: Annotated[float, Field(gt=0, le=1000)] = 1.0
    domain: str = "simulator.test"
    zone: str = "UTC"
    gateways: tuple[GatewayConfig, ...] = (GatewayConfig(id=GATEWAY, name="carrier"),)
    users: tuple[UserConfig, ...] = make_users(5)
    ivrs: tuple[IvrConfig, ...] = _IVRS
    groups: tuple[GroupConfig, ...] = ()
    population: Population = Population()
    events_urls: tuple[str, ...] = ()
    extended_event_type: int = 1
    user_events_for_all: bool = False
    no_lines_as: Literal["cmd_failed", "outcome"] = "cmd_failed"
    execution_delay_s: Seconds = 0.002
    auto_answer_s: tuple[Seconds, Seconds] = (0.1, 0.3)
    hand_answer_s: tuple[Seconds, Seconds] = (1.5, 4.0)
    ring_timeout_s: Seconds = 30.0
    user_ring_timeout_s: Seconds = 15.0
    event_connections: Annotated[int, Field(ge=1, le=256)] = 32
    event_timeout_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    event_retries: Annotated[int, Field(ge=0, le=20)] = 0

    @property
    def zoneinfo(self) -> ZoneInfo:
        """The zone of the PBX's clock."""
        return ZoneInfo(self.zone)
