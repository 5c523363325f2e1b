"""What an agent says of a contact, and what that makes of him once the attempt has ended.

A disposition may come while they talk, in wrap-up, or long after; the attempt is remembered for a
while, so that the contact it was about is known. Whoever is being called again by then is left to
that call, unless he is not to be called any more.
"""

from datetime import datetime

from dialer.commands import ContactState, RecycleContact
from dialer.events import Disposed
from dialer.live.things import LiveCall
from dialer.live.world import World
from dialer.model import AttemptId, Dialable, Number
from dialer.outcomes import Outcome
from dialer.retry import after_disposition
from dialer.why_words import SAID


def disposed(world: World, event: Disposed, now: datetime) -> None:
    """Take note of a disposition; where the attempt has ended, act on it at once."""
    call = world.calls.get(event.attempt_id)
    if call is not None:
        call.disposition = event.code
        return
    past = world.past.get(event.attempt_id)
    if past is None or past.contact is None or past.number is None:
        if event.code in world.started.settings.retry.dispositions:
            world.odd("disposition_of_forgotten_attempt", event.attempt_id)
        return
    _recycle(world, event.attempt_id, event.code, past.contact, past.number, now)


def closed(world: World, call: LiveCall, now: datetime) -> None:
    """Remember whom an attempt was about, and act on what an agent has said already."""
    past = world.past.get(call.attempt_id)
    if past is not None:
        past.contact, past.number = call.contact, call.number
    if call.disposition and not call.contact_removed:
        _recycle(world, call.attempt_id, call.disposition, call.contact, call.number, now)


def _recycle(
    world: World, attempt_id: str, code: str, contact: Dialable, number: Number, now: datetime
) -> None:
    rules = world.started.settings.retry
    tried = dict(contact.tried)
    tried[Outcome.answered] = tried.get(Outcome.answered, 0) + 1
    said = dict(contact.said)
    said[code] = said.get(code, 0) + 1
    others = sum(one.number != number.number for one in contact.numbers)
    again = after_disposition(code, tried, said, now=now, rules=rules, numbers_left=others)
    if again is None:
        return
    if contact.contact_id in world.contacts or contact.contact_id in world.buffer.held:
        world.odd("disposition_of_contact_in_progress", attempt_id, code)
        return
    if again.at is not None:
        world.buffer.news(again.at)
    rule = rules.dispositions[code]
    world.emit(
        RecycleContact(
            contact_id=contact.contact_id,
            attempt_id=AttemptId(attempt_id),
            code=code,
            at=now,
            contact_state=ContactState.finished if again.at is None else ContactState.ready,
            reason=f"{SAID}{code}" if again.reason == "disposition" else again.reason.value,
            due_at=again.at,
            wrong_number=number.number if rule.wrong_number else "",
        )
    )
