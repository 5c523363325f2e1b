"""Who may use offhook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offhook.accounts import Role, Scope
from offhook.console.kit.markup import el, joined
from offhook.console.kit.parts import (
    Row,
    badge,
    button,
    choice,
    facts,
    field,
    notice,
    page_head,
    section,
    table,
    tick,
)
from offhook.console.kit.words import instant, of, plain
from offhook.storage.account_store import UserView

ROLE_WORDS: Mapping[Role, str] = {
    Role.admin: "Administrator – everything",
    Role.supervisor: "Supervisor – campaigns and people",
    Role.agent: "Agent – the desk",
    Role.integration: "Integration – for programs",
}


@dataclass(frozen=True, slots=True)
class People:
    """The users, and what belongs to them."""

    users: Sequence[UserView]
    agents: Mapping[str, str]
    may_write: bool
    link: tuple[str, str] = ("", "")
    """Login and address of a link that was just made; shown once."""


def people_page(people: People) -> Markup:
    """All users."""
    add = button("Add somebody", "add", kind="primary") if people.may_write else None
    login, address = people.link
    return el(
        "div",
        page_head("People", add, note=of(len(people.users), "account")),
        notice(
            "good",
            f"Give this link to {login}; it is shown only now",
            joined(el("code", address), " It lets them choose a password, once."),
        )
        if address
        else None,
        section("Accounts", _table(people)),
        class_="stack",
    )


def _table(people: People) -> Markup:
    rows = [
        Row(
            key=one.id,
            cells=(
                joined(one.login, el("span", one.name, class_="muted") if one.name else None),
                plain(one.role),
                scope_words(one.scope),
                people.agents.get(one.agent_id or "", "–"),
                _state(one),
                instant(one.last_login_at),
                _deeds(one) if people.may_write else "",
            ),
        )
        for one in people.users
    ]
    columns = ("Login", "Role", "Sees", "Desk", "State", "Last here", "!")
    return table("Accounts", columns, rows, class_="tight")


def _state(one: UserView) -> Markup:
    if one.disabled_at is not None:
        return badge("locked out", "bad")
    return badge("may log in", "good") if one.has_password else badge("has no password yet", "warn")


def _deeds(one: UserView) -> Markup:
    lock = "Let in again" if one.disabled_at is not None else "Lock out"
    return el(
        "div",
        button("Change", "change", of=one.id, kind="quiet", label=f"Change {one.login}"),
        button("New link", "link", of=one.id, kind="quiet", label=f"New link for {one.login}"),
        button(lock, "lock", of=one.id, kind="quiet", label=f"{lock}: {one.login}"),
        class_="actions",
    )


def scope_words(scope: Scope) -> str:
    """Whose campaigns, queues and groups somebody sees."""
    if scope.everything:
        return "everything"
    parts = [
        f"{name} {', '.join(values) or 'none'}"
        for name, values in (
            ("campaigns", scope.campaigns),
            ("queues", scope.queues),
            ("groups", scope.groups),
        )
        if values is not None
    ]
    return "; ".join(parts)


def user_fields(
    agents: Mapping[str, str], campaigns: Mapping[str, str], user: UserView | None = None
) -> tuple[Markup, ...]:
    """What is asked of a user; a login is chosen once."""
    seen = user.scope.campaigns if user is not None else None
    login = field("Login", "login", required=True, pattern="[A-Za-z0-9][A-Za-z0-9._@+-]*")
    ticks = [
        tick(name, "campaigns", checked=seen is not None and key in seen, value=key)
        for key, name in campaigns.items()
    ]
    return (
        facts({"Login": user.login}) if user is not None else login,
        field("Name", "name", value=user.name if user is not None else "", maxlength=200),
        choice(
            "Role",
            "role",
            {str(role): words for role, words in ROLE_WORDS.items()},
            value=user.role if user is not None else Role.supervisor,
        ),
        choice(
            "At the desk as",
            "agent_id",
            {"": "nobody", **agents},
            value=(user.agent_id or "") if user is not None else "",
        ),
        el(
            "fieldset",
            el("legend", "Sees only these campaigns; none ticked is all"),
            *ticks[:30],
        )
        if ticks
        else el("span"),
        *(
            field(
                f"Sees only these {word}",
                word,
                value=", ".join(named or ()),
                note="Names with commas between; none is all.",
                maxlength=1_000,
            )
            for word, named in (
                ("queues", user.scope.queues if user is not None else None),
                ("groups", user.scope.groups if user is not None else None),
            )
        ),
    )


def scope_said(said: Mapping[str, str]) -> Scope:
    """What was ticked and named; of what nothing is said, all is seen."""
    return Scope(
        campaigns=_named(said, "campaigns", "\n"),
        queues=_named(said, "queues", ","),
        groups=_named(said, "groups", ","),
    )


def _named(said: Mapping[str, str], what: str, between: str) -> tuple[str, ...] | None:
    names = (one.strip() for one in said.get(what, "").split(between))
    return tuple(dict.fromkeys(filter(None, names))) or None
