"""`offhook compliance`: the law that is kept, and the report that proves it."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from dialer.compliance.profiles import PROFILES, with_included
from dialer.compliance.rules import Profile
from dialer.compliance.words import says
from offhook.cli.campaign_office import Key, open_office
from offhook.cli.output import JsonOption, emit, run_async
from offhook.errors import OffhookError
from offhook.offices.compliance import call_line, windows_csv
from offhook.storage.compliance_calls import ComplianceCalls
from offhook.storage.compliance_report import ComplianceReport, ComplianceReports

app = typer.Typer(
    help="Show the law that is kept, and prove it.", no_args_is_help=True, rich_markup_mode=None
)
Since = Annotated[str, typer.Option("--from", help="First day or instant; UTC.")]
Until = Annotated[str, typer.Option("--to", help="The day or instant after the last.")]
ADVICE = "Not legal advice: a lawyer must check a profile before a campaign relies on it."


@app.callback()
def _group() -> None:
    """Show the law that is kept, and prove it."""


class BadInstant(OffhookError):
    """A date or instant can't be read."""

    code = "bad_instant"

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text} is no date", hint="write 2026-11-21, or 2026-11-21T09:00:00+01:00"
        )


@app.command()
def profiles(json_output: JsonOption = False) -> None:
    """List the jurisdiction profiles.

    Example: offhook compliance profiles
    """
    found = [
        {"name": one.name, "title": one.title, "regions": one.regions, "areas": one.areas}
        for one in PROFILES.values()
    ]

    def shown(listed: dict[str, Any]) -> Group:
        table = Table("profile", "covers", "what it is")
        for one in listed["profiles"]:
            covers = " ".join((*one["regions"], *one["areas"])) or "every number"
            table.add_row(one["name"], covers, one["title"])
        return Group(table, Text(ADVICE))

    emit({"profiles": found}, json_output, shown)


@app.command()
def show(
    profile: Annotated[str, typer.Argument(help="Name of the profile.")],
    json_output: JsonOption = False,
) -> None:
    """Show a profile's rules, each with the source of its numbers.

    Example: offhook compliance show us
    """
    found = with_included((profile,))
    emit({"profiles": [_rules(one) for one in found]}, json_output, _shown_profiles)


def _rules(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "title": profile.title,
        "regions": profile.regions,
        "areas": profile.areas,
        "rules": [
            {
                "rule": f"{profile.name}/{rule.id}",
                "says": says(rule),
                "source": rule.source.text,
                "evidence": rule.source.evidence,
            }
            for rule in profile.rules
        ],
        "notes": profile.notes,
    }


def _shown_profiles(found: dict[str, Any]) -> Group:
    parts: list[Any] = []
    for one in found["profiles"]:
        parts.append(Text(f"{one['name']}: {one['title']}", style="bold"))
        table = Table("rule", "says", "source", "known by")
        for rule in one["rules"]:
            table.add_row(rule["rule"], rule["says"], rule["source"], str(rule["evidence"]))
        if one["rules"]:
            parts.append(table)
        parts += [Text(f"- {note}") for note in one["notes"]]
    return Group(*parts, Text(ADVICE))


@app.command()
def report(
    campaign: Key,
    since: Since = "",
    until: Until = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="The windows as CSV.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Report on a campaign as a regulator would read it: the law, figures per window, evidence.

    Example: offhook compliance report Spring --from 2026-11-01 --to 2026-12-01 --csv
    """
    begins, ends = _instant(since), _instant(until)

    async def work() -> ComplianceReport:
        async with open_office() as office:
            return await ComplianceReports(office.database).report(
                campaign, now=datetime.now(UTC), since=begins, until=ends
            )

    found = run_async(work())
    if as_csv:
        typer.echo(windows_csv(found), nl=False)
    else:
        emit(found, json_output, _shown_report)


@app.command()
def calls(
    campaign: Key,
    since: Since = "",
    until: Until = "",
    json_output: JsonOption = False,
) -> None:
    """Write every call of a campaign as CSV: when and where it rang, how long, who waited, the end.

    Times are UTC, and beside them on the clock of every zone that the number may be in. Full
    numbers: whoever has the file answers for it.

    Example: offhook compliance calls Spring --from 2026-11-01 --to 2026-12-01 > november.csv
    """
    begins, ends = _instant(since), _instant(until)

    async def work() -> None:
        async with open_office() as office:
            found = ComplianceCalls(office.database).calls(
                campaign, now=datetime.now(UTC), since=begins, until=ends
            )
            if json_output:
                emit({"calls": [one async for one in found]}, json_output, str)
                return
            typer.echo(call_line(), nl=False)
            async for one in found:
                typer.echo(call_line(one), nl=False)

    run_async(work())


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadInstant(text) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _shown_report(found: ComplianceReport) -> Group:
    parts: list[Any] = [
        Text(f"{found.name} ({found.campaign_id})", style="bold"),
        Text(f"profiles: {', '.join(found.profiles) or 'none'}; {found.attempts} calls"),
    ]
    parts += [Text(f"waived: {one.rule}: {one.justification}") for one in found.waived]
    table = Table("window", "rule", "calls", "answered", "abandoned", "rate", "cap", "kept")
    for one in found.windows:
        table.add_row(
            f"{one.begins:%Y-%m-%d %H:%M} to {one.ends:%Y-%m-%d %H:%M}",
            one.rule,
            str(one.attempts),
            str(one.answered),
            str(one.abandoned),
            f"{one.rate:.2%}",
            f"{one.cap:.2%}",
            "yes" if one.kept else "NO",
        )
    parts.append(table)
    proof = found.evidence
    parts.append(
        Text(
            f"longest wait for an agent {_seconds(proof.longest_wait_s)} "
            f"({proof.joined_late} longer than {found.patience_s:g} s); unanswered calls were "
            f"given up after {_seconds(proof.shortest_ring_s)} or more; at most "
            f"{proof.most_calls_in_a_day} calls to a number in a day"
        )
    )
    refused = Table("not placed because of", "contacts", "times")
    for reason in (*found.not_placed, *found.forbidden):
        refused.add_row(reason.reason, str(reason.contacts), str(reason.times))
    parts.append(refused)
    if found.do_not_call is not None:
        state = found.do_not_call
        parts.append(
            Text(f"do-not-call lists at version {state.version}, changed {state.changed_at}")
        )
    return Group(*parts, Text(ADVICE))


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:g} s"
