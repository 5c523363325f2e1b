"""What the IVR commands show to people."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text
from rich.tree import Tree as Branch

from ivr.drawing import Outline
from ivr.problems import Problem, Severity


def problems_page(found: dict[str, Any]) -> RenderableType:
    """Findings by place, then the count."""
    lines: list[RenderableType] = []
    for raw in found["problems"]:
        one = Problem.model_validate(raw)
        style = "bold red" if one.severity is Severity.error else "yellow"
        lines.append(
            Text.assemble(
                f"{one.file}:{one.line}:{one.column}: ",
                (str(one.severity), style),
                f" {one.why} [{one.code}]",
            )
        )
        lines.append(Text(f"    {one.mend}", style="dim"))
    errors, warnings = found["errors"], found["warnings"]
    style = "bold red" if errors else "yellow" if warnings else "bold green"
    lines.append(Text(f"{_many(errors, 'error')}, {_many(warnings, 'warning')}", style=style))
    return Group(*lines)


def _many(count: int, word: str) -> str:
    return f"{count or 'no'} {word}{'' if count == 1 else 's'}"


def outline_page(title: str, root: Outline) -> Branch:
    """The tree, each node once; what is drawn elsewhere is named and not opened again."""
    branch = Branch(f"[bold]{escape(title)}[/bold]")
    waiting = [(branch, root)]
    while waiting:
        above, here = waiting.pop(0)
        name = escape(here.place.node)
        label = f"[cyan]{escape(here.label)}[/cyan] "
        if here.missing:
            above.add(f"{label}[bold red]{name} (missing)[/bold red]")
            continue
        if here.seen:
            above.add(f"{label}[dim]↑ {name}[/dim]")
            continue
        child = above.add(f"{label}[bold]{name}[/bold] [dim]{escape(here.words)}[/dim]")
        waiting += [(child, one) for one in here.below]
    return branch


def trial_page(found: dict[str, Any]) -> RenderableType:
    """How a call went."""
    result = found["result"]
    lines = [Text(f"  {said}", style="cyan") for said in result["said"]] if found["told"] else []
    lines.append(Text(" > ".join(place.partition("/")[2] for place in result["path"]), "dim"))
    where = f" to {result['to']}" if result["to"] else ""
    lines.append(Text(f"{result['end']} at {result['node']}{where}", style="bold"))
    lines += [Text(f"not as expected: {miss}", style="bold red") for miss in found["misses"]]
    return Group(*lines, *_coverage(found.get("coverage")))


def tests_page(found: dict[str, Any]) -> RenderableType:
    """Each test, then what all of them cover."""
    lines: list[RenderableType] = []
    for one in found["tests"]:
        mark, style = ("failed", "bold red") if one["misses"] else ("passed", "green")
        lines.append(Text.assemble((mark, style), f"  {one['name']}"))
        lines += [Text(f"    {miss}") for miss in one["misses"]]
    return Group(*lines, *_coverage(found["coverage"]))


def _coverage(coverage: dict[str, Any] | None) -> Sequence[RenderableType]:
    if coverage is None:
        return ()
    share = coverage["taken"] / coverage["total"] if coverage["total"] else 1.0
    lines = [Text(f"{coverage['taken']} of {coverage['total']} ways taken ({share:.0%})", "bold")]
    return (*lines, *(Text(f"    not taken: {one}", "dim") for one in coverage["missing"]))
