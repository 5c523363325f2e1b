"""Preview: an agent is kept while he reads who comes next, until he dials, skips or is late.

An offer always ends: by the agent's word, by its deadline, or because he goes, the campaign pauses
or the contact is withdrawn. What is dialed is judged again at that moment, since the law may have
changed while he read.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dialer.agent import AgentState
from dialer.commands import ReturnContact, SavePreview
from dialer.events import PreviewAnswered
from dialer.live.deadlines import Timer
from dialer.live.things import Line, Preview
from dialer.live.world import World
from dialer.model import AgentId, Dialable, Mode

SKIPPED = "skipped"
NOT_DIALED = "preview_expired"
WITHDRAWN = "preview_withdrawn"
NO_ROOM = timedelta(seconds=5)
"""When a contact that could not be dialed for want of a line is offered again."""


def offer(world: World, line: Line, contact: Dialable, now: datetime) -> None:
    """Keep an agent for a contact and show it to him."""
    settings = world.started.settings.preview
    who = line.agent.agent_id
    ends_at = now + (settings.dial_after or settings.limit)
    world.previews[who] = Preview(contact=contact, offered_at=now)
    world.sort_agent(line)
    world.deadlines.set(Timer.preview, who, ends_at)
    world.emit(
        SavePreview(
            agent_id=who,
            at=now,
            contact_id=contact.contact_id,
            ends_at=ends_at,
            skips_left=None if settings.skips is None else max(0, settings.skips - line.skips),
        )
    )


def answered(world: World, event: PreviewAnswered, now: datetime) -> None:
    """An agent has made up his mind; a skip that he has no right to changes nothing."""
    preview = world.previews.get(event.agent_id)
    line = world.agents.get(event.agent_id)
    if preview is None or line is None or preview.contact.contact_id != event.contact_id:
        world.odd("preview_answered_late", detail=event.agent_id)
        return
    if event.dial:
        _decide(world, line, preview)
        return
    skips = world.started.settings.preview.skips
    if skips is not None and line.skips >= skips:
        world.odd("skip_not_allowed", detail=event.agent_id)
        return
    line.skips += 1
    _end(world, line, now)
    later = now + world.started.settings.preview.again_after
    _give_back(world, preview.contact, now, reason=SKIPPED, due_at=later)


def time_up(world: World, agent_id: AgentId, now: datetime) -> None:
    """The agent has said nothing: dial all the same, or offer the contact again later."""
    line, preview = world.agents[agent_id], world.previews[agent_id]
    settings = world.started.settings.preview
    if settings.dial_after is not None:
        _decide(world, line, preview)
        return
    _end(world, line, now)
    later = now + settings.again_after
    _give_back(world, preview.contact, now, reason=NOT_DIALED, due_at=later)


def tidy(world: World, now: datetime) -> None:
    """End the offers to agents who are gone, and all of them while nothing may be dialed."""
    if not world.previews:
        return
    over = world.paused or world.draining or world.started.settings.mode is not Mode.preview
    for agent_id, preview in list(world.previews.items()):
        line = world.agents.get(agent_id)
        if line is None or over or not _is_there(world, line):
            _end(world, line, now, agent_id)
            _give_back(world, preview.contact, now, reason=WITHDRAWN)


def to_dial(world: World, now: datetime) -> Iterator[tuple[Line, Preview]]:
    """The offers that are to be dialed now; each has ended and its agent is free again."""
    for agent_id, preview in [item for item in world.previews.items() if item[1].dial]:
        line = world.agents[agent_id]
        line.skips = 0
        _end(world, line, now)
        yield line, preview


def give_back(world: World, contact: Dialable, now: datetime, *, reason: str) -> None:
    """Return a contact that was to be dialed and can't be now."""
    _give_back(world, contact, now, reason=reason, due_at=now + NO_ROOM)


def withdraw(world: World, contact_id: str, now: datetime) -> Dialable | None:
    """End the offer of a contact, if it is on offer."""
    for agent_id, preview in world.previews.items():
        if preview.contact.contact_id == contact_id:
            _end(world, world.agents.get(agent_id), now, agent_id)
            return preview.contact
    return None


def _decide(world: World, line: Line, preview: Preview) -> None:
    preview.dial = True
    world.deadlines.cancel(Timer.preview, line.agent.agent_id)
    world.pace_due = True


def _is_there(world: World, line: Line) -> bool:
    if not line.stays or line.releasing or line.suspect_at is not None:
        return False
    if world.parks_agents:
        return line.state is AgentState.parked
    return line.state is AgentState.idle and line.willing


def _end(world: World, line: Line | None, now: datetime, agent_id: AgentId | None = None) -> None:
    who = line.agent.agent_id if line else agent_id
    assert who is not None  # noqa: S101  # one of them is given
    del world.previews[who]
    world.deadlines.cancel(Timer.preview, who)
    world.emit(SavePreview(agent_id=who, at=now))
    if line is not None:
        world.sort_agent(line)
    world.pace_due = True


def _give_back(
    world: World, contact: Dialable, now: datetime, *, reason: str, due_at: datetime | None = None
) -> None:
    world.buffer.news(due_at or now)
    world.emit(ReturnContact(contact_id=contact.contact_id, reason=reason, at=now, due_at=due_at))
