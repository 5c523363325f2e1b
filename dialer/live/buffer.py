"""Contacts claimed and not dialed yet: in turn, then highest priority first, then longest due."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime

from dialer.model import ContactId, Dialable


@dataclass(slots=True)
class Buffer:
    """The contacts at hand, and what is known of those that aren't."""

    held: dict[ContactId, tuple[Dialable, datetime]] = field(default_factory=dict)
    heap: list[tuple[int, int, datetime, ContactId]] = field(default_factory=list)
    asked: int = 0
    """How many were asked for and haven't come yet."""
    asked_at: datetime | None = None
    exhausted: bool = False
    """The store has nobody else, now or later."""
    kept: list[ContactId] = field(default_factory=list)
    """Those held that are dialed only with an agent kept for them, in order."""
    changed: bool = False
    """Lists were changed while the store was asked: its reply may be older than that."""
    load_after: datetime | None = None
    """Don't ask before: nobody else is due until then."""

    def __len__(self) -> int:
        return len(self.held)

    def add(self, contact: Dialable, now: datetime) -> None:
        """Take a contact in."""
        self.held[contact.contact_id] = (contact, now)
        place = (contact.turn, -contact.priority, contact.due_at, contact.contact_id)
        heapq.heappush(self.heap, place)

    def pop(self) -> tuple[Dialable, datetime] | None:
        """The next contact and when it was claimed."""
        while self.heap:
            found = self.held.pop(heapq.heappop(self.heap)[-1], None)
            if found is not None:
                return found
        return None

    def keep(self, contact: Dialable, claimed_at: datetime) -> None:
        """Put a contact aside until an agent can be kept for it."""
        self.held[contact.contact_id] = (contact, claimed_at)
        self.kept.append(contact.contact_id)

    def pop_kept(self) -> tuple[Dialable, datetime] | None:
        """The first of those put aside, and when it was claimed."""
        while self.kept:
            found = self.held.pop(self.kept.pop(0), None)
            if found is not None:
                return found
        return None

    def remove(self, contact_id: ContactId) -> Dialable | None:
        """Drop a contact, if it is here."""
        found = self.held.pop(contact_id, None)
        return found[0] if found else None

    def clear(self) -> list[Dialable]:
        """Drop everybody, in order of claim."""
        contacts = [contact for contact, _ in self.held.values()]
        self.held.clear()
        self.heap.clear()
        self.kept.clear()
        return contacts

    def news(self, due_at: datetime) -> None:
        """The store will have somebody due at `due_at`."""
        if self.exhausted:
            self.exhausted, self.load_after = False, due_at
        elif self.load_after is not None:
            self.load_after = min(self.load_after, due_at)
