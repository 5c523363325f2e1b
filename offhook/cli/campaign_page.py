"""How campaigns look in a terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from offhook.storage.campaign_views import CampaignRow, CampaignView
from offhook.storage.reports import CampaignReport


def shown_list(rows: Sequence[CampaignRow]) -> RenderableType:
    """One line a campaign."""
    table = Table("id", "name", "phase", "mode", "switch", "created", box=None)
    for row in rows:
        table.add_row(
            row.campaign_id,
            row.name,
            _phase(row),
            row.mode,
            row.switch,
            f"{row.created_at:%Y-%m-%d %H:%M}",
        )
    return table if rows else Text("no campaigns yet; `offhook campaign create` makes one")


def shown_view(view: CampaignView) -> RenderableType:
    """The live view: agents, calls, outcomes, abandonment against its cap, the pacer's word."""
    head = Text(f"{view.campaign.name}  ", style="bold")
    head.append(_phase(view.campaign))
    head.append(f"  {view.campaign.mode} on {view.campaign.switch}", style="dim")
    facts = Table.grid(padding=(0, 2))
    facts.add_row("contacts", _pairs(view.contacts))
    facts.add_row("agents", _pairs(view.agents))
    facts.add_row("calls now", _pairs(view.calls))
    facts.add_row(
        "attempts",
        f"{view.attempts}  answered {view.answered}  connected {view.connected}",
    )
    facts.add_row("abandoned", _abandonment(view))
    facts.add_row("utilisation", f"{view.agent_utilisation:.0%}")
    facts.add_row("outcomes", _pairs(view.outcomes))
    if view.dispositions:
        facts.add_row("dispositions", _pairs(view.dispositions))
    if view.pacing:
        facts.add_row(
            "pacer", f"{view.pacing.get('reason', '')} (placed {view.pacing.get('place', 0)})"
        )
    return Group(head, facts)


def shown_report(report: CampaignReport) -> RenderableType:
    """The view, then the waits, how contacts ended, and the calls that were not placed."""
    facts = Table.grid(padding=(0, 2))
    waits = report.answer_to_agent_ms
    facts.add_row(
        "answer to agent",
        f"p50 {waits.p50:g} ms  p95 {waits.p95:g} ms  p99 {waits.p99:g} ms  most {waits.max:g} ms",
    )
    facts.add_row("finished as", _pairs(report.finished))
    for refused in report.not_placed:
        facts.add_row(
            "not placed", f"{refused.reason}: {refused.contacts} contacts, {refused.times} times"
        )
    for odd in report.oddities:
        facts.add_row("odd", f"{odd.code} {odd.times} times, last {odd.last_at:%Y-%m-%d %H:%M}")
    return Group(shown_view(report), facts)


def _abandonment(view: CampaignView) -> Text:
    rate, cap = view.abandonment_rate, view.abandonment_cap
    said = f"{view.abandoned}  {rate:.2%} of answered, cap {cap:.2%}"
    return Text(said, style="red" if rate > cap else "")


def _phase(row: CampaignRow) -> str:
    return f"{row.phase} ({row.reason})" if row.reason else str(row.phase)


def _pairs(counts: Mapping[str, int]) -> str:
    return "  ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
