"""The phonebook of a VOIspeed PBX: contacts as it wants them, and what it did with them."""

from __future__ import annotations

from collections.abc import Sequence

from activities.phonebook import BookEntry, BookNote, BookReport
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.client import VoispeedClient

_BY_LABEL = {
    "mobile": "nummobile",
    "cell": "nummobile",
    "home": "numhome",
    "office": "numoffice",
    "work": "numoffice",
    "fax": "numfax",
    "sms": "numsms",
    "other": "numother",
}
_BY_ORDER = ("nummobile", "numoffice", "numhome", "nummobil2", "numother")
"""Where a number goes whose label says nothing, or whose place is taken."""


class VoispeedPhonebook:
    """`activities.phonebook.Phonebook` by `phonebook_import_sync`."""

    def __init__(self, client: VoispeedClient) -> None:
        self._client = client

    async def sync(self, entries: Sequence[BookEntry], *, app_name: str) -> BookReport:
        """Insert or overwrite contacts by application and id; safe to repeat."""
        report = await self._client.sync_contacts(
            [sync_contact(entry, app_name) for entry in entries], verbose=True
        )
        return BookReport(
            processed=report.processed,
            skipped=report.skipped,
            warnings=report.warnings,
            errors=report.errors,
            notes=tuple(
                BookNote(
                    external_id=contact.uc_external_id or "",
                    act=contact.act or "",
                    info=contact.info or "",
                )
                for contact in report.contacts
                if contact.info or not contact.act
            ),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def sync_contact(entry: BookEntry, app_name: str) -> wire.SyncContact:
    """A contact as the import takes it; numbers beyond the PBX's places are left out."""
    placed: dict[str, str] = {}
    for label, number in entry.numbers:
        wanted = _BY_LABEL.get(label.casefold())
        free = [place for place in (wanted, *_BY_ORDER) if place and place not in placed]
        if free:
            placed[free[0]] = number
    return wire.SyncContact(
        name=entry.name or None,
        uc_app_name=app_name,
        uc_external_id=str(entry.contact_id),
        ext_info=tuple(wire.ExtInfo(caption=caption, value=value) for caption, value in entry.info),
        nummobile=placed.get("nummobile"),
        numoffice=placed.get("numoffice"),
        numhome=placed.get("numhome"),
        nummobil2=placed.get("nummobil2"),
        numfax=placed.get("numfax"),
        numsms=placed.get("numsms"),
        numother=placed.get("numother"),
    )
