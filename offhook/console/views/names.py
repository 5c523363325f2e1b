"""Names and colours of the states that every page shows alike."""

from collections.abc import Mapping

from markupsafe import Markup

from dialer.agent import AgentState
from dialer.call import CallState
from dialer.model import AgentStatus, CampaignPhase
from offhook.console.kit.parts import badge
from offhook.console.kit.words import plain, with_reason
from offhook.storage.floor_reads import FloorAgent

PHASE_TONES: Mapping[CampaignPhase, str] = {
    CampaignPhase.running: "good",
    CampaignPhase.paused: "warn",
    CampaignPhase.draining: "warn",
    CampaignPhase.failed: "bad",
}
AGENT_NAMES: Mapping[AgentState, str] = {
    AgentState.talking: "Talking",
    AgentState.wrap_up: "Wrapping up",
    AgentState.parked: "Ready on the line",
    AgentState.idle: "Free",
    AgentState.reserved: "Being joined",
    AgentState.ringing: "Being called",
}
AGENT_COLOURS: Mapping[AgentState, int] = {
    AgentState.talking: 1,
    AgentState.wrap_up: 3,
    AgentState.parked: 2,
    AgentState.idle: 2,
    AgentState.reserved: 4,
    AgentState.ringing: 4,
}
CALL_NAMES: Mapping[CallState, str] = {
    CallState.placing: "Being placed",
    CallState.dialing: "Being placed",
    CallState.ringing: "Ringing",
    CallState.listening: "Being listened to",
    CallState.answered: "Waiting",
    CallState.held: "Waiting",
    CallState.joining: "Being joined",
    CallState.talking: "Talking",
    CallState.message: "Hearing the message",
}
WAITING = (CallState.answered, CallState.held)
BEFORE_ANSWER = (CallState.placing, CallState.dialing, CallState.ringing)
OUTCOME_TONES: Mapping[str, str] = {
    "abandoned": "bad",
    "no_answer": "plain",
    "busy": "plain",
    "machine": "third",
    "fax": "third",
    "invalid": "third",
    "unknown": "bad",
    "failed": "bad",
}


def phase_badge(phase: CampaignPhase, reason: str = "") -> Markup:
    """A campaign's phase as a badge; why it is in it stands in the word."""
    said = f"{plain(phase)} – {plain(reason).lower()}" if reason else plain(phase)
    return badge(said[:80], PHASE_TONES.get(phase, ""))


def is_at_work(agent: FloorAgent) -> bool:
    """Whether a campaign has the agent do something; who is not ready is only free in its books."""
    rests = agent.state is AgentState.idle and agent.status is not AgentStatus.available
    return agent.state is not None and bool(agent.works_for) and not rests


def doing(agent: FloorAgent) -> str:
    """What an agent does, in one word or two."""
    if is_at_work(agent) and agent.state is not None:
        return AGENT_NAMES[agent.state]
    if agent.status is AgentStatus.logged_off:
        return "Logged off"
    if agent.status is AgentStatus.not_ready:
        return "Not ready"
    return "Free" if agent.reachable else "Telephone away"


def why_not_ready(agent: FloorAgent) -> str:
    """What an agent does, and why where they are not ready and said so."""
    word = doing(agent)
    return with_reason(word, agent.status_reason) if word == "Not ready" else word


def doing_tone(word: str) -> str:
    """The colour of what an agent does."""
    return {
        "Talking": "good",
        "Wrapping up": "warn",
        "Telephone away": "bad",
        "Not ready": "warn",
        "Logged off": "",
    }.get(word, "accent")
