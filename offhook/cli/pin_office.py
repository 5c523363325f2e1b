"""What the commands of `offhook pin` share: the office, a PIN that is typed, terms."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from dialer.numbers import InvalidNumber, parse_number
from dialer.windows import zone_info
from offhook.cli.output import prepare
from offhook.home import database_url
from offhook.pins.digits import HiddenDigits
from offhook.pins.enrolment import PinOffice
from offhook.pins.errors import BadPinTerms
from offhook.pins.keys import PinKeys
from offhook.pins.pin_file import read_moment
from offhook.pins.stretching import Stretcher
from offhook.storage.pin_store import Terms
from offhook.storage.pool import open_pool
from offhook.temporal.codec import KeyRing

Customer = Annotated[str, typer.Argument(help="The number or name your customers are known by.")]
OfPolicy = Annotated[str, typer.Option("--policy", help="Name of the policy.")]
Generate = Annotated[
    bool, typer.Option("--generate", help="Make a PIN and show it, this once only.")
]
From = Annotated[str, typer.Option("--from", help="First day, or instant, on which it counts.")]
Until = Annotated[str, typer.Option("--until", help="Last day, or the instant at which it ends.")]
Caller = Annotated[
    list[str] | None, typer.Option("--caller", help="A number it counts from; repeat it.")
]
Zone = Annotated[str, typer.Option(help="Zone of days and of instants without one.")]
Region = Annotated[str, typer.Option(help="Country of numbers without a country code.")]


@asynccontextmanager
async def open_pins() -> AsyncIterator[PinOffice]:
    """The office for the length of the block."""
    settings = prepare()
    keys = PinKeys.of(KeyRing.load(settings))
    stretcher = Stretcher()
    pool = await open_pool(database_url(settings), size=2, application="offhook-cli")
    try:
        yield PinOffice(pool, keys, stretcher, lambda: datetime.now(UTC))
    finally:
        await pool.close()
        stretcher.close()


def typed_pin() -> HiddenDigits:
    """The PIN, typed twice without being shown; from a pipe, its first line."""
    if sys.stdin.isatty():
        text = typer.prompt("PIN", hide_input=True, confirmation_prompt=True)
    else:
        text = sys.stdin.readline()
    try:
        return HiddenDigits(text.strip())
    except ValueError:
        raise BadPinTerms(
            "no PIN was given: it is 1 to 32 digits",
            hint="type it when asked, pipe it in, or let one be made with --generate",
        ) from None


def terms_of(begin: str, until: str, callers: list[str] | None, zone: str, region: str) -> Terms:
    """Terms as they were given on the command line."""
    where = zone_info(zone)
    return Terms(
        valid_from=_moment(begin, where, end=False),
        valid_until=_moment(until, where, end=True),
        callers=tuple(number_of(one, region) for one in callers or ()),
    )


def number_of(text: str, region: str) -> str:
    """A number with its country code."""
    try:
        return parse_number(text, region, allow_premium=True)
    except InvalidNumber as error:
        raise typer.BadParameter(str(error)) from None


def _moment(text: str, zone: ZoneInfo, *, end: bool) -> datetime | None:
    if not text:
        return None
    try:
        return read_moment(text, zone, end=end)
    except ValueError:
        raise typer.BadParameter(f"{text} is neither YYYY-MM-DD nor an ISO instant") from None
