"""The directory of the simulated VOIspeed PBX, kept in memory.

A synchronised contact is known by (application, external id): seen again it is overwritten, never
doubled. The guide's lists of reasons to skip or to warn are lost; ours: a contact is skipped
without those two ids, without any name or without any number, and warned about when a number had to
be cleaned or the same contact stands twice in one import.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from offhook.switches.voispeed import wire

_NUMBERS = {
    "office": "numoffice",
    "home": "numhome",
    "mobile": "nummobile",
    "fax": "numfax",
    "other": "numother",
}
_EDITABLE = tuple(
    item.name for item in fields(wire.Contact) if item.name not in ("extra", "contact_id")
)


@dataclass(frozen=True, slots=True)
class _Entry:
    contact: wire.Contact
    app_name: str | None = None
    external_id: str | None = None
    source: wire.SyncContact | None = None


class Phonebook:
    """Contacts by the PBX's own id."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._ids = 0

    def __len__(self) -> int:
        return len(self._entries)

    def _id(self) -> str:
        self._ids += 1
        return str(self._ids)

    def add(self, request: wire.AddPhonebook) -> wire.ContactAdded:
        """A new contact."""
        contact_id = self._id()
        values = {name: getattr(request, name) for name in _EDITABLE}
        self._entries[contact_id] = _Entry(wire.Contact(contact_id=contact_id, **values))
        return wire.ContactAdded(contact_id=contact_id)

    def update(self, request: wire.UpdatePhonebook) -> wire.Accepted | wire.Refused:
        """Change what the request names; the rest stays."""
        entry = self._entries.get(request.contact_id)
        if entry is None:
            return wire.Refused(error="contact not found")
        given = {name: getattr(request, name) for name in _EDITABLE}
        changed = {name: value for name, value in given.items() if value is not None}
        contact = replace(entry.contact, **changed)
        self._entries[request.contact_id] = replace(entry, contact=contact)
        return wire.Accepted()

    def delete(self, request: wire.DeletePhonebook) -> wire.Accepted | wire.Refused:
        """Forget a contact: ours by id, an imported one by application and external id."""
        key: str | None
        if request.contact_id is not None:
            key = request.contact_id
        elif request.app_name and request.external_contact_id:
            key = self._imported(request.app_name, request.external_contact_id)
        else:
            return wire.Refused(error="contact_id, or app_name and external_contact_id, required")
        if key is None or self._entries.pop(key, None) is None:
            return wire.Refused(error="contact not found")
        return wire.Accepted()

    def search(self, text: str) -> tuple[wire.Contact, ...]:
        """Contacts with `text` in any name, number or address, whatever the case."""
        wanted = text.casefold()
        return tuple(
            entry.contact
            for entry in self._entries.values()
            if any(
                isinstance(value := getattr(entry.contact, name), str)
                and wanted in value.casefold()
                for name in _EDITABLE
            )
        )

    def _imported(self, app_name: str, external_id: str) -> str | None:
        for key, entry in self._entries.items():
            if (entry.app_name, entry.external_id) == (app_name, external_id):
                return key
        return None

    def sync(
        self, contacts: Sequence[wire.SyncContact | None], *, verbose: bool
    ) -> wire.SyncReport:
        """Insert or update each contact; say what was done with it when `verbose`."""
        known = {
            (entry.app_name, entry.external_id): key
            for key, entry in self._entries.items()
            if entry.app_name
        }
        seen: set[tuple[str, str]] = set()
        done: list[wire.SyncedContact] = []
        skipped = warnings = 0
        for contact in contacts:
            reason = _reason_to_skip(contact)
            if contact is None or reason is not None:
                skipped += 1
                external = contact.uc_external_id if contact else None
                done.append(wire.SyncedContact(uc_external_id=external, info=reason))
                continue
            coordinates = (contact.uc_app_name or "", contact.uc_external_id or "")
            info = _cleaned(contact)
            if coordinates in seen:
                info = "the contact stands twice in this import"
            seen.add(coordinates)
            warnings += info is not None
            key = known.get(coordinates)
            act = "update" if key else "insert"
            key = known.setdefault(coordinates, key or self._id())
            self._entries[key] = _Entry(_as_contact(key, contact), *coordinates, contact)
            done.append(
                wire.SyncedContact(
                    uc_external_id=contact.uc_external_id, contact_id=key, act=act, info=info
                )
            )
        return wire.SyncReport(
            processed=len(contacts),
            skipped=skipped,
            warnings=warnings,
            errors=0,
            contacts=tuple(done) if verbose else (),
        )


def _numbers(contact: wire.SyncContact) -> list[str]:
    values = (getattr(contact, name) for name in wire.NUMBER_FIELDS)
    return [value for value in values if value]


def _reason_to_skip(contact: wire.SyncContact | None) -> str | None:
    if contact is None:
        return "not a contact"
    if not contact.uc_app_name or not contact.uc_external_id:
        return "uc_app_name and uc_external_id are required"
    if not (contact.name or contact.surname or contact.company):
        return "no name"
    if not any(wire.sanitise_number(number) for number in _numbers(contact)):
        return "no number"
    return None


def _cleaned(contact: wire.SyncContact) -> str | None:
    dirty = any(wire.sanitise_number(number) != number for number in _numbers(contact))
    return "characters that are not digits were removed from a number" if dirty else None


def _as_contact(key: str, contact: wire.SyncContact) -> wire.Contact:
    numbers = {
        name: wire.sanitise_number(getattr(contact, source) or "") or None
        for name, source in _NUMBERS.items()
    }
    return wire.Contact(
        contact_id=key,
        name=contact.name,
        surname=contact.surname,
        company=contact.company,
        email=contact.email,
        is_favourite=False,
        office=numbers["office"],
        home=numbers["home"],
        mobile=numbers["mobile"],
        fax=numbers["fax"],
        other=numbers["other"],
    )
