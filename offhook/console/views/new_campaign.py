"""A new campaign: what is in the file, who is dialed how, and what law and switch allow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup

from dialer.compliance.binding import Bound
from dialer.model import Mode
from offhook.console.kit.layout import url
from offhook.console.kit.markup import el
from offhook.console.kit.parts import (
    button,
    choice,
    empty,
    form,
    link,
    notice,
    page_head,
    section,
    submit,
    tick,
)
from offhook.console.kit.parts import (
    field as field_of,
)
from offhook.console.kit.words import number_of, plain
from offhook.console.views.new_contacts import FileFound, contacts_step

STEPS = ("Contacts", "Rules", "Check and launch")
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
    body = (
        contacts_step(draft.file, draft.meanings, draft.region, upload=upload, most=most)
        if draft.step == 0
        else rules_step(draft)
    )
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
                wide=True,
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
        el("li", f"{plain(one.setting.split('.')[-1])}: {_in_words(one)} ({one.rule})")
        for one in stricter
    ]
    return notice("warn", "The law makes this stricter", el("ul", *items, class_="plain"))


def _in_words(one: Bound) -> str:
    """A span of days is said without its hours."""
    now, was = (text.removesuffix(", 0:00:00") for text in (one.now, one.was))
    return now if was == "None" else f"{now} instead of {was}"


def _pace(draft: Draft, mode: str) -> Markup:
    def number(label: str, name: str, usual: str, least: str, most: str, step: str = "1") -> Markup:
        value = draft.values.get(name, usual)
        return field_of(label, name, value=value, kind="number", min=least, max=most, step=step)

    return section(
        "How hard",
        el(
            "div",
            number("Calls for each free agent", "ratio", "1.5", "1", "10", "0.1")
            if mode == Mode.power
            else None,
            number("Most abandoned, % of answered", "abandonment", "3", "0", "100", "0.1"),
            number("Ring at most, s", "ring_timeout", "25", "15", "120"),
            number("Wrap up at most, s", "wrap_up", "15", "0", "1800"),
            number("Tries for each contact", "attempts", "4", "1", "100"),
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
        "ring_timeout": number_of(values.get("ring_timeout", "")),
        "wrap_up": number_of(values.get("wrap_up", "")),
        "retry.max_attempts": number_of(values.get("attempts", "")),
        "pacing.ratio": number_of(values.get("ratio", "")),
        "default_region": region,
    }
    cap = values.get("abandonment", "")
    if cap:
        share = number_of(cap)
        told["pacing.target_abandonment"] = share / 100 if isinstance(share, float) else share
    profiles = [name for name in values.get("profiles", "").split("\n") if name]
    if profiles:
        told["compliance.profiles"] = profiles
    return {name: value for name, value in told.items() if value != ""}
