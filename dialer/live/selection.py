"""Which contact is dialed next, at which number, and when more are claimed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dialer.commands import ContactState, LoadContacts, ReturnContact
from dialer.events import ContactRemoved, ContactsLoaded
from dialer.live.law import Rule, Verdict, judge
from dialer.live.world import World
from dialer.model import Dialable, Number

CLAIM_LIFE = timedelta(minutes=5)
"""How long a claim stays fresh: do-not-call lists and caps were asked when it was made."""
LOAD_LEAST, LOAD_MOST = 20, 500
LOAD_AHEAD = 2.0
"""Seconds of dialing at full rate that a load covers, times three."""
ASK_AGAIN = timedelta(seconds=5)
REPLY_LIMIT = timedelta(seconds=30)


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
    if world.paused or world.draining or world.drained or not world.settled:
        return
    if buffer.exhausted or len(buffer) > LOAD_MOST // 3:
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
    if buffer.exhausted or world.paused or world.draining or world.drained or not world.settled:
        return None
    if len(buffer) > LOAD_MOST // 3 or not _low(world, load_limit(world)):
        return None
    if buffer.asked_at is not None:
        return buffer.asked_at + REPLY_LIMIT
    return buffer.load_after


def loaded(world: World, event: ContactsLoaded, now: datetime) -> None:
    """Take the claimed contacts in, or give them back where they can't be used any more."""
    buffer = world.buffer
    full = len(event.contacts) >= buffer.asked > 0
    buffer.asked, buffer.asked_at = 0, None
    buffer.exhausted = event.exhausted
    buffer.load_after = None
    if not full and not event.exhausted:
        later = event.next_due_at
        buffer.load_after = max(later, now + timedelta(seconds=1)) if later else now + ASK_AGAIN
    for contact in event.contacts:
        if contact.contact_id in buffer.held or contact.contact_id in world.contacts:
            world.odd("contact_claimed_twice", detail=contact.contact_id)
        elif world.paused or world.draining:
            give_back(world, contact, now, reason=world.draining or "paused")
        else:
            buffer.add(contact, now)
    world.pace_due = True


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
    contact = world.buffer.remove(event.contact_id)
    if contact is not None:
        _finish(world, contact, now, reason=event.reason)
        return
    attempt_id = world.contacts.get(event.contact_id)
    if attempt_id is not None:
        world.calls[attempt_id].contact_removed = event.reason or "removed"


def next_dialable(
    world: World, rules: Sequence[Rule], now: datetime
) -> tuple[Dialable, Number] | None:
    """The next contact that may be called now, and the number; the others go back with a reason."""
    while (found := world.buffer.pop()) is not None:
        contact, claimed_at = found
        if now - claimed_at > CLAIM_LIFE:
            give_back(world, contact, now, reason="claim_expired")
        elif not contact.numbers:
            _finish(world, contact, now, reason="no_number")
        else:
            refusals: list[tuple[Verdict, Number]] = []
            for number in _in_turn(contact):
                verdict = judge(
                    contact, number, settings=world.started.settings, rules=rules, now=now
                )
                if verdict.allowed:
                    return contact, number
                refusals.append((verdict, number))
            _refuse(world, contact, refusals, now)
    return None


def _in_turn(contact: Dialable) -> tuple[Number, ...]:
    """The numbers, the one whose turn it is first: every attempt moves on by one."""
    start = contact.attempts % len(contact.numbers)
    return contact.numbers[start:] + contact.numbers[:start]


def _refuse(
    world: World, contact: Dialable, refusals: Sequence[tuple[Verdict, Number]], now: datetime
) -> None:
    dated = [(v.due_at, v, number) for v, number in refusals if v.due_at is not None]
    if not dated:
        _finish(world, contact, now, reason=refusals[0][0].reason)
        return
    due_at, verdict, number = min(dated, key=lambda found: found[0])
    world.buffer.news(due_at)
    world.emit(
        ReturnContact(
            contact_id=contact.contact_id,
            reason=verdict.reason,
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
