"""The first step of a new campaign: what is in the file, and who would be refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dialer.contacts_csv import ColumnMapping, FileShape, RefusedRow
from offhook.console.kit.markup import Child, el, joined
from offhook.console.kit.parts import Row, badge, button, form, notice, section, table
from offhook.console.kit.parts import field as field_of
from offhook.console.kit.words import count, of, plain

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


def contacts_step(
    found: FileFound | None,
    said: Mapping[str, str],
    region: str,
    *,
    upload: str,
    most: int,
    go: str = "Go on to the rules",
) -> Markup:
    """Bring a file, and say what its columns hold."""
    pick = _pick(upload, most)
    if found is None:
        return pick
    return joined(
        pick,
        mapping_form(found, said, region),
        refused_part(found),
        el(
            "div",
            button(go, "go", kind="primary", disabled=not found.contacts),
            class_="actions",
        ),
    )


def _pick(upload: str, most: int) -> Markup:
    """Where a file is chosen; it is on its way at once."""
    return section(
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


def mapping_form(found: FileFound, said: Mapping[str, str], region: str) -> Markup:
    """What each column holds, with the first rows beside it."""
    known = meanings_of(found.shape)
    rows = [
        Row(
            key=name,
            cells=(
                el("b", name),
                _meaning_choice(number, name, said.get(name, known.get(name, ""))),
                _samples(found.shape, number),
            ),
        )
        for number, name in enumerate(found.shape.header)
    ]
    country = field_of(
        "Country of numbers without a prefix",
        "region",
        value=region,
        maxlength=2,
        size=4,
        pattern="[A-Za-z]{2}",
        data_change="mapped",
        note="Two letters, such as IT",
    )
    return section(
        f"What is in {found.name}",
        form(
            "mapped", table("Columns of the file", ("Column", "Holds", "First rows"), rows), country
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
