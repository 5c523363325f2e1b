"""Contacts: found, and each with everything that was, and was not, done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dialer.commands import ContactState
from dialer.why import Verdict
from offhook.console.kit.layout import url
from offhook.console.kit.markup import Child, el, joined
from offhook.console.kit.parts import (
    Row,
    badge,
    choice,
    empty,
    facts,
    field,
    form,
    link,
    page_head,
    section,
    submit,
    table,
)
from offhook.console.kit.words import count, instant, plain, span
from offhook.console.views.campaign import verdict_notice
from offhook.storage.contact_search import MOST, FoundContact
from offhook.storage.contacts import ContactHistory

_TONES = {
    ContactState.ready: "accent",
    ContactState.claimed: "good",
    ContactState.dialing: "good",
    ContactState.finished: "",
}


@dataclass(frozen=True, slots=True)
class Search:
    """What was asked, and what was found."""

    key: str
    campaign: str
    campaigns: Mapping[str, str]
    found: Sequence[FoundContact]


def search_page(search: Search) -> Markup:
    """The form, and whom it found."""
    return el(
        "div",
        page_head("Contacts", note="By number, by your own key, by id or by name."),
        section(
            "Find somebody",
            form(
                "search",
                field("Number, key or name", "key", value=search.key, kind="search"),
                choice(
                    "In",
                    "campaign",
                    {"": "all campaigns", **search.campaigns},
                    value=search.campaign,
                ),
                submit("Find"),
                class_="form across",
            ),
        ),
        _found(search),
        class_="stack",
    )


def _found(search: Search) -> Markup:
    if not search.found:
        if search.key:
            return empty(
                "Nobody was found",
                "Write the number with its country's prefix, such as +39 347 1234567, or choose "
                "the campaign and write a part of the name.",
            )
        return empty(
            "There are no contacts yet",
            "They come with a campaign's CSV file.",
            link("New campaign", url("/new-campaign"), class_="button primary"),
        )
    title = f"{len(search.found)} found" if search.key else "The newest"
    if len(search.found) == MOST and search.key:
        title = f"The first {MOST}"
    return section(
        title,
        table(
            "Contacts",
            ("Name", "Campaign", "Numbers", "State", "Due", "Calls#"),
            [_row(one) for one in search.found],
            class_="brief",
        ),
    )


def _row(one: FoundContact) -> Row:
    return Row(
        key=one.contact_id,
        cells=(
            link(one.name or one.external_id or "No name", url(f"/contacts/{one.contact_id}")),
            one.campaign,
            ", ".join(one.numbers),
            state_badge(one.state, one.finished_reason),
            instant(one.due_at) if one.state is ContactState.ready else "–",
            count(one.attempts),
        ),
    )


def state_badge(state: ContactState, reason: str = "") -> Markup:
    """A contact's state."""
    word = plain(state)
    if reason and reason != state:
        word = f"{word}: {plain(reason).lower()}"
    return badge(word, _TONES.get(state, ""))


def contact_page(told: ContactHistory, why: Mapping[str, Any]) -> Markup:
    """One contact: why it is dialed or not, and its history."""
    verdict = Verdict(code=why["code"], says=why["says"], then=why["then"], until=why["until"])
    story = why["contact"]
    return el(
        "div",
        page_head(
            told.name or told.external_id or f"Contact {told.contact_id}",
            note=joined(state_badge(told.state, told.finished_reason), f" in {why['name']}"),
            back=link("Contacts", url("/contacts"), class_="crumb"),
        ),
        verdict_notice(verdict),
        section("Who", _who(told, story, str(why["campaign"]), str(why["name"]))),
        section("Numbers", _numbers(told, story["numbers"])),
        section("Calls", _attempts(told)),
        section("Calls that were not placed", _refusals(told)),
        class_="stack",
    )


def _who(
    told: ContactHistory, story: Mapping[str, Any], campaign: str, campaign_name: str
) -> Markup:
    return facts(
        {
            "Campaign": link(campaign_name, url(f"/campaigns/{campaign}")),
            "Your key": told.external_id or None,
            "Id": told.contact_id,
            "Due": instant(told.due_at) if told.state is ContactState.ready else None,
            "Calls": f"{len(told.attempts)} of {story['attempts_allowed']} allowed",
            "Priority": str(told.priority),
            "Before it in the queue": count(told.ahead) if told.ahead else None,
            "Belongs to": told.owner,
            "Kept back by": plain(told.held) if told.held else None,
        }
    )


def _numbers(told: ContactHistory, known: Sequence[Mapping[str, Any]]) -> Markup:
    rows = [
        Row(
            key=one.number,
            cells=(
                joined(one.number, f" ({one.label})" if one.label else ""),
                ", ".join(one.zones) or "–",
                "now" if more["open_now"] else joined("from ", instant(more["opens_at"])),
                plain(one.last_outcome) if one.last_outcome else "–",
                _law(more),
            ),
        )
        for one, more in zip(told.numbers, known, strict=True)
    ]
    return table("Numbers", ("Number", "Zone", "Open", "Last", "May be called"), rows)


def _law(known: Mapping[str, Any]) -> Child:
    if known["do_not_call"]:
        return badge(f"do not call, {known['do_not_call']}", "bad")
    against = [one for one in known["law"] if not one["allowed"]]
    if against:
        return badge(str(against[0]["says"]), "warn")
    return badge("yes", "good")


def _attempts(told: ContactHistory) -> Markup:
    if not told.attempts:
        return empty("Never called yet", "The line above says why.")
    rows = [
        Row(
            key=one.attempt_id,
            cells=(
                instant(one.opened_at),
                one.number,
                plain(one.outcome) if one.outcome else badge(plain(one.state), "good"),
                span(one.talk) if one.talk else "–",
                plain(one.disposition) if one.disposition else "–",
                one.agent_id or "–",
                " · ".join(filter(None, (plain(one.reason), one.cause))) or "–",
            ),
        )
        for one in reversed(told.attempts)
    ]
    columns = ("When", "Number", "Outcome", "Talk", "Agent said", "Agent", "Why")
    return table("Calls", columns, rows)


def _refusals(told: ContactHistory) -> Markup:
    if not told.refusals:
        return empty("None", "Nothing has stood in the way of a call that was due.")
    rows = [
        Row(
            key=f"{one.reason} {one.number}",
            cells=(
                plain(one.reason),
                one.number or "–",
                count(one.count),
                instant(one.first_at),
                instant(one.last_at),
            ),
        )
        for one in told.refusals
    ]
    return table("Calls that were not placed", ("Why", "Number", "Times#", "First", "Last"), rows)
