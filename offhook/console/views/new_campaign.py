"""A new campaign: what is in the file, who is dialed how, and what law and switch allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from dialer.compliance.binding import Bound
from dialer.contacts_csv import ColumnMapping, FileShape, RefusedRow
from dialer.model import Mode
from offhook.console.kit.layout import url
from offhook.console.kit.markup import Child, el, joined
from offhook.console.kit.parts import (
    Row,
    badge,
    button,
    choice,
    empty,
    form,
    link,
    notice,
    page_head,
    section,
    submit,
    table,
    tick,
)
from offhook.console.kit.parts import (
    field as field_of,
)
from offhook.console.kit.words import count, of, plain

STEPS = ("Contacts", "Rules", "Check and launch")
MEANINGS: Mapping[str, str] = {
    "": "Kept with the contact",
    "numbers": "Telephone number",
    "names": "Name (parts are joined)",
    "external_id": "Your own key",
    "priority": "Priority",
    "zone": "Time zone",
    "due": "Not before",
    "language": "Language",
    "ignored": "Left out",
}
SEVERAL = ("numbers", "names", "ignored")
MODE_WORDS: Mapping[Mode, str] = {
    Mode.predictive: "Predictive – calls ahead of agents who will be free, under the cap",
    Mode.power: "Power – a fixed number of calls for each free agent",
    Mode.progressive: "Progressive – one call for each free agent",
    Mode.preview: "Preview – agents read first, then dial",
    Mode.agentless: "Agentless – a message or a menu, without agents",
}


@dataclass(frozen=True, slots=True)
class SwitchChoice:
    """A switch, and the modes that it can't do, with why."""

    key: str
    name: str
    barred: Mapping[Mode, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileFound:
    """An uploaded file as it was read."""

    upload: str
    name: str
    shape: FileShape
    contacts: int = 0
    refused: Sequence[RefusedRow] = ()
    looked_at: int = 0
    whole: bool = False
    """Every row was looked at, not only the first ones."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A campaign that is being made."""

    switches: Sequence[SwitchChoice]
    profiles: Mapping[str, str]
    file: FileFound | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)
    """What each column holds, where it was said."""
    region: str = "IT"
    step: int = 0
    values: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    stricter: Sequence[Bound] = ()

    def at(self, step: int) -> "Draft":
        """The same at another step."""
        return replace(self, step=step, error="")

    @property
    def switch(self) -> SwitchChoice | None:
        """The switch that is chosen, or the first."""
        wanted = self.values.get("switch")
        known = [one for one in self.switches if one.key == wanted] or list(self.switches)
        return known[0] if known else None


def new_campaign(draft: Draft, *, upload: str, most: int) -> Markup:
    """The page at the draft's step."""
    head = page_head(
        "New campaign",
        back=link("Campaigns", url("/campaigns"), class_="crumb"),
    )
    if not draft.switches:
        return el("div", head, _no_switch(), class_="stack")
    body = contacts_step(draft, upload=upload, most=most) if draft.step == 0 else rules_step(draft)
    told = notice("bad", draft.error) if draft.error else None
    return el("div", head, steps(draft.step), told, body, class_="stack")


def steps(at: int) -> Markup:
    """Where one is."""
    items = [
        el(
            "li",
            f"{number + 1}. {name}",
            aria_current="step" if number == at else None,
            class_="done" if number < at else None,
        )
        for number, name in enumerate(STEPS)
    ]
    return el("ol", *items, class_="steps", aria_label="Steps")


def _no_switch() -> Markup:
    return empty(
        "Connect a switch first",
        "A campaign dials through a telephone system. Connect yours with "
        "offhook switch add, then come back.",
        link("Switches", url("/switches"), class_="button primary"),
    )


def contacts_step(draft: Draft, *, upload: str, most: int) -> Markup:
    """Bring a file, and say what its columns hold."""
    pick = section(
        "Who is to be called",
        el(
            "div",
            el("label", "CSV file of contacts", for_="f-file"),
            el(
                "input",
                type="file",
                id="f-file",
                name="file",
                accept=".csv,.txt,text/csv",
                data_upload=upload,
                data_most=most,
                data_act="uploaded",
                aria_describedby="n-file",
            ),
            el(
                "p",
                "Comma, semicolon, tab or bar; any usual encoding; with or without headings. "
                f"Up to {most // 1_000_000} MB here, any size with offhook campaign import.",
                class_="muted",
                id="n-file",
            ),
            class_="field",
        ),
    )
    if draft.file is None:
        return pick
    return joined(
        pick,
        mapping_form(draft, draft.file),
        refused_part(draft.file),
        el(
            "div",
            button("Go on to the rules", "rules", kind="primary", disabled=not draft.file.contacts),
            class_="actions",
        ),
    )


def mapping_form(draft: Draft, found: FileFound) -> Markup:
    """What each column holds, with the first rows beside it."""
    known = meanings_of(found.shape)
    rows = [
        Row(
            key=name,
            cells=(
                el("b", name),
                _meaning_choice(number, name, draft.meanings.get(name, known.get(name, ""))),
                _samples(found.shape, number),
            ),
        )
        for number, name in enumerate(found.shape.header)
    ]
    region = field_of(
        "Country of numbers without a prefix",
        "region",
        value=draft.region,
        maxlength=2,
        size=4,
        pattern="[A-Za-z]{2}",
        data_change="mapped",
        note="Two letters, such as IT",
    )
    return section(
        f"What is in {found.name}",
        form(
            "mapped", table("Columns of the file", ("Column", "Holds", "First rows"), rows), region
        ),
        aside=_found_badge(found),
    )


def _found_badge(found: FileFound) -> Markup:
    said = of(found.contacts, "contact")
    if not found.whole:
        said = f"{said} in the first {count(found.looked_at)} rows"
    return badge(said, "good" if found.contacts else "bad")


def _meaning_choice(number: int, name: str, meaning: str) -> Markup:
    options = [
        el("option", shown, value=key, selected=key == meaning) for key, shown in MEANINGS.items()
    ]
    return el(
        "select",
        *options,
        name=f"column-{number}",
        aria_label=f"What {name} holds",
        data_change="mapped",
    )


def _samples(shape: FileShape, column: int) -> Child:
    cells = [row[column] for row in shape.sample[:3] if column < len(row) and row[column]]
    return el("span", " · ".join(cell[:30] for cell in cells), class_="muted")


def meanings_of(shape: FileShape) -> dict[str, str]:
    """What the file's columns were taken for."""
    mapping = shape.mapping
    found = dict.fromkeys(mapping.numbers, "numbers") | dict.fromkeys(mapping.names, "names")
    found |= dict.fromkeys(mapping.ignored, "ignored")
    for single in ("external_id", "priority", "zone", "due", "language"):
        column = getattr(mapping, single)
        if column is not None:
            found[column] = single
    return found


def mapping_of(header: Sequence[str], said: Mapping[str, str]) -> ColumnMapping:
    """What a person said about every column, as an import takes it; raises `ValueError`."""
    several: dict[str, list[str]] = {}
    single: dict[str, str] = {}
    for name in header:
        meaning = said.get(name, "")
        if meaning in SEVERAL:
            several.setdefault(meaning, []).append(name)
        elif meaning in MEANINGS and meaning:
            if meaning in single:
                raise ValueError(
                    f"two columns can't both be {MEANINGS[meaning].lower()}: "
                    f"{single[meaning]} and {name}"
                )
            single[meaning] = name
    if "numbers" not in several:
        raise ValueError("say which column holds the telephone number")
    return ColumnMapping.model_validate({**several, **single})


def refused_part(found: FileFound) -> Markup:
    """The rows that would be refused, each with its reason."""
    if not found.refused:
        return notice("good", "No row of these would be refused")
    rows = [
        Row(
            key=str(one.line),
            cells=(count(one.line), plain(one.code), one.reason, " ; ".join(one.raw)[:80]),
        )
        for one in found.refused[:10]
    ]
    more = len(found.refused) - len(rows)
    return section(
        f"{of(len(found.refused), 'row')} would be refused",
        table("Refused rows", ("Line", "Why", "What that means", "The row"), rows),
        el("p", f"and {of(more, 'more row')}", class_="muted") if more > 0 else None,
        el(
            "p", "The others are imported. You can mend these and bring them later.", class_="muted"
        ),
    )


def rules_step(draft: Draft) -> Markup:
    """How they are dialed."""
    say, chosen = draft.values.get, draft.switch
    barred = {str(mode): why for mode, why in (chosen.barred if chosen else {}).items()}
    modes = {str(mode): words for mode, words in MODE_WORDS.items()}
    usable = [key for key in modes if key not in barred]
    mode = say("mode", "")
    basics = section(
        "The campaign",
        el(
            "div",
            field_of("Name", "name", value=say("name", ""), required=True, maxlength=120),
            choice(
                "Switch",
                "switch",
                {one.key: one.name for one in draft.switches},
                value=chosen.key if chosen else "",
                data_change="ruled",
            ),
            choice(
                "Mode",
                "mode",
                modes,
                value=mode if mode in usable else usable[0],
                disabled=barred,
                data_change="ruled",
                note="Modes that the switch can't do are barred" if barred else None,
            ),
            field_of(
                "Number shown to people",
                "caller_id",
                value=say("caller_id", ""),
                kind="tel",
                note="With its country's prefix; empty: the trunk's own",
            ),
            class_="form across",
        ),
    )
    return form("create", basics, _hours(draft), _law(draft), _pace(draft, mode), _go())


def _hours(draft: Draft) -> Markup:
    say = draft.values.get
    note = "such as mon-fri 09:00-18:00; in Europe/Rome, or always"
    return section(
        "When",
        el(
            "div",
            field_of("The campaign runs", "hours", value=say("hours", "always"), note=note),
            field_of(
                "People may be called",
                "contact_hours",
                value=say("contact_hours", "mon-sat 09:00-20:00"),
                note="on the clock where the number is",
            ),
            class_="form across",
        ),
    )


def _law(draft: Draft) -> Markup:
    chosen = draft.values.get("profiles", "").split("\n")
    ticks = [
        tick(f"{title} ({name})", "profiles", checked=name in chosen, value=name)
        for name, title in draft.profiles.items()
    ]
    return section(
        "The law that is kept at every call",
        stricter_notice(draft.stricter),
        el("div", *ticks, class_="form across"),
        el(
            "p",
            "Not legal advice: a lawyer must check a profile before a campaign relies on it.",
            class_="muted",
        ),
    )


def stricter_notice(stricter: Sequence[Bound]) -> Markup | None:
    """What the law changes of what was asked for."""
    if not stricter:
        return None
    items = [
        el(
            "li",
            f"{plain(one.setting.split('.')[-1])}: {one.now} instead of {one.was} ({one.rule})",
        )
        for one in stricter
    ]
    return notice("warn", "The law makes this stricter", el("ul", *items))


def _pace(draft: Draft, mode: str) -> Markup:
    say = draft.values.get
    cap = field_of(
        "Most abandoned, % of answered",
        "abandonment",
        value=say("abandonment", "3"),
        kind="number",
        step="0.1",
        min="0",
        max="100",
    )
    ratio = field_of(
        "Calls for each free agent", "ratio", value=say("ratio", "1.5"), kind="number", step="0.1"
    )
    return section(
        "How hard",
        el(
            "div",
            ratio if mode == Mode.power else None,
            cap,
            field_of(
                "Ring at most, s",
                "ring_timeout",
                value=say("ring_timeout", "25"),
                kind="number",
                min="15",
                max="120",
            ),
            field_of(
                "Wrap up at most, s",
                "wrap_up",
                value=say("wrap_up", "15"),
                kind="number",
                min="0",
                max="1800",
            ),
            field_of(
                "Tries for each contact",
                "attempts",
                value=say("attempts", "4"),
                kind="number",
                min="1",
                max="20",
            ),
            class_="form across",
        ),
    )


def _go() -> Markup:
    return el(
        "div",
        submit("Create and import"),
        button("Back to contacts", "contacts", kind="quiet"),
        class_="actions",
    )


def settings_said(values: Mapping[str, str], *, region: str) -> dict[str, object]:
    """What the form said, by the names of settings; empty fields are left to their defaults."""
    told: dict[str, object] = {
        "name": values.get("name", ""),
        "switch": values.get("switch", ""),
        "mode": values.get("mode", ""),
        "caller_id": values.get("caller_id", "").replace(" ", ""),
        "hours": values.get("hours", ""),
        "contact_hours": values.get("contact_hours", ""),
        "ring_timeout": values.get("ring_timeout", ""),
        "wrap_up": values.get("wrap_up", ""),
        "retry.max_attempts": values.get("attempts", ""),
        "pacing.ratio": values.get("ratio", ""),
        "default_region": region,
    }
    cap = values.get("abandonment", "")
    if cap:
        told["pacing.target_abandonment"] = _share(cap)
    profiles = [name for name in values.get("profiles", "").split("\n") if name]
    if profiles:
        told["compliance.profiles"] = profiles
    return {name: value for name, value in told.items() if value != ""}


def _share(text: str) -> object:
    try:
        return float(text) / 100
    except ValueError:
        return text
