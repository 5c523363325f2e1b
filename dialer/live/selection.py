"""Which contact is dialed next, at which number, and when more are claimed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from dialer.commands import ContactState, LoadContacts, ReturnContact
from dialer.events import ContactRemoved, ContactsAdded, ContactsLoaded
from dialer.lists.next_number import in_turn
from dialer.live import previewing
from dialer.live.law import Rule, Verdict, judge
from dialer.live.world import World
from dialer.model import AgentId, Dialable, Number

CLAIM_LIFE = timedelta(minutes=5)
"""How long a claim stays fresh: do-not-call lists and caps were asked when it was made."""
LOAD_LEAST, LOAD_MOST = 20, 500
LOAD_AHEAD = 2.0
"""Seconds of dialing at full rate that a load covers, times three."""
ASK_AGAIN = timedelta(seconds=5)
REPLY_LIMIT = timedelta(seconds=30)
OWNED_MOST = 3
"""Most contacts that wait at hand for one owner who is busy."""
OWNER_AWAY = timedelta(minutes=2)
"""When a contact is looked at again whose owner isn't there, or has enough waiting for him."""
KEPT_MOST = 10
"""Most contacts that wait at hand for an agent to be kept for them."""
AGENT_NEEDED = "agent_needed"
LISTS_CHANGED = "lists_changed"
NO_AGENTS_PAUSE = timedelta(hours=6)
"""When a campaign without agents looks again at a contact that needs one."""


def load_limit(world: World) -> int:
    """About three times what could be dialed in the next seconds."""
    pacing = world.started.settings.pacing
    soon = min(pacing.calls_per_second * LOAD_AHEAD, float(pacing.concurrency))
    if not world.agentless:
        soon = min(soon, pacing.max_lines_per_agent * max(1, len(world.agents)))
    return int(min(LOAD_MOST, max(LOAD_LEAST, 3 * soon)))


def _low(world: World, limit: int) -> bool:
    return len(world.buffer) <= limit // 3


def load(world: World, now: datetime) -> None:
    """Ask for more contacts when few are left."""
    buffer = world.buffer
    if len(buffer.held) > LOAD_MOST // 3 or buffer.exhausted:
        return
    if world.paused or world.draining or world.drained or not world.settled:
        return
    limit = load_limit(world)
    if not _low(world, limit):
        return
    if buffer.asked_at is not None and now < buffer.asked_at + REPLY_LIMIT:
        return
    if buffer.load_after is not None and now < buffer.load_after:
        return
    buffer.asked, buffer.asked_at = limit, now
    world.emit(LoadContacts(limit=limit))


def load_at(world: World) -> datetime | None:
    """When the next load may be due, for whoever waits on the clock."""
    buffer = world.buffer
    if len(buffer.held) > LOAD_MOST // 3 or buffer.exhausted:
        return None
    if world.paused or world.draining or world.drained or not world.settled:
        return None
    if not _low(world, load_limit(world)):
        return None
    if buffer.asked_at is not None:
        return buffer.asked_at + REPLY_LIMIT
    return buffer.load_after


def loaded(world: World, event: ContactsLoaded, now: datetime) -> None:
    """Take the claimed contacts in, or give them back where they can't be used any more."""
    buffer = world.buffer
    full = len(event.contacts) >= buffer.asked > 0
    buffer.asked, buffer.asked_at = 0, None
    buffer.exhausted = event.exhausted and not buffer.changed
    buffer.load_after = None
    if not full and not event.exhausted and not buffer.changed:
        later = event.next_due_at
        buffer.load_after = max(later, now + timedelta(seconds=1)) if later else now + ASK_AGAIN
    buffer.changed = False
    for contact in event.contacts:
        if contact.contact_id in buffer.held or contact.contact_id in world.contacts:
            world.odd("contact_claimed_twice", detail=contact.contact_id)
        elif world.paused or world.draining:
            give_back(world, contact, now, reason=world.draining or "paused")
        else:
            buffer.add(contact, now)
    world.pace_due = True


def added(world: World, event: ContactsAdded, now: datetime) -> None:
    """Lists have changed: whatever was known of who is due next doesn't hold any more."""
    if event.recall:
        give_back_all(world, now, reason=LISTS_CHANGED)
    world.buffer.news(now)
    world.buffer.changed = world.buffer.asked_at is not None


def give_back(world: World, contact: Dialable, now: datetime, *, reason: str) -> None:
    """Return a contact undialed; it may be claimed again at once."""
    world.buffer.news(now)
    world.emit(ReturnContact(contact_id=contact.contact_id, reason=reason, at=now))


def give_back_all(world: World, now: datetime, *, reason: str) -> None:
    """Return every contact at hand."""
    for contact in world.buffer.clear():
        give_back(world, contact, now, reason=reason)


def removed(world: World, event: ContactRemoved, now: datetime) -> None:
    """A contact must not be called any more: drop it, and never retry it."""
    contact = world.buffer.remove(event.contact_id) or previewing.withdraw(
        world, event.contact_id, now
    )
    if contact is not None:
        _finish(world, contact, now, reason=event.reason)
        return
    attempt_id = world.contacts.get(event.contact_id)
    if attempt_id is not None:
        world.calls[attempt_id].contact_removed = event.reason or "removed"


class Choice(NamedTuple):
    """A contact that may be called now, at which number, and what the law attaches to it."""

    contact: Dialable
    number: Number
    verdict: Verdict


def next_dialable(
    world: World, rules: Sequence[Rule], now: datetime, *, with_agent: bool = True
) -> Choice | None:
    """The next contact that may be called now, and the number; the others go back with a reason.

    Without an agent, those who may only be called with one are put aside (`next_kept`).
    """
    while (found := _pop(world, now)) is not None:
        choice = still(world, rules, *found, now)
        if choice is None:
            continue
        if not choice.verdict.reserved or with_agent:
            return choice
        if len(world.buffer.kept) < KEPT_MOST:
            world.buffer.keep(*found)
            world.keeping = True
        else:
            due_at = now + CLAIM_LIFE
            _refuse_one(world, choice.contact, choice.number, AGENT_NEEDED, due_at, now)
    return None


def next_kept(world: World, rules: Sequence[Rule], now: datetime) -> Choice | None:
    """The next of those put aside who may still be called."""
    while (found := world.buffer.pop_kept()) is not None:
        choice = still(world, rules, *found, now)
        if choice is not None:
            return choice
    return None


def _pop(world: World, now: datetime) -> tuple[Dialable, datetime] | None:
    """The next contact at hand whom somebody may call; those of busy owners stay where they are."""
    if not world.started.settings.owner_only:
        return world.buffer.pop()
    aside: list[tuple[Dialable, datetime]] = []
    waiting: dict[AgentId, int] = {}
    found = None
    while (found := world.buffer.pop()) is not None:
        contact = found[0]
        if contact.owner is None or contact.owner in world.free:
            break
        line = world.agents.get(contact.owner)
        waiting[contact.owner] = waiting.get(contact.owner, 0) + 1
        if line is None or not line.willing or waiting[contact.owner] > OWNED_MOST:
            later = now + OWNER_AWAY
            _refuse_one(world, contact, contact.numbers[0], "owner_away", later, now)
        else:
            aside.append(found)
    for contact, claimed_at in aside:
        world.buffer.add(contact, claimed_at)
    return found


def still(
    world: World, rules: Sequence[Rule], contact: Dialable, claimed_at: datetime, now: datetime
) -> Choice | None:
    """A claimed contact with the number to call, if he may be called now; else he goes back."""
    if now - claimed_at > CLAIM_LIFE:
        give_back(world, contact, now, reason="claim_expired")
        return None
    if not contact.numbers:
        _finish(world, contact, now, reason="no_number")
        return None
    refusals: list[tuple[Verdict, Number]] = []
    for number in in_turn(contact, world.started.settings.retry):
        verdict = judge(contact, number, settings=world.started.settings, rules=rules, now=now)
        if verdict.allowed and verdict.reserved and world.agentless:
            verdict = Verdict(allowed=False, reason=AGENT_NEEDED, due_at=now + NO_AGENTS_PAUSE)
        if verdict.allowed:
            return Choice(contact, number, verdict)
        refusals.append((verdict, number))
    _refuse(world, contact, refusals, now)
    return None


def _refuse(
    world: World, contact: Dialable, refusals: Sequence[tuple[Verdict, Number]], now: datetime
) -> None:
    dated = [(v.due_at, v, number) for v, number in refusals if v.due_at is not None]
    if not dated:
        _finish(world, contact, now, reason=refusals[0][0].reason)
        return
    due_at, verdict, number = min(dated, key=lambda found: found[0])
    _refuse_one(world, contact, number, verdict.reason, due_at, now)


def _refuse_one(
    world: World, contact: Dialable, number: Number, reason: str, due_at: datetime, now: datetime
) -> None:
    world.buffer.news(due_at)
    world.emit(
        ReturnContact(
            contact_id=contact.contact_id,
            reason=reason,
            at=now,
            due_at=due_at,
            number=number.number,
        )
    )


def _finish(world: World, contact: Dialable, now: datetime, *, reason: str) -> None:
    world.emit(
        ReturnContact(
            contact_id=contact.contact_id,
            reason=reason,
            at=now,
            contact_state=ContactState.finished,
        )
    )
