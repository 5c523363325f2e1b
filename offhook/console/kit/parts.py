"""Parts that views are put together from: cards, tables, forms, and words for nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offhook.console.kit.markup import Attribute, Child, el, joined
from offhook.console.kit.words import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table; its key keeps it in place while others come and go."""

    cells: tuple[Child, ...]
    key: str = ""
    tone: str = ""


def page_head(title: str, *actions: Child, note: Child = None, back: Child = None) -> Markup:
    """The heading of a page, a line about it, and what can be done on it."""
    return el(
        "header",
        el("div", back, el("h1", title), el("div", note, class_="note") if note else None),
        el("div", *actions, class_="actions") if any(actions) else None,
        class_="page-head",
    )


def section(title: str, *children: Child, aside: Child = None, class_: str = "") -> Markup:
    """A part of a page under a heading."""
    head = el("div", el("h2", title), aside, class_="section-head")
    return el("section", head, *children, class_=f"section {class_}".strip())


def cards(*children: Child) -> Markup:
    """Cards side by side."""
    return el("div", *children, class_="cards")


def card(
    label: str, figure: Child, *, note: Child = None, tone: str = "", href: str | None = None
) -> Markup:
    """One large figure, what it is, and a line about it."""
    inside = joined(
        el("p", label, class_="card-label"),
        el("p", figure, class_="figure"),
        el("p", note, class_="muted card-note") if note else None,
    )
    classes = f"card {tone}".strip()
    return el("a", inside, class_=classes, href=href) if href else el("div", inside, class_=classes)


def badge(text: str, tone: str = "") -> Markup:
    """A short state; its colour repeats what its word says."""
    return el("span", text, class_=f"badge {tone}".strip())


_KINDS = {"#": "number", "!": "deeds"}


def table(caption: str, columns: Sequence[str], rows: Sequence[Row], *, class_: str = "") -> Markup:
    """Rows under headings; on a narrow screen each row is a card. The caption is for listeners.

    A column whose name ends with `#` holds numbers, the one named `!` what can be done. A `brief`
    table has two cells in a line there.
    """
    names = [name.rstrip("#!") for name in columns]
    kinds = [_KINDS.get(name[-1:]) for name in columns]
    head = [
        el("th", name, scope="col", class_=kind) for name, kind in zip(names, kinds, strict=True)
    ]
    body = [
        el(
            "tr",
            *(
                el("td", cell, data_label=name, class_=kind)
                for cell, name, kind in zip(row.cells, names, kinds, strict=True)
            ),
            data_key=row.key or None,
            class_=row.tone or None,
        )
        for row in rows
    ]
    return el(
        "div",
        el(
            "table",
            el("caption", caption, class_="unseen"),
            el("thead", el("tr", *head)),
            el("tbody", *body),
        ),
        class_=f"table {class_}".strip(),
    )


def facts(pairs: Mapping[str, Child]) -> Markup:
    """Names and values in two columns; what is None is left out."""
    rows = [
        el("div", el("dt", name), el("dd", value))
        for name, value in pairs.items()
        if value is not None
    ]
    return el("dl", *rows, class_="facts")


def empty(title: str, text: Child, *actions: Child) -> Markup:
    """What to say, and what to do next, where there is nothing to show."""
    return el(
        "div",
        el("p", title, class_="empty-title"),
        el("p", text),
        el("div", *actions, class_="actions") if any(actions) else None,
        class_="empty",
    )


def link(text: Child, href: str, *, class_: str | None = None) -> Markup:
    """A way to another page."""
    return el("a", text, href=href, class_=class_)


def button(
    text: Child,
    act: str,
    *,
    of: str = "",
    kind: str = "",
    disabled: bool = False,
    label: str | None = None,
    keys: str | None = None,
) -> Markup:
    """A button that causes an act; `kind` is primary, danger or quiet, `keys` what presses it."""
    return el(
        "button",
        text,
        el("kbd", keys, aria_hidden="true") if keys else None,
        type="button",
        class_=f"button {kind}".strip(),
        data_act=act,
        data_of=of or None,
        disabled=disabled,
        aria_label=label,
        aria_keyshortcuts=keys,
        data_keys=keys,
    )


def submit(text: str, *, kind: str = "primary", disabled: bool = False) -> Markup:
    """The button that sends a form."""
    return el("button", text, type="submit", class_=f"button {kind}", disabled=disabled)


def form(act: str, *children: Child, of: str = "", class_: str = "form") -> Markup:
    """A form that causes an act with all its fields."""
    return el(
        "form", *children, data_act=act, data_of=of or None, class_=class_, autocomplete="off"
    )


def field(
    label: str,
    name: str,
    *,
    value: str = "",
    kind: str = "text",
    note: Child = None,
    error: str = "",
    **attributes: Attribute,
) -> Markup:
    """A field with its label, a line about it, and what is wrong with what it holds."""
    control = el(
        "input",
        type=kind,
        name=name,
        id=f"f-{name}",
        value=value,
        **_described(name, note, error),
        **attributes,
    )
    return _labelled(label, name, control, note, error)


def area(label: str, name: str, *, value: str = "", note: Child = None, rows: int = 3) -> Markup:
    """A field of several lines."""
    control = el(
        "textarea", value, name=name, id=f"f-{name}", rows=rows, **_described(name, note, "")
    )
    return _labelled(label, name, control, note, "")


def choice(
    label: str,
    name: str,
    options: Mapping[str, str],
    *,
    value: str = "",
    note: Child = None,
    error: str = "",
    disabled: Mapping[str, str] | None = None,
    wide: bool = False,
    **attributes: Attribute,
) -> Markup:
    """One of several, by their values; `disabled` ones say why. A `wide` one has two places."""
    barred = disabled or {}
    told = [
        el(
            "option",
            f"{shown} – {barred[key]}" if key in barred else shown,
            value=key,
            selected=key == value,
            disabled=key in barred,
        )
        for key, shown in options.items()
    ]
    control = el(
        "select", *told, name=name, id=f"f-{name}", **_described(name, note, error), **attributes
    )
    return _labelled(label, name, control, note, error, wide=wide)


def tick(label: str, name: str, *, checked: bool = False, value: str = "yes") -> Markup:
    """A box to tick."""
    box = el("input", type="checkbox", name=name, value=value, checked=checked)
    return el("label", box, el("span", label), class_="tick")


def _described(name: str, note: Child, error: str) -> dict[str, Attribute]:
    told = [f"n-{name}"] if note else []
    told += [f"e-{name}"] if error else []
    return {
        "aria_describedby": " ".join(told) or None,
        "aria_invalid": "true" if error else None,
    }


def _labelled(
    label: str, name: str, control: Markup, note: Child, error: str, *, wide: bool = False
) -> Markup:
    return el(
        "div",
        el("label", label, for_=f"f-{name}"),
        control,
        el("p", note, class_="muted", id=f"n-{name}") if note else None,
        el("p", error, class_="field-error", id=f"e-{name}") if error else None,
        class_="field wide" if wide else "field",
    )


def notice(tone: str, title: str, text: Child = None, *actions: Child) -> Markup:
    """Something that is to be known now; `tone` is good, warn, bad or plain."""
    return el(
        "div",
        el("p", title, class_="notice-title"),
        el("p", text) if text else None,
        el("div", *actions, class_="actions") if any(actions) else None,
        class_=f"notice {tone}",
        role="alert" if tone == "bad" else "status",
    )


def bars(counts: Mapping[str, int], *, tones: Mapping[str, str] | None = None) -> Markup:
    """Counts as bars of one whole, largest first; the words beside them say the same."""
    known = tones or {}
    total = sum(counts.values()) or 1
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return el(
        "ul",
        *(
            el(
                "li",
                el("span", plain(name), class_="bar-name"),
                el(
                    "span",
                    el(
                        "span",
                        style=f"width:{100 * number / total:.1f}%",
                        class_=known.get(name) or None,
                    ),
                    class_="bar",
                    aria_hidden="true",
                ),
                el("span", f"{number:,}", class_="bar-count"),
                data_key=name,
            )
            for name, number in ordered
        ),
        class_="bars",
    )
