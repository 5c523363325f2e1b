"""The other pages of a campaign: its settings, its report, its contacts."""

import json
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from dialer.model import CampaignSettings, Mode
from offhook.console.kit.layout import url
from offhook.console.kit.markup import el, joined
from offhook.console.kit.parts import (
    Row,
    area,
    bars,
    card,
    cards,
    choice,
    empty,
    field,
    form,
    link,
    section,
    submit,
    table,
)
from offhook.console.kit.words import count, instant, number_of, plain, share
from offhook.console.views.campaign import campaign_figures, outcomes_section
from offhook.console.views.launch import imports_table
from offhook.console.views.new_campaign import MODE_WORDS
from offhook.storage.import_reads import ImportRow
from offhook.storage.reports import CampaignReport

Named = Mapping[str, tuple[str, str]]
"""Settings that have a field: what it is called, and a line about it."""
NAMES: Named = {
    "name": ("Name", ""),
    "caller_id": ("Number shown to people", ""),
}
HOURS: Named = {
    "hours": ("The campaign runs", "mon-fri 09:00-18:00; in Europe/Rome, or always"),
    "contact_hours": ("People may be called", "on the clock where the number is"),
}
PACE: Named = {
    "pacing.target_abandonment": ("Most abandoned", "share of answered: 0.03 is 3%"),
    "pacing.max_lines_per_agent": ("Most calls for each agent", ""),
    "pacing.calls_per_second": ("Most calls a second", ""),
    "pacing.ratio": ("Power ratio", "calls for each free agent"),
    "patience": ("Wait at most, s", "for an agent, until the message"),
    "wrap_up": ("Wrap up at most, s", ""),
    "priority": ("Priority", "higher is served first"),
    "weight": ("Share", "among campaigns of one priority"),
}
TRIES: Named = {
    "ring_timeout": ("Ring at most, s", ""),
    "retry.max_attempts": ("Tries for each contact", ""),
}
TEXTS: Named = {**NAMES, **HOURS}
NUMBERS: Named = {**PACE, **TRIES}


def settings_page(settings: CampaignSettings, *, may_write: bool, version: int) -> Markup:
    """The settings that people change, and all of them."""
    known = flat(settings)
    return el(
        "div",
        section(
            "Settings",
            form(
                "save",
                el("input", type="hidden", name="version", value=version),
                *_fields(settings, known),
                submit("Save", disabled=not may_write),
            ),
        ),
        section(
            "Any other setting",
            form(
                "set",
                area(
                    "Changes",
                    "changes",
                    note="A line each, as retry.busy.delay=600; the names stand below.",
                ),
                submit("Change", kind="", disabled=not may_write),
            ),
            el("br"),
            el(
                "details",
                el("summary", "All settings as they are"),
                el("pre", "\n".join(f"{name}={known[name]}" for name in sorted(known))),
            ),
        ),
        class_="stack",
    )


def _fields(settings: CampaignSettings, known: Mapping[str, str]) -> Sequence[Markup]:
    def group(title: str, named: Named, *more: Markup) -> Markup:
        fields = [_field(name, *said, settings, known) for name, said in named.items()]
        return joined(el("h3", title), el("div", *fields, *more, class_="form across"))

    modes = {str(mode): words for mode, words in MODE_WORDS.items()}
    mode = choice("Mode", "mode", modes, value=settings.mode, wide=True)
    return (
        group("The campaign", NAMES, mode),
        group("When", HOURS),
        group("How hard", PACE),
        group("Each contact", TRIES),
    )


def _field(
    name: str, label: str, note: str, settings: CampaignSettings, known: Mapping[str, str]
) -> Markup:
    if name in TEXTS:
        return field(label, name, value=_text(settings, name, known), note=note or None)
    value = _number(settings, name)
    return field(label, name, value=value, kind="number", step="any", note=note or None)


def _text(settings: CampaignSettings, name: str, known: Mapping[str, str]) -> str:
    if name == "hours":
        return settings.hours.render()
    if name == "contact_hours":
        return settings.contact_hours.render()
    return str(json.loads(known[name]))


def _number(settings: CampaignSettings, name: str) -> str:
    value: object = settings
    for part in name.split("."):
        value = getattr(value, part)
    if hasattr(value, "total_seconds"):
        value = value.total_seconds()
    return f"{value:g}" if isinstance(value, float) else str(value)


def flat(settings: CampaignSettings) -> dict[str, str]:
    """Every setting by its name, as JSON; a dot goes deeper."""
    found: dict[str, str] = {}

    def walk(values: Mapping[str, object], before: str) -> None:
        for name, value in values.items():
            if isinstance(value, dict) and value:
                walk(value, f"{before}{name}.")
            else:
                found[f"{before}{name}"] = json.dumps(value, ensure_ascii=False)

    walk(settings.model_dump(mode="json"), "")
    return found


def changes_said(values: Mapping[str, str], settings: CampaignSettings) -> dict[str, object]:
    """What of the form differs from the settings as they are, by the settings' names."""
    known = flat(settings)
    found: dict[str, object] = {}
    for name in TEXTS:
        if name in values and values[name].strip() != _text(settings, name, known):
            found[name] = values[name].strip()
    for name in NUMBERS:
        if name in values and values[name].strip() != _number(settings, name):
            found[name] = number_of(values[name].strip())
    mode = values.get("mode", "")
    if mode in set(Mode) and mode != settings.mode:
        found["mode"] = mode
    return found


def lines_said(text: str) -> dict[str, object]:
    """Changes as lines of `name=value`; raises `ValueError` for a line that is none."""
    found: dict[str, object] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise ValueError(f"{line[:60]!r} changes nothing; write wrap_up=20")
        try:
            found[name.strip()] = json.loads(value)
        except ValueError:
            found[name.strip()] = value.strip()
    return found


def report_page(report: CampaignReport) -> Markup:
    """What came of it."""
    waits = report.answer_to_agent_ms
    return el(
        "div",
        campaign_figures(report),
        el(
            "div",
            section(
                "How long people waited for an agent",
                cards(
                    card("Half of them", f"{waits.p50:.0f} ms"),
                    card("95 of 100", f"{waits.p95:.0f} ms"),
                    card("99 of 100", f"{waits.p99:.0f} ms"),
                    card("At most", f"{waits.max:.0f} ms", note=f"{count(waits.joined)} joined"),
                ),
            ),
            el(
                "div",
                outcomes_section(report.outcomes, "Start the campaign first."),
                section("Contacts that are finished", _finished(report)),
                class_="stack",
            ),
            class_="split",
        ),
        section("Calls that were not placed", _refused(report)),
        section("What was odd", _odd(report)),
        class_="stack",
    )


def _finished(report: CampaignReport) -> Markup:
    if not report.finished:
        return empty("Nobody is finished yet", "A contact is, when nobody calls it again.")
    return bars(report.finished)


def _refused(report: CampaignReport) -> Markup:
    if not report.not_placed:
        return empty("No call was refused", "Hours, law and lists refused nobody so far.")
    return table(
        "Calls that were not placed",
        ("Why", "Contacts#", "Times#"),
        [
            Row(key=one.reason, cells=(plain(one.reason), count(one.contacts), count(one.times)))
            for one in report.not_placed
        ],
    )


def _odd(report: CampaignReport) -> Markup:
    if not report.oddities:
        return empty("Nothing odd", "Late, doubled and unknown events of the switch count here.")
    return table(
        "What was odd",
        ("What", "Times#", "Last", "Detail"),
        [
            Row(
                key=one.code,
                cells=(plain(one.code), count(one.times), instant(one.last_at), one.last_detail),
            )
            for one in report.oddities
        ],
    )


def contacts_page(
    campaign: str, contacts: Mapping[str, int], imports: Sequence[ImportRow], *, may_import: bool
) -> Markup:
    """How the list stands, and where it came from."""
    total = contacts.get("total", 0)
    states = {name: number for name, number in contacts.items() if name != "total"}
    done = share(contacts.get("finished", 0) / total, 0) if total else "0%"
    search = link("Find a contact", url(f"/contacts?campaign={campaign}"), class_="button")
    more = link("Import more", url(f"/campaigns/{campaign}/import"), class_="button primary")
    return el(
        "div",
        section(
            f"{count(total)} contacts, {done} finished",
            bars(states) if total else empty("The list is empty", "Bring in a CSV file.", more),
            aside=el("div", search, more if may_import and total else None, class_="actions"),
        ),
        section(
            "Imports",
            imports_table(imports)
            if imports
            else empty("No file was imported", "Contacts come from CSV files or the API."),
        ),
        class_="stack",
    )
