"""`offhook pin`: give PINs out, take them back, see who tries."""

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.table import Table

from dialer.contacts_csv.export import escape
from dialer.windows import zone_info
from offhook.cli import pin_watch_cmd
from offhook.cli.output import JsonOption, emit, run_async
from offhook.cli.pin_office import (
    Caller,
    Customer,
    From,
    Generate,
    OfPolicy,
    Region,
    Until,
    Zone,
    open_pins,
    terms_of,
    typed_pin,
)
from offhook.pins.digits import HiddenDigits
from offhook.pins.errors import BadPinTerms
from offhook.pins.importing import Made, enrol_file
from offhook.pins.pin_file import PinFile, write_refused
from offhook.storage.pin_policies import DEFAULT
from offhook.storage.pin_store import PinRow

app = typer.Typer(
    help="Give PINs out, take them back, see who tries.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Give PINs out, take them back, see who tries."""


@app.command()
def enrol(
    customer: Customer,
    policy: OfPolicy = DEFAULT,
    generate: Generate = False,
    begin: From = "",
    until: Until = "",
    caller: Caller = None,
    zone: Zone = "Europe/Rome",
    region: Region = "IT",
    json_output: JsonOption = False,
) -> None:
    """Give a customer a PIN: typed when asked, read from a pipe, or made with --generate.

    A PIN is never an argument: the list of processes and the shell's history would keep it.

    Examples:

    offhook pin enrol 1001 --generate --until 2027-12-31

    pass show pins/1002 | offhook pin enrol 1002 --caller "+39 0733 123456"
    """
    terms = terms_of(begin, until, caller, zone, region)
    pin = None if generate else typed_pin()

    async def work() -> dict[str, Any]:
        async with open_pins() as office:
            given = await office.enrol(customer, pin, terms, policy=policy)
        return _given(customer, policy, given if generate else None)

    emit(run_async(work()), json_output, _shown_given)


@app.command()
def reset(
    customer: Customer,
    policy: OfPolicy = DEFAULT,
    generate: Generate = False,
    json_output: JsonOption = False,
) -> None:
    """Replace a customer's PIN; the old one stops at once, dates and numbers stay.

    Example: offhook pin reset 1001 --generate
    """
    pin = None if generate else typed_pin()

    async def work() -> dict[str, Any]:
        async with open_pins() as office:
            given = await office.reset(customer, pin, policy=policy)
        return _given(customer, policy, given if generate else None)

    emit(run_async(work()), json_output, _shown_given)


@app.command()
def revoke(customer: Customer, policy: OfPolicy = DEFAULT, json_output: JsonOption = False) -> None:
    """Take a customer's PIN back at once.

    Example: offhook pin revoke 1001
    """

    async def work() -> dict[str, Any]:
        async with open_pins() as office:
            await office.revoke(customer, policy=policy)
        return {"customer": customer, "policy": policy, "revoked": True}

    emit(run_async(work()), json_output, lambda _: "revoked")


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV of customers.")],
    policy: OfPolicy = DEFAULT,
    out: Annotated[
        Path | None, typer.Option(help="New file for the PINs that are made; only you can read it.")
    ] = None,
    refused: Annotated[
        Path | None, typer.Option(help="New file for the refused lines, with reasons.")
    ] = None,
    zone: Zone = "Europe/Rome",
    region: Region = "IT",
    json_output: JsonOption = False,
) -> None:
    """Enrol every customer of a file; lines that can't be are told with the reason.

    Columns: customer, pin, valid_from, valid_until, callers. Without a PIN one is made, which
    needs --out. Import the same file again, and who has a PIN is refused, nothing is changed.

    Example: offhook pin import club.csv --out letters.csv --refused mend.csv
    """

    async def work() -> dict[str, Any]:
        async with open_pins() as office:
            with path.open("rb") as source:
                file = PinFile(source, zone_info(zone), region)
                with _new_file(out) as letters:
                    enrolled, bad = await enrol_file(
                        office, file, policy=policy, made=_writer(letters)
                    )
        if refused is not None:
            with _new_file(refused) as mend:
                if mend is not None:
                    write_refused(bad, file.header, mend)
        told = [{"line": one.line, "code": one.code, "reason": one.reason} for one in bad[:20]]
        return {"enrolled": enrolled, "refused": len(bad), "refused_lines": told}

    emit(run_async(work()), json_output, _shown_import)


def _writer(letters: TextIO | None) -> Made | None:
    """What writes each PIN that is made into a file, line by line."""
    if letters is None:
        return None

    def write(customer: str, pin: HiddenDigits) -> None:
        csv.writer(letters).writerow([escape(customer), pin.reveal()])
        letters.flush()

    return write


@contextmanager
def _new_file(path: Path | None) -> Iterator[TextIO | None]:
    """A file that wasn't there, readable by its owner only; nothing without a path."""
    if path is None:
        yield None
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BadPinTerms(f"{path} exists already", hint="name a new file") from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        yield file


@app.command("list")
def list_(
    policy: Annotated[str, typer.Option(help="Only PINs of this policy.")] = "",
    customer: Annotated[str, typer.Option(help="Only this customer's.")] = "",
    revoked: Annotated[bool, typer.Option("--revoked", help="Revoked ones too.")] = False,
    after: Annotated[str, typer.Option(help="Go on behind this customer, of --policy.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most lines.")] = 100,
    json_output: JsonOption = False,
) -> None:
    """List who has a PIN, on which terms, and when it was used last; never the PIN.

    Example: offhook pin list --policy club
    """

    async def work() -> dict[str, Any]:
        async with open_pins() as office:
            rows = await office.store.pins(
                policy=policy,
                customer=customer,
                revoked=revoked,
                after=(policy, after) if after else ("", ""),
                limit=limit,
            )
            keys = await office.store.key_use()
            missing = [one.key_id for one in keys if one.key_id not in office.keys.ids]
        return {"pins": rows, "keys": keys, "missing_keys": missing}

    emit(run_async(work()), json_output, _shown_pins)


def _given(customer: str, policy: str, pin: HiddenDigits | None) -> dict[str, Any]:
    told = {"customer": customer, "policy": policy}
    return told if pin is None else told | {"pin": pin.reveal()}


def _shown_given(done: dict[str, Any]) -> str:
    text = f"customer {done['customer']} has a PIN of the policy {done['policy']}"
    return f"{text}: {done['pin']} (it is not shown again)" if "pin" in done else text


def _shown_import(done: dict[str, Any]) -> str:
    lines = [f"{done['enrolled']} enrolled, {done['refused']} refused"]
    lines += [f"  line {one['line']}: {one['reason']}" for one in done["refused_lines"]]
    return "\n".join(lines)


def _shown_pins(found: dict[str, Any]) -> Table | str:
    rows: list[PinRow] = found["pins"]
    if not rows:
        return "no PINs"
    now = datetime.now(UTC)
    table = Table("policy", "customer", "valid", "from numbers", "last used", "state")
    for row in rows:
        state = "revoked" if row.revoked_at else "valid"
        if not row.revoked_at and row.valid_until and row.valid_until <= now:
            state = "expired"
        if row.key_id in found["missing_keys"]:
            state = f"key {row.key_id} is missing: reset it"
        begin = f"{row.valid_from:%Y-%m-%d %H:%M}" if row.valid_from else ""
        end = f"{row.valid_until:%Y-%m-%d %H:%M}" if row.valid_until else ""
        used = f"{row.used_at:%Y-%m-%d %H:%M}" if row.used_at else "never"
        table.add_row(
            row.policy,
            row.customer,
            f"{begin} – {end}" if begin or end else "always",
            ", ".join(f"…{number[-2:]}" for number in row.callers) or "any",
            used,
            state,
        )
    return table


pin_watch_cmd.add_to(app)
