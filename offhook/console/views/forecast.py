"""What a campaign will come to: how long its list takes, by how many agents dial it."""

from dataclasses import dataclass

from markupsafe import Markup

from dialer.simulation import ForecastRow
from offhook.console.kit.chart import column_chart
from offhook.console.kit.markup import el, joined
from offhook.console.kit.parts import (
    Row,
    badge,
    empty,
    field,
    form,
    notice,
    section,
    submit,
    table,
)
from offhook.console.kit.words import count, instant, of, share
from offhook.console.views.floor import rate_tone
from offhook.storage.forecast_store import KeptForecast

MOST_COUNTS = 12


@dataclass(frozen=True, slots=True)
class Outlook:
    """The newest forecast there is, and what stands with the next one."""

    found: KeptForecast | None = None
    cap: float = 0.03
    agents: str = ""
    """The numbers of agents that were asked about, as they were typed."""
    making: bool = False
    why_not: str = ""


def forecast_part(outlook: Outlook) -> Markup:
    """The forecast as a table and as a picture, and how to have another."""
    if outlook.making:
        return section("Forecast", empty("Simulating …", "This takes up to a minute."))
    told = notice("bad", "There is no new forecast", outlook.why_not) if outlook.why_not else None
    if outlook.found is None:
        question = empty(
            "How long will it take, and with how many agents?",
            "A forecast simulates the campaign with the engine that dials. It takes a minute.",
        )
        return section("Forecast", told, question, _ask(outlook, "Make a forecast"))
    return section(
        "Forecast",
        told,
        _shown(outlook.found, outlook.cap),
        _ask(outlook, "Make it anew"),
        aside=el("span", "Made ", instant(outlook.found.made_at), class_="muted"),
    )


def _ask(outlook: Outlook, word: str) -> Markup:
    return form(
        "forecast",
        field(
            "Agents to compare",
            "agents",
            value=outlook.agents,
            note="such as 5, 10, 20",
            pattern="[0-9 ,;]*",
            maxlength=80,
        ),
        submit(word, kind="" if outlook.found else "primary"),
        class_="form across",
    )


def _shown(found: KeptForecast, cap: float) -> Markup:
    hours = [(str(row.agents), round(row.hours, 1)) for row in found.rows if row.hours is not None]
    rows = [_row(row, cap) for row in found.rows]
    head = (
        "Agents#",
        "Hours of dialing#",
        "Lines#",
        "Calls/h#",
        "Talks/h#",
        "Abandoned#",
        "Agents busy#",
    )
    return joined(
        el(
            "div",
            table("Forecast by number of agents", head, rows),
            column_chart("Hours of dialing", hours, along="number of agents", unit="hours")
            if hours
            else empty("No call would be placed", "With so few lines nobody is dialed."),
            class_="split forecast",
        ),
        el(
            "p",
            f"Simulated with the engine and pacer that dial: {of(found.contacts, 'contact')}, "
            f"{found.calls_per_contact:.1f} calls each, {found.pacer}. Until calls have been "
            "measured, a quarter is taken to answer and talk for two minutes.",
            class_="muted",
        ),
    )


def _row(row: ForecastRow, cap: float) -> Row:
    talks = round(row.talks_per_hour * (row.hours or 1.0))
    return Row(
        key=str(row.agents),
        cells=(
            count(row.agents),
            "–" if row.hours is None else f"{row.hours:.1f}",
            count(row.lines),
            count(row.calls_per_hour),
            count(row.talks_per_hour),
            badge(share(row.abandonment_rate, 2), rate_tone(row.abandonment_rate, cap, talks)),
            share(row.agent_utilisation, 0),
        ),
    )


def counts_said(text: str) -> tuple[int, ...]:
    """The numbers of agents that were typed; raises `ValueError` for what is none of 1 to 500."""
    numbers = tuple(
        dict.fromkeys(int(one) for one in text.replace(";", " ").replace(",", " ").split())
    )
    if len(numbers) > MOST_COUNTS or not all(1 <= number <= 500 for number in numbers):
        raise ValueError(f"write at most {MOST_COUNTS} numbers from 1 to 500")
    return numbers
