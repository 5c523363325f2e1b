"""Charts as drawings in the markup: they take the page's colours and are one text for everybody.

A chart says what it shows in words too, for those who don't see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offhook.console.kit.markup import el, joined

WIDTH, HEIGHT = 340, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 42, 6, 12, 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a chart: its values from the oldest to now, and its colour of the page."""

    name: str
    values: Sequence[float]
    colour: int
    filled: bool = False


def line_chart(
    title: str,
    lines: Sequence[Line],
    *,
    covers: str,
    unit: str = "",
    limit: float | None = None,
    per_cent: bool = False,
) -> Markup:
    """Lines over the same time, which `covers` tells in words; `limit` is drawn across."""
    most = max([*(max(one.values, default=0.0) for one in lines), limit or 0.0])
    top = _round_up(most)
    drawing = [*_grid(top, per_cent=per_cent), *(_drawn(one, top) for one in lines)]
    if limit is not None:
        y = _y(limit, top)
        drawing.append(el("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y, class_="chart-limit"))
    drawing.append(el("text", covers, x=_LEFT, y=HEIGHT - 5, class_="chart-tick"))
    drawing.append(
        el("text", "now", x=WIDTH - _RIGHT, y=HEIGHT - 5, class_="chart-tick", text_anchor="end")
    )
    return el(
        "figure",
        el("figcaption", _legend(lines, unit, per_cent=per_cent, limit=limit)),
        el(
            "svg",
            *drawing,
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=f"{title}: {_said(lines, unit, per_cent=per_cent)}",
        ),
        class_="chart",
    )


def column_chart(
    title: str,
    columns: Sequence[tuple[str, float]],
    *,
    along: str,
    unit: str,
) -> Markup:
    """A column for each name, its figure above it."""
    top = _round_up(max((value for _, value in columns), default=0.0))
    wide = (WIDTH - _LEFT - _RIGHT) / max(len(columns), 1)
    drawing = _grid(top, per_cent=False)
    for at, (name, value) in enumerate(columns):
        middle, y = _LEFT + wide * (at + 0.5), _y(value, top)
        drawing += [
            el(
                "rect",
                x=f"{middle - wide * 0.3:.1f}",
                y=y,
                width=f"{wide * 0.6:.1f}",
                height=f"{HEIGHT - _BOTTOM - y:.1f}",
                rx=2,
                class_="chart-column c2",
            ),
            _mark(f"{value:,.1f}", middle, max(y - 4, _TOP), "chart-tick strong"),
            _mark(name, middle, HEIGHT - 5, "chart-tick"),
        ]
    said = "; ".join(f"{name}: {value:,.1f} {unit}" for name, value in columns)
    return el(
        "figure",
        el("figcaption", el("span", f"{title} by {along}", class_="legend")),
        el(
            "svg",
            *drawing,
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=f"{title} by {along}: {said}",
        ),
        class_="chart",
    )


def _mark(words: str, x: float, y: float, kind: str) -> Markup:
    return el("text", words, x=f"{x:.1f}", y=f"{y:.1f}", class_=kind, text_anchor="middle")


def _legend(lines: Sequence[Line], unit: str, *, per_cent: bool, limit: float | None) -> Markup:
    keys = [
        el(
            "span",
            el("i", class_=f"key c{one.colour}"),
            f"{one.name} ",
            el("b", _figure(_last(one), per_cent=per_cent), unit),
            class_="legend",
        )
        for one in lines
    ]
    if limit is not None:
        keys.append(
            el(
                "span",
                el("i", class_="key limit"),
                f"cap {_figure(limit, per_cent=per_cent)}",
                class_="legend",
            )
        )
    return joined(keys)


def _said(lines: Sequence[Line], unit: str, *, per_cent: bool) -> str:
    return "; ".join(
        f"{one.name} now {_figure(_last(one), per_cent=per_cent)}{unit}, "
        f"most {_figure(max(one.values, default=0.0), per_cent=per_cent)}{unit}"
        for one in lines
    )


def _last(line: Line) -> float:
    return line.values[-1] if line.values else 0.0


def _drawn(line: Line, top: float) -> Markup:
    points = _points(line.values, top)
    if not points:
        return Markup("")
    drawn = el("polyline", points=" ".join(points), class_=f"chart-line c{line.colour}")
    if not line.filled:
        return drawn
    base = HEIGHT - _BOTTOM
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    shape = f"M{first},{base} L{' L'.join(points)} L{last},{base} Z"
    return joined(el("path", d=shape, class_=f"chart-area c{line.colour}"), drawn)


def _points(values: Sequence[float], top: float) -> list[str]:
    if len(values) < 2:
        return []
    step = (WIDTH - _LEFT - _RIGHT) / (len(values) - 1)
    return [f"{_LEFT + i * step:.1f},{_y(value, top):.1f}" for i, value in enumerate(values)]


def _y(value: float, top: float) -> float:
    tall = HEIGHT - _TOP - _BOTTOM
    return round(_TOP + tall * (1 - min(value / top, 1.0)), 1)


def _grid(top: float, *, per_cent: bool) -> list[Markup]:
    drawn = []
    for part in (0.0, 0.5, 1.0):
        y = _y(top * part, top)
        drawn.append(el("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y, y2=y, class_="chart-grid"))
        drawn.append(
            el(
                "text",
                _figure(top * part, per_cent=per_cent),
                x=_LEFT - 5,
                y=y + 4,
                class_="chart-tick",
                text_anchor="end",
            )
        )
    return drawn


def _figure(value: float, *, per_cent: bool) -> str:
    if per_cent:
        return f"{100 * value:.3g}%"
    return f"{value:,.0f}" if value == round(value) or value >= 10 else f"{value:.1f}"


def _round_up(most: float) -> float:
    """The end of the scale: one, two or five times a power of ten."""
    if most <= 0:
        return 1.0
    size = 10.0 ** (len(f"{int(most)}") - 1) if most >= 1 else 0.01
    while size > most:
        size /= 10
    for times in (1, 2, 5, 10, 20, 50, 100):
        if size * times >= most:
            return size * times
    return most
