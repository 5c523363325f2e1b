"""Menus: what is published, what it looks like, who is in it, and talking to it."""

from collections.abc import Sequence

from markupsafe import Markup

from ivr.problems import Problem, Severity
from offhook.console.ivr_trial import Trial
from offhook.console.kit.layout import url
from offhook.console.kit.markup import el, joined
from offhook.console.kit.parts import (
    Row,
    badge,
    button,
    empty,
    field,
    form,
    link,
    notice,
    page_head,
    section,
    submit,
    table,
)
from offhook.console.kit.words import count, instant, of, plain
from offhook.storage.ivr_store import PublishedTree, SessionView

KEYS = "123456789*0#"


def trees_page(trees: Sequence[PublishedTree], sessions: Sequence[SessionView]) -> Markup:
    """Everything that is published, and who is in a menu now."""
    head = page_head("IVR", note="Menus that answer calls.")
    newest = [one for one in trees if one.newest]
    if not newest:
        return el("div", head, _none(), class_="stack")
    rows = [
        Row(
            key=one.name,
            cells=(
                link(one.name, url(f"/ivr/{one.name}")),
                str(one.version),
                ", ".join(one.routes) or badge("no number leads here", "warn"),
                count(sum(t.live for t in trees if t.name == one.name)),
                instant(one.published_at),
            ),
        )
        for one in newest
    ]
    columns = ("Menu", "Version#", "Answers", "Callers now#", "Published")
    return el(
        "div",
        head,
        section("Menus", table("Menus", columns, rows)),
        section("Callers in menus now", sessions_table(sessions)),
        class_="stack",
    )


def _none() -> Markup:
    return empty(
        "No menu is published",
        joined(
            "A menu is a YAML file. Check it with ",
            el("code", "offhook ivr check FILE"),
            ", then publish it with ",
            el("code", "offhook ivr publish FILE"),
            ".",
        ),
    )


def sessions_table(sessions: Sequence[SessionView]) -> Markup:
    """Who is in a menu, and where."""
    if not sessions:
        return empty("Nobody is in a menu", "Callers appear here while they are asked.")
    rows = [
        Row(
            key=one.id,
            cells=(
                instant(one.started_at, "clock"),
                one.tree,
                one.called,
                _masked(one.calling),
                joined(one.node, " ", badge(plain(one.phase), "accent")),
                count(one.steps),
            ),
        )
        for one in sessions
    ]
    return table("Callers", ("Since", "Menu", "Called", "From", "Where", "Steps#"), rows)


def _masked(number: str) -> str:
    return f"…{number[-4:]}" if len(number) > 4 else number


def tree_head(tree: PublishedTree) -> Markup:
    """The heading of a menu's page."""
    routes = ", ".join(tree.routes)
    return page_head(
        tree.name,
        note=f"Version {tree.version}" + (f", answers {routes}" if routes else ", answers nothing"),
        back=link("IVR", url("/ivr"), class_="crumb"),
    )


def checks(problems: Sequence[Problem]) -> Markup:
    """What would go wrong on the telephone."""
    if not problems:
        return notice("good", "No dead end, no silent loop, no key without a way")
    rows = [
        Row(
            key=str(at),
            tone="bad" if one.severity is Severity.error else "warn",
            cells=(
                badge(str(one.severity), "bad" if one.severity is Severity.error else "warn"),
                one.why,
                one.mend,
            ),
        )
        for at, one in enumerate(problems)
    ]
    return section(
        f"{of(len(problems), 'thing')} to look at",
        table("Checks", ("Is", "What", "How to mend it"), rows),
    )


def trial_part(trial: Trial) -> Markup:
    """A call to the menu, from the page."""
    lines = [
        el("li", words, class_="caller" if who == "caller" else None) for who, words in trial.said
    ]
    pad = [button(key, "press", of=key, label=f"Key {key}") for key in KEYS]
    whole = form(
        "keys",
        field(
            "Several keys at once",
            "keys",
            kind="text",
            inputmode="tel",
            maxlength=40,
            note="They are hidden" if trial.secret else "Empty: stay silent",
        ),
        submit("Send", kind=""),
        class_="form across",
    )
    return section(
        "Try it",
        el(
            "div",
            el("div", el("ol", *lines, class_="log"), role="log", aria_label="The call so far"),
            el("div", el("div", *pad, class_="keypad"), el("br"), whole)
            if trial.waits
            else _ended(trial),
            class_="split",
        ),
        el("br"),
        el(
            "div",
            button("Hang up", "hangup", disabled=not trial.waits),
            button("Call again", "again", kind="quiet"),
            class_="actions",
        ),
    )


def _ended(trial: Trial) -> Markup:
    result = trial.result
    if result is None:
        return empty("The call is over", "")
    where = f" to {result.to}" if result.to else ""
    return notice("plain", f"{plain(result.end)}{where}", f"The call ended at {result.node}.")
