"""Calls that the record did not agree to, after the engine had decided on them."""

from datetime import datetime

from dialer.commands import ContactState, ReturnContact
from dialer.events import CallForbidden
from dialer.live import closing
from dialer.live.world import World


def on_forbidden(world: World, event: CallForbidden, now: datetime) -> None:
    """Give the contact back with the reason; its attempt was never written, so it has no end."""
    call = world.calls.get(event.attempt_id)
    removed = ""
    if call is None:
        world.odd("forbidden_unknown", event.attempt_id, event.reason)
        if event.contact_id in world.contacts or event.contact_id in world.buffer.held:
            return
    else:
        removed = call.contact_removed
        closing.withdraw(world, call, now)
    again = event.until is not None and not removed
    if event.until is not None and again:
        world.buffer.news(max(event.until, now))
    world.emit(
        ReturnContact(
            contact_id=event.contact_id,
            reason=removed or event.reason,
            at=now,
            contact_state=ContactState.ready if again else ContactState.finished,
            due_at=event.until if again else None,
            number=event.number,
        )
    )
