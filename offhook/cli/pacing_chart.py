"""A line chart as SVG text or as characters: enough for a forecast, without a plotting library.

Lines are named where they end, a limit is drawn across, and the colours follow the reader's light
or dark page.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 218, 40, 52
LIGHT = ("#1f6f8b", "#c0392b", "#2e8b57", "#8e5ea2", "#b7730b", "#566573", "#0e6655", "#873600")
DARK = ("#6cc3e0", "#ff8a7a", "#7fd6a2", "#cfa6e6", "#f0b35a", "#b2bec3", "#6fd8c2", "#e59866")
LINE_HEIGHT = 15.0
FEW = 20
"""Points of a line that are marked one by one."""
STEPS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, kw_only=True)
class Series:
    """A named line of (x, y) points."""

    name: str
    points: Sequence[tuple[float, float]]
    strong: bool = False
    """The line that the chart is about."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A value that isn't to be passed, drawn across the chart."""

    name: str
    y: float


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What to draw; `log_x` for counts that grow by factors, marked where there are points."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    y_from: float | None = None
    y_to: float | None = None
    limit: Limit | None = None


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from `low` to `high`, at most about `most` of them."""
    span = max(high - low, 1e-9)
    step = 10.0 ** math.floor(math.log10(span / most))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= most)
    first = math.ceil(low / step - 1e-9)
    return [round(step * k, 10) for k in range(first, int(high / step + 1e-9) + 1)]


def spaced(wanted: Sequence[float], low: float, high: float) -> list[float]:
    """Places for labels, a line's height apart and near where they are wanted, from `low` on."""
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    places = [0.0] * len(wanted)
    lowest = low
    for number in order:
        places[number] = max(wanted[number], lowest)
        lowest = places[number] + LINE_HEIGHT
    highest = high
    for number in reversed(order):
        if places[number] <= highest:
            break
        places[number] = highest
        highest -= LINE_HEIGHT
    return places


def svg(chart: Chart) -> str:
    """Return the chart as one self-contained SVG document."""
    points = [point for line in chart.series for point in line.points]
    if not points:
        raise ValueError("a chart needs at least one point")
    xs = sorted({x for x, _ in points})
    ys = [y for _, y in points] + ([chart.limit.y] if chart.limit else [])
    low = min(ys) if chart.y_from is None else chart.y_from
    high = max(ys) if chart.y_to is None else chart.y_to
    high = high if high > low else low + 1.0
    scale = math.log if chart.log_x else float
    left, right = scale(xs[0]), scale(xs[-1])

    def at_x(x: float) -> float:
        share = (scale(x) - left) / (right - left) if right > left else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def at_y(y: float) -> float:
        inside = min(high, max(low, y))
        return HEIGHT - BOTTOM - (inside - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    marks = xs if chart.log_x else ticks(xs[0], xs[-1])
    parts = [_frame(chart)]
    for value in ticks(low, high):
        y = at_y(value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in marks:
        parts.append(
            f'<text x="{at_x(value):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
            f"{value:g}</text>"
        )
    return "\n".join((*parts, *_lines(chart, at_x, at_y), "</svg>", ""))


Place = Callable[[float], float]


def _lines(chart: Chart, at_x: Place, at_y: Place) -> list[str]:
    """The limit, every line, and their names beside where they end."""
    edge, parts, labels = WIDTH - RIGHT, [], []
    if chart.limit is not None:
        y = at_y(chart.limit.y)
        parts.append(f'<path class="limit" d="M{LEFT} {y:.1f}H{edge}"/>')
        labels.append(_Label(name=chart.limit.name, kind="limit", x=edge, y=y))
    for number, line in enumerate(chart.series):
        if not line.points:
            continue
        path = "L".join(f"{at_x(a):.1f} {at_y(b):.1f}" for a, b in line.points)
        kind = f"s{number % len(LIGHT)}"
        parts.append(
            f'<path class="{kind}" d="M{path}" fill="none" stroke-linejoin="round"'
            f' stroke-width="{3.0 if line.strong else 1.8}"/>'
        )
        if len(line.points) <= FEW:
            parts += [
                f'<circle class="{kind}" cx="{at_x(a):.1f}" cy="{at_y(b):.1f}" r="2.5"/>'
                for a, b in line.points
            ]
        x, y = line.points[-1]
        labels.append(_Label(name=line.name, kind=kind, x=at_x(x), y=at_y(y), strong=line.strong))
    places = spaced([label.y for label in labels], TOP, HEIGHT - BOTTOM)
    return parts + [label.drawn(edge, place) for label, place in zip(labels, places, strict=True)]


@dataclass(frozen=True, kw_only=True)
class _Label:
    """A name, and where the line ends that it belongs to."""

    name: str
    kind: str
    x: float
    y: float
    strong: bool = False

    def drawn(self, edge: float, place: float) -> str:
        """The name at its place, and a thin line to it."""
        weight = ' font-weight="bold"' if self.strong else ""
        return (
            f'<path class="{self.kind} lead" d="M{self.x + 4:.1f} {self.y:.1f}'
            f'L{edge + 8} {place:.1f}h8" fill="none"/>'
            f'<text class="{self.kind}" x="{edge + 20}" y="{place + 4:.1f}"{weight}>'
            f"{escape(self.name)}</text>"
        )


def _style() -> str:
    """Colours on a light page, and on a dark one."""

    def colours(page: str, ink: str, faint: str, limit: str, lines: Sequence[str]) -> str:
        rules = [
            f".page{{fill:{page}}}text{{fill:{ink}}}.grid{{stroke:{faint};stroke-width:1}}",
            f"path.limit{{stroke:{limit};stroke-width:1.5;stroke-dasharray:6 4}}",
            f"text.limit{{fill:{limit}}}",
            "path.lead{stroke-width:1;stroke-opacity:0.6;stroke-dasharray:none}",
        ]
        for number, colour in enumerate(lines):
            rules.append(
                f"path.s{number}{{stroke:{colour}}}text.s{number},circle.s{number}{{fill:{colour}}}"
            )
        return "".join(rules)

    light = colours("#ffffff", "#2c3e50", "#dde3e6", "#7b241c", LIGHT)
    dark = colours("#14191f", "#d5dbdf", "#323a43", "#ff9d8f", DARK)
    return f"<style>{light}@media (prefers-color-scheme:dark){{{dark}}}</style>"


def _frame(chart: Chart) -> str:
    middle = (LEFT + WIDTH - RIGHT) / 2
    across = (TOP + HEIGHT - BOTTOM) / 2
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            f' aria-label="{escape(chart.title)}" font-family="sans-serif" font-size="12">',
            _style(),
            f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
            f'<text x="{LEFT}" y="22" font-size="15">{escape(chart.title)}</text>',
            f'<text x="{middle:.0f}" y="{HEIGHT - 12}" text-anchor="middle">'
            f"{escape(chart.x_label)}</text>",
            f'<text transform="translate(16 {across:.0f}) rotate(-90)" text-anchor="middle">'
            f"{escape(chart.y_label)}</text>",
        )
    )


def bar(value: float, most: float, width: int = 24) -> str:
    """Return a bar of block characters, `width` characters long where `value` is `most`."""
    eighths = round(8 * width * min(1.0, max(0.0, value / most if most else 0.0)))
    return "█" * (eighths // 8) + STEPS[eighths % 8].strip()
