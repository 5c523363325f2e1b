"""Builders of what the engine knows: settings, agents, contacts, trunks, and its first event."""

from datetime import UTC, datetime, timedelta

from dialer.events import (
    Started,
)
from dialer.model import (
    Agent,
    AgentId,
    AgentStatus,
    CampaignId,
    CampaignSettings,
    ContactId,
    Dialable,
    Mode,
    Number,
    SwitchId,
    Trunk,
    TrunkId,
)
from dialer.switching import Capabilities, Way

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TICK = timedelta(milliseconds=200)


def seconds(value: float) -> timedelta:
    """A duration."""
    return timedelta(seconds=value)


def at(value: float) -> datetime:
    """An instant, in seconds since the start of the test."""
    return START + timedelta(seconds=value)


def settings(**changes: object) -> CampaignSettings:
    """Settings of a progressive campaign without retries in a hurry."""
    values: dict[str, object] = {
        "name": "spring",
        "mode": Mode.progressive,
        "switch": SwitchId("pbx"),
        "caller_id": "+390299999999",
        "wrap_up": seconds(5),
    }
    return CampaignSettings.model_validate(values | changes)


def agent(number: int, **changes: object) -> Agent:
    """An available agent."""
    values: dict[str, object] = {
        "agent_id": AgentId(f"agent{number}"),
        "address": f"user{number}",
        "number": str(100 + number),
        "status": AgentStatus.available,
        "order": number,
    }
    return Agent(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def contact(number: int, **changes: object) -> Dialable:
    """A contact with one number, due since the start."""
    values: dict[str, object] = {
        "contact_id": ContactId(f"contact{number}"),
        "numbers": (Number(number=f"+3902{number:07d}", zones=("Europe/Rome",)),),
        "due_at": START,
    }
    return Dialable(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def trunk(lines: int = 100, name: str = "gw1", **changes: object) -> Trunk:
    """A gateway."""
    values: dict[str, object] = {"trunk_id": TrunkId(name), "address": name, "lines": lines}
    return Trunk(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def capabilities(**changes: object) -> Capabilities:
    """A switch that parks agents and does everything else, as VOIspeed would."""
    values: dict[str, object] = {"way": Way.customer_first}
    return Capabilities(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments


def started(**changes: object) -> Started:
    """The first event of an engine with one agent and one trunk."""
    values: dict[str, object] = {
        "campaign_id": CampaignId("spring"),
        "epoch": 1,
        "settings": settings(),
        "capabilities": capabilities(),
        "agents": (agent(1),),
        "trunks": (trunk(),),
    }
    return Started(**(values | changes))  # type: ignore[arg-type]  # a builder's keyword arguments
