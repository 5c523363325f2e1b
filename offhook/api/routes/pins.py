"""PINs: given out, replaced, taken back; never shown but once."""

import asyncio
import csv
import io
import tempfile
from http import HTTPStatus
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    WithJsonSchema,
)

from dialer.contacts_csv import ContactFileError
from dialer.contacts_csv.export import escape
from dialer.numbers import parse_number
from offhook.accounts.roles import Permission
from offhook.api.auth import requires
from offhook.api.paging import Cursor, Limit, Page, read_cursor, write_cursor
from offhook.api.problems import RESPONSES, ApiError
from offhook.api.requests import FIRST, LAST, Key, RegionName, Sent, Zone
from offhook.api.services import Back
from offhook.pins.digits import HiddenDigits
from offhook.pins.enrolment import MAX_CUSTOMER
from offhook.pins.importing import enrol_file
from offhook.pins.pin_file import PinFile
from offhook.storage.pin_policies import DEFAULT
from offhook.storage.pin_store import PinRow, Terms

router = APIRouter(prefix="/pins", tags=["PINs"], responses=RESPONSES)

CanRead = requires(Permission.pins_read)
CanWrite = requires(Permission.pins_write)
Customer = Annotated[
    str, Field(min_length=1, max_length=MAX_CUSTOMER, pattern=r"^[^\x00-\x1f\x7f/]+$")
]
Policy = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f/]+$")]
Moment = Annotated[AwareDatetime, Field(ge=FIRST, le=LAST)]
CSV = "text/csv"


class PinFileUnreadable(ApiError):
    """A file of customers can't be read."""

    code = "pin_file_unreadable"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, why: str) -> None:
        super().__init__(why, hint="send CSV with the columns customer, pin, valid_from, ...")


def _are_digits(pin: SecretStr) -> SecretStr:
    typed = pin.get_secret_value()
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 32):
        raise ValueError("a PIN is 1 to 32 digits")
    return pin


Digits = Annotated[
    SecretStr,
    AfterValidator(_are_digits),
    WithJsonSchema({"type": "string", "format": "password", "pattern": "^[0-9]{1,32}$"}),
]


class Enrolment(Sent):
    """A customer's PIN, and when and from where it counts."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"customer": "1001", "valid_until": "2027-12-31T23:59:59+01:00"}]
        }
    )

    customer: Customer
    pin: Digits | None = None
    """None has one made, which the answer shows this once."""
    policy: Policy = DEFAULT
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    callers: Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=20)] = ()
    """Numbers that it counts from; none are any."""
    region: RegionName = "IT"


class ResetBody(Sent):
    """Another PIN on the same terms."""

    pin: Digits | None = None
    policy: Policy = DEFAULT


class Given(BaseModel):
    """Who has a PIN now."""

    customer: str
    policy: str
    pin: str | None = None
    """Only one that was made, and only here."""


class Enrolled(BaseModel):
    """What came of a file."""

    enrolled: int
    refused: int
    refused_lines: list[dict[str, Any]]
    """The first, with the reason of each; never a PIN."""
    pins: str | None = None
    """`customer,pin` of those that were made, as a file; only here."""


@router.get("", dependencies=[CanRead], summary="List who has a PIN")
async def index(
    backend: Back,
    policy: Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = "",
    customer: Annotated[str, Query(max_length=MAX_CUSTOMER, pattern=r"^[^\x00-\x1f\x7f]*$")] = "",
    revoked: Annotated[bool, Query(description="Revoked ones too.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PinRow]:
    """By policy and customer, with terms and last use; never the PIN."""
    place = read_cursor(cursor, 2)
    async with backend.pins() as office:
        found = await office.store.pins(
            policy=policy,
            customer=customer,
            revoked=revoked,
            after=(place[0], place[1]) if place else ("", ""),
            limit=limit + 1,
        )
    last = found[limit - 1] if len(found) > limit else None
    more = write_cursor(last.policy, last.customer) if last else None
    return Page(items=found[:limit], next_cursor=more)


@router.post("", dependencies=[CanWrite], status_code=201, summary="Give a PIN")
async def enrol(body: Enrolment, backend: Back) -> Given:
    """Give a customer a PIN, or have one made; what is known to be weak is refused."""
    terms = Terms(
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        callers=[parse_number(one, body.region, allow_premium=True) for one in body.callers],
    )
    async with backend.pins() as office:
        given = await office.enrol(body.customer, _typed(body.pin), terms, policy=body.policy)
    return _given(body.customer, body.policy, given, shown=body.pin is None)


@router.post("/{customer}/reset", dependencies=[CanWrite], summary="Replace a PIN")
async def reset(customer: Key, backend: Back, body: ResetBody | None = None) -> Given:
    """The old one stops at once; dates and numbers stay."""
    wanted = body or ResetBody()
    async with backend.pins() as office:
        given = await office.reset(customer, _typed(wanted.pin), policy=wanted.policy)
    return _given(customer, wanted.policy, given, shown=wanted.pin is None)


@router.delete("/{customer}", dependencies=[CanWrite], status_code=204, summary="Take a PIN back")
async def revoke(
    customer: Key, backend: Back, policy: Annotated[Policy, Query()] = DEFAULT
) -> Response:
    """At once."""
    async with backend.pins() as office:
        await office.revoke(customer, policy=policy)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/imports",
    dependencies=[CanWrite],
    summary="Give PINs to the customers of a file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                CSV: {
                    "schema": {"type": "string"},
                    "example": "customer,pin,valid_until\r\n1001,,2027-12-31\r\n",
                }
            },
        }
    },
)
async def import_file(
    request: Request,
    backend: Back,
    policy: Annotated[Policy, Query()] = DEFAULT,
    zone: Annotated[Zone, Query()] = "Europe/Rome",
    region: Annotated[RegionName, Query()] = "IT",
) -> Enrolled:
    """Columns: customer, pin, valid_from, valid_until, callers; without a PIN one is made."""
    letters = io.StringIO()
    writer = csv.writer(letters)

    def made(customer: str, pin: HiddenDigits) -> None:
        writer.writerow([escape(customer), pin.reveal()])

    with tempfile.TemporaryFile() as kept:
        async for chunk in request.stream():
            await asyncio.to_thread(kept.write, chunk)
        kept.seek(0)
        file = PinFile(kept, ZoneInfo(zone or "UTC"), region)
        async with backend.pins() as office:
            try:
                enrolled, bad = await enrol_file(office, file, policy=policy, made=made)
            except ContactFileError as error:
                raise PinFileUnreadable(str(error)) from None
    told = [{"line": one.line, "code": one.code, "reason": one.reason} for one in bad[:20]]
    return Enrolled(
        enrolled=enrolled, refused=len(bad), refused_lines=told, pins=letters.getvalue() or None
    )


def _typed(pin: SecretStr | None) -> HiddenDigits | None:
    return None if pin is None else HiddenDigits(pin.get_secret_value())


def _given(customer: str, policy: str, pin: HiddenDigits, *, shown: bool) -> Given:
    return Given(customer=customer, policy=policy, pin=pin.reveal() if shown else None)
