"""A line chart as SVG text or as characters: enough for a forecast, without a plotting library."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 40, 52
COLOURS = ("#1f6f8b", "#c0392b", "#2e8b57", "#8e5ea2", "#d68910", "#566573", "#117a65", "#a04000")
STEPS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, kw_only=True)
class Series:
    """A named line of (x, y) points."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What to draw; `log_x` for counts that grow by factors."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    y_from: float | None = None
    y_to: float | None = None


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from `low` to `high`, at most about `most` of them."""
    span = max(high - low, 1e-9)
    step = 10.0 ** math.floor(math.log10(span / most))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= most)
    first = math.ceil(low / step - 1e-9)
    return [round(step * k, 10) for k in range(first, int(high / step + 1e-9) + 1)]


def svg(chart: Chart) -> str:
    """Return the chart as one self-contained SVG document."""
    points = [point for line in chart.series for point in line.points]
    if not points:
        raise ValueError("a chart needs at least one point")
    xs = sorted({x for x, _ in points})
    low = min(y for _, y in points) if chart.y_from is None else chart.y_from
    high = max(y for _, y in points) if chart.y_to is None else chart.y_to
    high = high if high > low else low + 1.0
    scale = math.log if chart.log_x else float
    left, right = scale(xs[0]), scale(xs[-1])

    def at_x(x: float) -> float:
        share = (scale(x) - left) / (right - left) if right > left else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def at_y(y: float) -> float:
        return HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

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
    for number, line in enumerate(chart.series):
        path = "L".join(f"{at_x(x):.1f} {at_y(min(high, max(low, y))):.1f}" for x, y in line.points)
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        key = TOP + 18 * number + 8
        at = WIDTH - RIGHT + 14
        parts.append(f'<path d="M{at} {key}h18" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{at + 24}" y="{key + 4}">{escape(line.name)}</text>')
    return "\n".join((*parts, "</svg>", ""))


def _frame(chart: Chart) -> str:
    middle = (LEFT + WIDTH - RIGHT) / 2
    across = (TOP + HEIGHT - BOTTOM) / 2
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
            f' aria-label="{escape(chart.title)}" font-family="sans-serif" font-size="12">',
            "<style>.grid{stroke:#ccd1d1;stroke-width:1}text{fill:#2c3e50}</style>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
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
