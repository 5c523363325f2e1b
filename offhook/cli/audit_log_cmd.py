"""`offhook audit log`: who did what."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from offhook.accounts.audit_csv import audit_lines
from offhook.accounts.principal import Kind
from offhook.cli.account_office import open_accounts
from offhook.cli.output import JsonOption, emit, run_async
from offhook.storage.account_audit import AuditFilter, AuditRow
from offhook.storage.account_tables import AuditResult

Moment = datetime | None


def log(
    actor: Annotated[str | None, typer.Option(help="Id or name of who did it.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="What kind of who.")] = None,
    action: Annotated[
        str | None, typer.Option(help="`campaign.pause`, or `campaign.` for all about campaigns.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="`campaign/ID`, or `campaign/` for every one.")
    ] = None,
    result: Annotated[AuditResult | None, typer.Option(help="What became of it.")] = None,
    since: Annotated[Moment, typer.Option("--from", help="From this instant, local time.")] = None,
    until: Annotated[Moment, typer.Option("--to", help="Until before it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write all of them to this file; `-`: to here.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Show who did what, from where, and what was before and after; the newest first.

    Example: offhook audit log --actor rossi --action campaign.
    """
    wanted = AuditFilter(
        since=since.astimezone() if since else None,
        until=until.astimezone() if until else None,
        actor=actor,
        kind=kind,
        action=action,
        subject=subject,
        result=result,
    )
    if csv is not None:
        emit({"entries": run_async(_write(wanted, csv))}, json_output, lambda _: "")
        return
    rows = run_async(_read(wanted, limit))
    emit({"entries": rows}, json_output, lambda found: _shown(found["entries"]))


async def _read(wanted: AuditFilter, limit: int) -> list[AuditRow]:
    async with open_accounts() as office:
        return await office.log.page(wanted, limit=limit)


async def _write(wanted: AuditFilter, path: Path) -> int:
    """Write them; how many there were."""
    lines = 0
    async with open_accounts() as office:
        if str(path) == "-":
            async for line in audit_lines(office.log.every(wanted)):
                sys.stdout.write(line)
                lines += 1
        else:
            with path.open("w", encoding="utf-8", newline="") as file:
                async for line in audit_lines(office.log.every(wanted)):
                    file.write(line)
                    lines += 1
    return lines - 1


def _shown(rows: list[AuditRow]) -> Table | str:
    if not rows:
        return "nobody did any such thing"
    table = Table("at", "who", "from", "what", "to which", "came of it")
    for row in rows:
        who = row.actor_name or row.actor
        if row.kind is not Kind.user:
            who = f"{who} ({row.kind})"
        came = row.result if not row.code else f"{row.result}: {row.code}"
        at = f"{row.at.astimezone():%Y-%m-%d %H:%M:%S}"
        table.add_row(at, who, row.address, row.action, row.subject, came)
    return table
