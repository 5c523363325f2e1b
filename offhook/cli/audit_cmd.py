"""`offhook audit`: every decision of a campaign, recomputed from its journal."""

from contextlib import suppress
from datetime import datetime
from typing import Annotated

import typer
from pydantic import AwareDatetime, BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dialer.audit import Difference, Replay
from dialer.commands import COMMAND, Command
from dialer.model import CampaignId
from dialer.version import DECISIONS
from offhook.cli.audit_log_cmd import log
from offhook.cli.campaign_office import Key, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.errors import OffhookError
from offhook.home import database_url
from offhook.storage.journal import Epoch, Journals
from offhook.storage.pool import open_pool

app = typer.Typer(
    help="Show who did what; recompute a campaign's decisions from its journal.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command()(log)

REDRAW_EVERY = 500
"""Entries between two looks at the progress bar."""


class NothingToReplay(OffhookError):
    """The campaign has no such journal."""

    code = "nothing_to_replay"

    def __init__(self, campaign: str, epoch: int | None, known: list[Epoch]) -> None:
        what = "no journal" if epoch is None else f"no journal of epoch {epoch}"
        there = ", ".join(str(one.epoch) for one in known[-10:])
        hint = f"it has epochs {there}" if known else "it has never dialed, or its journal was old"
        super().__init__(f"campaign {campaign} has {what}", hint=hint)


class Differs(BaseModel):
    """A decision that comes out otherwise."""

    epoch: int
    seq: int
    at: AwareDatetime
    event: str
    position: int
    expected: dict[str, object] | None
    """The command in the journal; None where there was none."""
    found: dict[str, object] | None
    """The command that the engine wants today."""


class ReplayedEpoch(BaseModel):
    """One holder of the lease."""

    epoch: int
    entries: int
    first_at: datetime
    last_at: datetime
    made_by: int
    """Which decisions the engine took that wrote the journal."""
    differences: int


class Replayed(BaseModel):
    """What came of a replay."""

    campaign: str
    identical: bool
    explained: bool
    """Every epoch that comes out otherwise was decided by an engine that takes other decisions."""
    engine: int
    """Which decisions today's engine takes."""
    entries: int
    differences: int
    epochs: list[ReplayedEpoch]
    first_differences: list[Differs]


@app.callback()
def _group() -> None:
    """Show who did what; recompute a campaign's decisions from its journal."""


@app.command()
def replay(
    campaign: Key,
    epoch: Annotated[
        int | None, typer.Option(min=1, help="One holder of the lease only. Default: all.")
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="Differences to show at most.")] = 10,
    json_output: JsonOption = False,
) -> None:
    """Recompute every decision of a campaign, and say whether all come out as they were taken.

    Exits 1 when one does not although an engine like today's took it: the journal was changed. A
    journal of an engine that decided otherwise is told by that engine's number.

    Example: offhook audit replay Spring
    """

    async def work() -> Replayed:
        async with open_office() as office:
            row = await office.views.find(campaign)
            pool = await open_pool(
                database_url(office.settings), size=1, application="offhook-audit"
            )
            try:
                return await _replay(
                    Journals(pool), CampaignId(row.campaign_id), epoch, show, quiet=json_output
                )
            finally:
                await pool.close()

    done = run_async(work())
    emit(done, json_output, _shown)
    if not (done.identical or done.explained):
        raise typer.Exit(1)


async def _replay(
    journals: Journals, campaign: CampaignId, epoch: int | None, show: int, *, quiet: bool
) -> Replayed:
    known = await journals.epochs(campaign)
    wanted = [one for one in known if epoch in (None, one.epoch)]
    if not wanted:
        raise NothingToReplay(campaign, epoch, known)
    first: list[Differs] = []
    told: list[ReplayedEpoch] = []
    with _bar(quiet) as bar:
        task = bar.add_task("replaying", total=sum(one.entries for one in wanted))
        for one in wanted:
            replay_, entries, differences = Replay(), 0, 0
            async for entry in journals.entries(campaign, epoch=one.epoch):
                entries += 1
                for found in replay_.step(entry):
                    differences += 1
                    if len(first) < show:
                        first.append(_told(found))
                if entries % REDRAW_EVERY == 0:
                    bar.advance(task, REDRAW_EVERY)
            bar.advance(task, entries % REDRAW_EVERY)
            told.append(
                ReplayedEpoch(
                    epoch=one.epoch,
                    entries=entries,
                    first_at=one.first_at,
                    last_at=one.last_at,
                    made_by=replay_.made_by,
                    differences=differences,
                )
            )
    different = sum(one.differences for one in told)
    return Replayed(
        campaign=campaign,
        identical=not different,
        explained=all(one.made_by != DECISIONS for one in told if one.differences),
        engine=DECISIONS,
        entries=sum(one.entries for one in told),
        differences=different,
        epochs=told,
        first_differences=first,
    )


def _bar(quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
        transient=True,
    )


def _told(found: Difference) -> Differs:
    return Differs(
        epoch=found.epoch,
        seq=found.seq,
        at=found.at,
        event=found.event,
        position=found.position,
        expected=_command(found.journalled),
        found=_command(found.recomputed),
    )


def _command(command: Command | None) -> dict[str, object] | None:
    if command is None:
        return None
    plain: dict[str, object] = COMMAND.dump_python(command, mode="json")
    # A number in a report that is passed around would be one too many; its end tells two apart.
    with suppress(KeyError):
        plain["number"] = f"…{str(plain['number'])[-3:]}"
    return plain


def _shown(done: Replayed) -> str:
    epochs = f"{len(done.epochs)} epoch{'s' if len(done.epochs) != 1 else ''}"
    if done.identical:
        return f"identical: {done.entries} entries of {epochs} decide today what they decided then"
    if done.explained:
        makers = sorted({one.made_by for one in done.epochs if one.differences})
        return (
            f"not comparable: decided by engine {', '.join(map(str, makers))}, and this is engine"
            f" {done.engine}, which wants {done.differences} commands otherwise in {done.entries}"
            f" entries of {epochs}; replay it with the release that made it"
        )
    lines = [f"DIFFERENT: {done.differences} commands in {done.entries} entries of {epochs}"]
    for differs in done.first_differences:
        lines.append(
            f"epoch {differs.epoch}, entry {differs.seq} ({differs.event}, "
            f"{differs.at:%Y-%m-%d %H:%M:%S.%f}), command {differs.position + 1}"
        )
        lines.append(f"  journal: {_short(differs.expected)}")
        lines.append(f"  today:   {_short(differs.found)}")
    return "\n".join(lines)


def _short(command: dict[str, object] | None) -> str:
    if command is None:
        return "nothing"
    return " ".join(f"{key}={value}" for key, value in command.items() if value not in (None, ""))
