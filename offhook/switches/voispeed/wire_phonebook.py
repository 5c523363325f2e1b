"""The directory of a VOIspeed PBX: contacts, their import, and what the import did with each."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from offhook.switches.voispeed.wire_codec import DEFAULT_DIALECT, Dialect, Named, Skip, WireError
from offhook.switches.voispeed.wire_replies import (
    PROLOGUE,
    Record,
    Refused,
    parse_record,
    parse_result,
    render_record,
)
from offhook.switches.voispeed.wire_xml import escape, leaves, parse_tree

_NOT_DIALLABLE = re.compile(r"[^0-9]")
NUMBER_FIELDS = (
    "numoffice", "numhome", "nummobile", "numsms", "nummobil2", "numfax", "numother",
)  # fmt: skip


def sanitise_number(number: str) -> str:
    """`number` as the PBX keeps it: digits, with a leading plus if there was one."""
    number = number.strip()
    return ("+" if number.startswith("+") else "") + _NOT_DIALLABLE.sub("", number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact(Record):
    """A contact as `get_phonebook` tells it."""

    tag = "contact"

    contact_id: Annotated[str | None, Named("id", ("contact_id",))] = None
    name: str | None = None
    surname: str | None = None
    company: str | None = None
    office: str | None = None
    home: str | None = None
    mobile: str | None = None
    fax: str | None = None
    other: str | None = None
    email: str | None = None
    is_favourite: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtInfo:
    """One line that the PBX shows beside a contact during a call."""

    caption: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncContact:
    """A contact of another application to import; the last two ids say which one it is."""

    name: str | None = None
    surname: str | None = None
    company: str | None = None
    numoffice: str | None = None
    numhome: str | None = None
    nummobile: str | None = None
    numsms: str | None = None
    nummobil2: str | None = None
    numfax: str | None = None
    numother: str | None = None
    email: str | None = None
    uc_app_name: str | None = None
    uc_external_id: str | None = None
    ext_info: tuple[ExtInfo, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The JSON object of this contact; what is None is left out."""
        values: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "ext_info" and value is not None:
                values[item.name] = value
        if self.ext_info:
            values["ext_info"] = [{"caption": i.caption, "value": i.value} for i in self.ext_info]
        return values


_SYNC_NAMES = tuple(item.name for item in fields(SyncContact) if item.name != "ext_info")


def render_sync_contacts(contacts: Sequence[SyncContact]) -> str:
    """The value of the form field `contacts`."""
    return json.dumps([contact.to_json() for contact in contacts], ensure_ascii=False)


def parse_sync_contacts(
    text: str, dialect: Dialect = DEFAULT_DIALECT
) -> tuple[SyncContact | None, ...]:
    """The contacts in the form field; None in the place of one that is not an object of texts."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = "phonebook_import_sync, contacts"
        raise WireError(f"not JSON ({error})", where=where, link=dialect.link) from error
    if not isinstance(items, list):
        raise WireError("not a list", where="phonebook_import_sync, contacts", link=dialect.link)
    return tuple(_sync_contact(item) for item in items)


def _sync_contact(item: object) -> SyncContact | None:
    if not isinstance(item, dict):
        return None
    values: dict[str, Any] = {}  # checked to be text below; mypy can't follow a dynamic key
    for name in _SYNC_NAMES:
        value = item.get(name)
        if value is None:
            continue
        if not isinstance(value, str | int):
            return None
        values[name] = str(value).strip() or None
    info = _ext_info(item.get("ext_info"))
    return SyncContact(**values, ext_info=info)


def _ext_info(value: object) -> tuple[ExtInfo, ...]:
    """The lines of `ext_info`, given as a list or as its JSON text; anything else is no line."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return ()
    if not isinstance(value, list):
        return ()
    return tuple(
        ExtInfo(caption=str(line["caption"]), value=str(line["value"]))
        for line in value
        if isinstance(line, dict) and "caption" in line and "value" in line
    )


def render_multipart(contacts: Sequence[SyncContact], *, boundary: str) -> tuple[str, bytes]:
    """(content type, body) of the POST that imports `contacts`."""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="contacts"\r\n\r\n'
    body = f"{head}{render_sync_contacts(contacts)}\r\n--{boundary}--\r\n"
    return f"multipart/form-data; boundary={boundary}", body.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncedContact(Record):
    """What the import did with one contact; `act` is insert or update."""

    tag = "contact"

    uc_external_id: str | None = None
    contact_id: Annotated[str | None, Named("id")] = None
    act: str | None = None
    info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport(Record):
    """How many contacts an import took, skipped, warned about and failed on."""

    tag = "result"

    processed: int
    skipped: int = 0
    warnings: int = 0
    errors: int = 0
    contacts: Annotated[tuple[SyncedContact, ...], Skip()] = field(default=())

    def render(self, dialect: Dialect = DEFAULT_DIALECT) -> bytes:
        """The XML of this report; contacts are listed when there are any."""
        inner = "".join(render_record(contact, dialect) for contact in self.contacts)
        inner = f"<contacts>{inner}</contacts>" if inner else ""
        body = render_record(self, dialect, inner)
        return PROLOGUE.encode() + body.replace("<result>", "<result><outcome>0</outcome>").encode()


def parse_sync_report(body: bytes, dialect: Dialect = DEFAULT_DIALECT) -> SyncReport | Refused:
    """What an import did."""
    root = parse_result(body, dialect, "phonebook_import_sync")
    if isinstance(root, Refused):
        return root
    found = root.findall("contacts/contact")
    contacts = tuple(parse_record(SyncedContact, contact, dialect) for contact in found)
    report = parse_record(SyncReport, root, dialect, contacts=contacts)
    report.extra.pop("outcome", None)  # type: ignore[attr-defined]  # ours alone until returned
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAdded:
    """The id the PBX gave to a new contact."""

    contact_id: str

    def render(self, dialect: Dialect = DEFAULT_DIALECT) -> bytes:
        """The XML of this reply."""
        inner = f"<contact_id>{escape(self.contact_id)}</contact_id>"
        return f"{PROLOGUE}<result><outcome>0</outcome>{inner}</result>".encode()


def parse_contact_added(body: bytes, dialect: Dialect = DEFAULT_DIALECT) -> ContactAdded | Refused:
    """The id of the contact just added."""
    root = parse_result(body, dialect, "add_phonebook")
    if isinstance(root, Refused):
        return root
    contact_id = leaves(root).get("contact_id")
    if not contact_id:
        raise WireError("no contact_id", where="add_phonebook", link=dialect.link)
    return ContactAdded(contact_id=contact_id)


def parse_contacts(
    body: bytes, dialect: Dialect = DEFAULT_DIALECT
) -> tuple[Contact, ...] | Refused:
    """The contacts found; the guide shows them without a result around them."""
    root = parse_tree(body, where="get_phonebook", link=dialect.link)
    if root.tag == "result":
        checked = parse_result(body, dialect, "get_phonebook")
        if isinstance(checked, Refused):
            return checked
    return tuple(parse_record(Contact, element, dialect) for element in root.iter("contact"))


def render_contacts(contacts: Sequence[Contact], dialect: Dialect = DEFAULT_DIALECT) -> bytes:
    """The reply of `get_phonebook`."""
    inner = "".join(render_record(contact, dialect) for contact in contacts)
    return f"{PROLOGUE}<result><outcome>0</outcome><contacts>{inner}</contacts></result>".encode()
