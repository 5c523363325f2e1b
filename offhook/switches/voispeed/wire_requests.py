"""Requests to VOIspeed services, both ways: what a client sends is what the simulator reads.

A request becomes query parameters with `service` first; the token is the client's business. Names
the guide lost are ours, chosen after their neighbours in it, and every one can be renamed for a
link (`Dialect.parameter_names`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from offhook.switches.voispeed import wire_codec as codec
from offhook.switches.voispeed.wire_codec import (
    DEFAULT_DIALECT,
    Dialect,
    EntityRef,
    Named,
    WireError,
)
from offhook.switches.voispeed.wire_tables import AutoAnswer, EntityType, UserMode


class Service(StrEnum):
    """Every service of the user, extended and phonebook interfaces."""

    call_request = "call_request"
    call_action = "call_action"
    set_user_mode = "set_user_mode"
    get_user_call_report = "get_user_call_report"
    get_entities = "get_entities"
    get_call_report = "get_call_report"
    get_current_calls = "get_current_calls"
    add_phonebook = "add_phonebook"
    update_phonebook = "update_phonebook"
    delete_phonebook = "delete_phonebook"
    get_phonebook = "get_phonebook"
    phonebook_import_sync = "phonebook_import_sync"
    call_request_ext = "call_request_ext"
    call_transfer_ext = "call_transfer_ext"
    call_divert_ext = "call_divert_ext"
    call_recording_ext = "call_recording_ext"
    call_terminate = "call_terminate"


class CallAction(StrEnum):
    """What `call_action` can do; the guide shows divert and disconnect and speaks of the others."""

    divert = "divert"
    disconnect = "disconnect"
    answer = "answer"
    hold = "hold"
    retrieve = "retrieve"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call of one service."""

    service: ClassVar[Service]

    def to_params(self, dialect: Dialect = DEFAULT_DIALECT) -> dict[str, str]:
        """The query parameters, `service` first."""
        params = {"service": self.service.value}
        params.update(codec.dump(self, dialect, scope=self.service.value))
        return params

    @classmethod
    def parse(cls, params: Mapping[str, str], dialect: Dialect = DEFAULT_DIALECT) -> Self:
        """The request in `params`; `WireError` when one is missing or wrong."""
        return codec.load(cls, params, dialect, scope=cls.service.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest(Request):
    """Make `ext` call `number`, from one of its devices."""

    service = Service.call_request

    ext: str
    number: str
    device: str | None = None
    extid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallActionRequest(Request):
    """Do something to a call that a user has."""

    service = Service.call_action

    ext: str
    call_id: str
    action: str
    number: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUserMode(Request):
    """Say how a user wants calls handled; `number` is where a divert goes."""

    service = Service.set_user_mode

    ext: str
    mode: UserMode
    number: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUserCallReport(Request):
    """Ask for the history of one user."""

    service = Service.get_user_call_report

    ext: str | None = None
    since: Annotated[datetime | None, Named("date_from")] = None
    until: Annotated[datetime | None, Named("date_to")] = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetEntities(Request):
    """List entities of one type; terminals belong to an owner and are listed only for one."""

    service = Service.get_entities

    entity_type: EntityType
    entity_id: str | None = None
    owner_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCallReport(Request):
    """Ask for the history of the whole PBX."""

    service = Service.get_call_report

    call_id: str | None = None
    extid: str | None = None
    since: Annotated[datetime | None, Named("date_from")] = None
    until: Annotated[datetime | None, Named("date_to")] = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCurrentCalls(Request):
    """List the calls in progress, all of them or those of one entity."""

    service = Service.get_current_calls

    entity: EntityRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequestExt(Request):
    """Call one entity ("calling") and, once it accepts, connect it to another ("called").

    `ring_timeout` is not in the guide: a PBX that doesn't know the parameter ignores it.
    """

    service = Service.call_request_ext

    calling: EntityRef
    calling_number: str | None = None
    called: EntityRef
    called_number: str | None = None
    extid: str | None = None
    auto_answer: AutoAnswer | None = None
    ring_timeout: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTransferExt(Request):
    """Put `recipient` of one communication in the place of `replace` in another."""

    service = Service.call_transfer_ext

    replace_com_id: str
    replace: EntityRef
    replace_local_id: str
    recipient_com_id: str
    recipient: EntityRef
    recipient_call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDivertExt(Request):
    """Put a third entity in the place of `replace` in a communication, and ring it."""

    service = Service.call_divert_ext

    call_id: str
    replace: EntityRef | None = None
    replace_local_id: str | None = None
    recipient: EntityRef
    recipient_number: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecordingExt(Request):
    """Start or stop recording a communication."""

    service = Service.call_recording_ext

    call_id: str
    active: Annotated[bool, Named("recording")] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTerminate(Request):
    """End a communication and disconnect both sides."""

    service = Service.call_terminate

    call_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPhonebook(Request):
    """Add a contact to the PBX's directory."""

    service = Service.add_phonebook

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
class UpdatePhonebook(AddPhonebook):
    """Change a contact; what is left out stays."""

    service = Service.update_phonebook

    contact_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePhonebook(Request):
    """Delete a contact: ours by its id, an imported one by application and external id."""

    service = Service.delete_phonebook

    contact_id: str | None = None
    app_name: str | None = None
    external_contact_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPhonebook(Request):
    """Find contacts with `search` in any name, number or address."""

    service = Service.get_phonebook

    search: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonebookImportSync(Request):
    """Import contacts; they travel in the body of the POST (`wire_phonebook`)."""

    service = Service.phonebook_import_sync

    verbose_output: bool | None = None


REQUESTS: Mapping[Service, type[Request]] = {
    cls.service: cls
    for cls in (
        CallRequest, CallActionRequest, SetUserMode, GetUserCallReport, GetEntities, GetCallReport,
        GetCurrentCalls, CallRequestExt, CallTransferExt, CallDivertExt, CallRecordingExt,
        CallTerminate, AddPhonebook, UpdatePhonebook, DeletePhonebook, GetPhonebook,
        PhonebookImportSync,
    )
}  # fmt: skip

_SERVICE = re.compile(r"[a-z_]{1,40}")


def parse_request(params: Mapping[str, str], dialect: Dialect = DEFAULT_DIALECT) -> Request:
    """The request in `params`, whatever its service.

    The guide's own example of `set_user_mode` says `service=call_action`: that is accepted.
    """
    name = params.get("service", "").strip()
    if name not in Service.__members__:
        shown = name if _SERVICE.fullmatch(name) else "that name"
        raise WireError(f"no service {shown!r}", where="service", link=dialect.link)
    service = Service(name)
    if service is Service.call_action and "mode" in params and "action" not in params:
        service = Service.set_user_mode
    return REQUESTS[service].parse(params, dialect)
