"""What a demonstration looks like in a terminal."""

import io
import re
from pathlib import Path
from types import TracebackType
from typing import Self

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from offhook.demo.run import DemoReport
from offhook.storage.campaign_views import CampaignView

_KEEP_LINES = 12
_PICTURE_COLUMNS = 100


class DemoScreen:
    """Shows what a demonstration says while it runs; quiet, it shows nothing."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._lines: list[str] = []
        self._view: CampaignView | None = None
        self._busiest: CampaignView | None = None
        self._live = Live(console=Console(), refresh_per_second=4, transient=False)

    def __enter__(self) -> Self:
        if not self._quiet:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._quiet:
            self._live.stop()

    def show(self, line: str, view: CampaignView | None) -> None:
        """Take up a line, the state of the campaign, or both."""
        if line:
            self._lines = [*self._lines, line][-_KEEP_LINES:]
        self._view = view or self._view
        if view is not None and _busyness(view) >= _busyness(self._busiest):
            self._busiest = view
        if self._quiet:
            return
        parts: list[RenderableType] = [Text(said, style="dim") for said in self._lines]
        if self._view is not None:
            parts.append(render_floor(self._view))
        self._live.update(Group(*parts))

    def save_picture(self, path: Path, report: DemoReport) -> None:
        """Write an SVG of what was to be seen: the start, the busiest moment, the report."""
        console = Console(record=True, width=_PICTURE_COLUMNS, file=io.StringIO())
        console.print(Text("$ offhook demo", style="bold"))
        for line in self._lines:
            console.print(Text(line, style="dim"))
        if self._busiest is not None:
            console.print(render_floor(self._busiest))
        console.print(render_report(report))
        # Rich's own frame fetches a font from elsewhere; a picture must stand alone.
        frame = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        console.save_svg(str(path), title="offhook demo", code_format=frame)


def _busyness(view: CampaignView | None) -> int:
    """Calls in progress."""
    return sum(view.calls.values()) if view is not None else -1


def render_floor(view: CampaignView) -> RenderableType:
    """One campaign as it stands: people left, calls, agents, and what the pacer says."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    total = view.contacts.get("total", 0)
    finished = view.contacts.get("finished", 0)
    table.add_row("contacts", f"{finished} of {total} finished, {view.attempts} calls placed")
    table.add_row("calls", _counted(view.calls) or "none in progress")
    table.add_row("agents", _counted(view.agents) or "none yet")
    table.add_row("outcomes", _counted(view.outcomes) or "none yet")
    over = view.abandonment_rate > view.abandonment_cap
    table.add_row(
        "abandoned",
        Text(
            f"{view.abandoned} of {view.answered} answered: {view.abandonment_rate:.1%} "
            f"(cap {view.abandonment_cap:.1%})",
            style="red" if over else "green",
        ),
    )
    table.add_row("utilisation", f"{view.agent_utilisation:.1%}")
    if reason := view.pacing.get("reason"):
        table.add_row("pacer", str(reason))
    title = f"{view.campaign.name}: {view.campaign.mode}, {view.campaign.phase}"
    return Panel(table, title=title, title_align="left")


def _counted(values: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(values.items()) if count)


def render_report(report: DemoReport) -> RenderableType:
    """The report of a demonstration."""
    table = Table(title="What came of it", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    waited = report.answer_to_agent_ms
    table.add_row("contacts", f"{report.contacts} (and {report.refused_lines} lines refused)")
    table.add_row("calls placed", str(report.attempts))
    table.add_row("answered", f"{report.answered}, {report.connected} joined with an agent")
    table.add_row(
        "abandoned",
        f"{report.abandoned} = {report.abandonment_rate:.2%} (cap {report.abandonment_cap:.0%})",
    )
    table.add_row("agent utilisation", f"{report.agent_utilisation:.1%}")
    table.add_row("outcomes", _counted(report.outcomes))
    table.add_row("dispositions", _counted(report.dispositions))
    table.add_row(
        "answer to agent",
        f"p50 {waited.p50:.0f} ms, p95 {waited.p95:.0f}, p99 {waited.p99:.0f}, "
        f"max {waited.max:.0f}",
    )
    table.add_row("called twice", str(report.double_dialed))
    table.add_row("left alone", str(report.stranded))
    agree = "yes" if not report.mismatches else f"no, {len(report.mismatches)} differ"
    table.add_row("agrees with the PBX", agree)
    again = f"{report.decisions} steps of the engine, {report.decisions_different} different"
    table.add_row("computed again", again)
    if report.take_over_s is not None:
        table.add_row("kill to take-over", f"{report.take_over_s} s")
    table.add_row("took", f"{report.duration_s} s")
    return table
