"""What a switch can do and what it says is going on, in the dialer's words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dialer.model import CallRef, Mode
from dialer.outcomes import Outcome


class Way(StrEnum):
    """How a customer meets an agent on a switch."""

    customer_first = "customer_first"
    agent_first = "agent_first"
    queue_first = "queue_first"


MODES: dict[Way, frozenset[Mode]] = {
    Way.customer_first: frozenset(Mode),
    Way.agent_first: frozenset({Mode.preview, Mode.progressive}),
    Way.queue_first: frozenset({Mode.progressive}),
}
"""Modes each way allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a switch declares about itself."""

    way: Way
    parks_agents: bool = True
    """Agents can wait on the line; otherwise an answered customer is diverted to a ringing
    agent.
    """
    plays_message: bool = True
    """An answered customer can be given the safe-harbour message."""
    cancels_ringing: bool = True
    limits_ringing: bool = False
    """The switch itself ends a call that rings too long; otherwise the engine hangs up."""
    detects_machines: bool = False
    """It can listen to who answered, when asked to with the call."""
    records_calls: bool = False
    """It records a call by command; the file stays on it."""
    supervises: bool = False
    """A third person can listen to a talk, whisper to the agent, or join in."""
    lists_calls: bool = True
    keeps_parked: bool = False
    """An agent stays on the line after a talk; otherwise he is called again to be parked."""


class CallPhase(StrEnum):
    """How far a call is, as a switch's list of current calls tells."""

    calling = "calling"
    listening = "listening"
    """Answered, and the switch still listens to who it is."""
    held = "held"
    """Answered, on the switch-side IVR or bridge."""
    joined = "joined"
    message = "message"
    """Hearing the safe-harbour message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """One current call of the switch that carries a correlator."""

    correlator: str
    call: CallRef
    phase: CallPhase
    address: str = ""
    """The agent's address, when joined or for an agent's own parked call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """What the switch says about an agent's device."""

    address: str
    reachable: bool
    busy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkView:
    """What the switch says about a trunk."""

    address: str
    name: str
    lines: int
    busy_lines: int
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOver:
    """A call of which the switch's own history says how it ended."""

    correlator: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSnapshot:
    """Everything that is going on on a switch, read at one moment."""

    calls: tuple[CallView, ...] = ()
    over: tuple[CallOver, ...] = ()
    """Calls that ended unheard; only switches that can look them up tell any."""
    agents: tuple[AgentView, ...] = ()
    trunks: tuple[TrunkView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The switch took a command."""

    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvent:
    """A vendor's event as it was committed to the inbox."""

    inbox_id: int
    channel: str
    payload: dict[str, str]
    received_at: datetime


class SwitchError(Exception):
    """A command or question to a switch failed.

    SwitchError
    ├── SwitchRefused      the switch said no; asking again with the same words won't help
    ├── SwitchUnavailable  the switch did not get the command; asking again may help
    └── SwitchUnclear      the switch may have carried it out; look before asking again
    """

    code = "switch_error"


class SwitchRefused(SwitchError):
    """The switch said no."""

    code = "switch_refused"


class SwitchUnavailable(SwitchError):
    """The switch can't be reached or is out of order, and surely did not act."""

    code = "switch_unavailable"


class SwitchUnclear(SwitchError):
    """The command was sent and no clear reply came."""

    code = "switch_unclear"
