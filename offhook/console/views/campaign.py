"""One campaign: what it does, why, how well, and what can be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from dialer.agent import AgentState
from dialer.model import CampaignPhase
from dialer.why import Verdict
from offhook.console.kit.chart import Line, line_chart
from offhook.console.kit.layout import url
from offhook.console.kit.markup import Child, el, joined
from offhook.console.kit.parts import (
    bars,
    button,
    card,
    cards,
    empty,
    facts,
    link,
    notice,
    page_head,
    section,
)
from offhook.console.kit.words import count, instant, of, plain, share, span
from offhook.console.live.floor import Minutes
from offhook.console.views.floor import rate_tone
from offhook.console.views.names import (
    AGENT_COLOURS,
    AGENT_NAMES,
    BEFORE_ANSWER,
    OUTCOME_TONES,
    WAITING,
    phase_badge,
)
from offhook.storage.campaign_records import ENDED
from offhook.storage.campaign_views import CampaignRow, CampaignView
from offhook.storage.floor_reads import BUCKET

WELL = ("dialing", "due", "in_progress", CampaignPhase.completed)
RESTING = ("finished", "not_started", CampaignPhase.stopped)
_LEAST = 18
"""Steps that a chart has at least."""
_POINTS = 90
_CHARTED = (AgentState.talking, AgentState.wrap_up, AgentState.parked, AgentState.ringing)


@dataclass(frozen=True, slots=True)
class CampaignNow:
    """A campaign, and why it does what it does."""

    view: CampaignView
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do about it."""

    command: bool
    write: bool


def campaign_head(now: CampaignNow, rights: Rights, tab: str = "live") -> Markup:
    """The heading of each page of a campaign, with its orders and tabs."""
    row = now.view.campaign
    return el(
        "div",
        page_head(
            row.name,
            *(orders(row) if rights.command else ()),
            note=joined(
                phase_badge(row.phase, row.reason),
                f" {plain(row.mode)} on {row.switch}",
            ),
            back=link("Campaigns", url("/campaigns"), class_="crumb"),
        ),
        tabs(row.campaign_id, tab),
        class_="stack",
    )


def tabs(campaign: str, active: str) -> Markup:
    """The pages of a campaign."""
    places = (
        ("live", "Live", ""),
        ("settings", "Settings", "/settings"),
        ("report", "Report", "/report"),
        ("contacts", "Contacts", "/contacts"),
        ("forecast", "Forecast", "/forecast"),
    )
    return el(
        "nav",
        *(
            el(
                "a",
                name,
                href=url(f"/campaigns/{campaign}{path}"),
                aria_current="page" if key == active else None,
            )
            for key, name, path in places
        ),
        class_="tabs",
        aria_label="Campaign",
    )


def orders(row: CampaignRow) -> Sequence[Markup]:
    """The orders that make sense in the campaign's phase."""
    phase = row.phase
    if phase in ENDED or (phase is CampaignPhase.scheduled and row.started_at is None):
        return (button("Start", "start", kind="primary"),)
    stop = button("Stop", "stop", kind="danger")
    if phase is CampaignPhase.paused:
        return button("Resume", "resume", kind="primary"), stop
    if phase is CampaignPhase.draining:
        return (stop,)
    return button("Pause", "pause"), stop


def campaign_live(now: CampaignNow, rights: Rights) -> Markup:
    """The live page, without its charts."""
    return el(
        "div",
        campaign_head(now, rights),
        live_notice(now),
        campaign_figures(now.view),
        class_="stack",
    )


def live_notice(now: CampaignNow) -> Markup:
    """Whether it dials; while it does, what the pacer says of it."""
    if now.verdict.code != "dialing":
        return verdict_notice(now.verdict)
    in_progress = of(sum(now.view.calls.values()), "call")
    said = str((now.view.pacing or {}).get("reason", ""))
    why = f"The pacer: {said}." if said else None
    return notice("good", f"It is dialing, with {in_progress} in progress", why)


def verdict_notice(verdict: Verdict) -> Markup:
    """Why it dials or doesn't, in words."""
    until: Child = joined("Until ", instant(verdict.until), ". ") if verdict.until else None
    then: Child = f"Next: {verdict.then}." if verdict.then else None
    tone = "good" if verdict.code in WELL else "plain" if verdict.code in RESTING else "warn"
    text = joined(until, then) if until or then else None
    return notice(tone, verdict.says, text)


def campaign_figures(view: CampaignView) -> Markup:
    """The large figures."""
    total, done = view.contacts.get("total", 0), view.contacts.get("finished", 0)
    dialing = sum(view.calls.get(state, 0) for state in BEFORE_ANSWER)
    waiting = sum(view.calls.get(state, 0) for state in WAITING)
    # Who talks has no outcome yet, but has answered.
    answered = max(view.answered, view.connected + view.abandoned)
    return cards(
        card(
            "Contacts finished",
            count(done),
            note=f"of {count(total)}, {share(_of(done, total), 0)}",
        ),
        card("Calls placed", count(view.attempts), note=f"{dialing} ringing, {waiting} waiting"),
        card(
            "Joined with an agent",
            count(view.connected),
            note=f"of {count(answered)} answered",
        ),
        card(
            "Abandoned",
            share(view.abandonment_rate),
            note=meter_note(view),
            tone=rate_tone(view.abandonment_rate, view.abandonment_cap, view.answered),
        ),
        card(
            "Agents busy",
            share(view.agent_utilisation, 0),
            note="of their time talking or wrapping up",
        ),
    )


def meter_note(view: CampaignView) -> Markup:
    """The rate against its cap, drawn and in words."""
    part = min(view.abandonment_rate / view.abandonment_cap, 1.0) if view.abandonment_cap else 0.0
    tone = rate_tone(view.abandonment_rate, view.abandonment_cap, view.answered)
    return joined(
        f"cap {share(view.abandonment_cap)}, {of(view.abandoned, 'person', 'people')}",
        el(
            "span",
            el("span", style=f"width:{100 * part:.0f}%"),
            class_=f"meter {tone}",
            style="display:block",
            aria_hidden="true",
        ),
    )


def campaign_charts(minutes: Minutes, cap: float) -> Markup:
    """The last minutes drawn: calls and answers, agents, abandonment."""
    each = 60 / BUCKET.total_seconds()
    minutes = since_first_call(minutes)
    covers = f"{len(minutes.dials) * BUCKET.total_seconds() / 60:.0f} minutes ago"
    dials = [each * value for value in smooth(minutes.dials)]
    answers = [each * value for value in smooth(minutes.answers)]
    return el(
        "div",
        section(
            "Calls a minute",
            line_chart(
                "Calls a minute",
                [
                    Line(name="placed", values=dials, colour=2, filled=True),
                    Line(name="answered", values=answers, colour=1),
                ],
                covers=covers,
            ),
        ),
        section("Agents at work", agent_chart(minutes.agents)),
        section(
            "Abandoned, over five minutes",
            line_chart(
                "Abandoned of answered, over five minutes",
                [Line(name="rate", values=rates(minutes), colour=3, filled=True)],
                covers=covers,
                limit=cap,
                per_cent=True,
            ),
        ),
        class_="split three",
    )


def since_first_call(minutes: Minutes) -> Minutes:
    """Without the time before the first call, but for a few minutes."""
    quiet = next((at for at, dials in enumerate(minutes.dials) if dials), len(minutes.dials))
    start = max(0, min(quiet - 1, len(minutes.dials) - _LEAST))
    return Minutes(
        dials=minutes.dials[start:],
        answers=minutes.answers[start:],
        abandoned=minutes.abandoned[start:],
        agents=minutes.agents,
    )


def agent_chart(seen: Sequence[Mapping[AgentState, int]]) -> Markup:
    """Agents by what they do, as far as somebody watched."""
    if len(seen) < 2:
        return empty("No agents seen yet", "The line begins when agents work for the campaign.")
    step = max(1, len(seen) // _POINTS)
    points = seen[::step]
    lines = []
    for state in _CHARTED:
        values = [float(one.get(state, 0)) for one in points]
        if state is AgentState.parked:
            values = [
                v + one.get(AgentState.idle, 0) for v, one in zip(values, points, strict=True)
            ]
        name = "Free" if state is AgentState.parked else AGENT_NAMES[state]
        if any(values):
            lines.append(Line(name=name, values=values, colour=AGENT_COLOURS[state]))
    covers = f"{span(2.0 * len(seen))} ago"
    return line_chart("Agents at work", lines, covers=covers)


def smooth(values: Sequence[int]) -> list[float]:
    """Each value as the mean of itself and the two before, so that steps don't flicker."""
    return [
        sum(values[max(0, i - 2) : i + 1]) / len(values[max(0, i - 2) : i + 1])
        for i in range(len(values))
    ]


def rates(minutes: Minutes) -> list[float]:
    """Abandoned of answered in the five minutes before each step; 0 where nobody answered."""
    back = int(300 / BUCKET.total_seconds())
    found = []
    for i in range(len(minutes.answers)):
        answers = sum(minutes.answers[max(0, i - back) : i + 1])
        lost = sum(minutes.abandoned[max(0, i - back) : i + 1])
        found.append(lost / answers if answers else 0.0)
    return found


def campaign_details(view: CampaignView) -> Markup:
    """The pacer's reason, what came of calls, what agents said."""
    return el(
        "div",
        section("The pacer", pacer(view)),
        el(
            "div",
            outcomes_section(view.outcomes, "Outcomes appear as calls end."),
            section(
                "What agents said",
                bars(view.dispositions)
                if view.dispositions
                else empty("Nothing said yet", "Agents say at their desk what came of a talk."),
            ),
            class_="stack",
        ),
        class_="split",
    )


def outcomes_section(outcomes: Mapping[str, int], or_else: str) -> Markup:
    """How calls ended; while none has, what to wait for or do."""
    shown = (
        bars(outcomes, tones=OUTCOME_TONES) if outcomes else empty("No call has ended yet", or_else)
    )
    return section("What calls came to", shown)


def pacer(view: CampaignView) -> Markup:
    """The pacer's last word, and what it saw."""
    if not view.pacing or view.campaign.phase in ENDED:
        return empty("The pacer is at rest", "It decides while the campaign dials.")
    known = view.pacing
    return joined(
        el("p", pacer_words(known), class_="reason"),
        el("br"),
        facts(
            {
                "Placed just now": f"{known.get('place', 0)} of {known.get('wanted', 0)} wanted",
                "Free agents": count(known.get("free", 0)),
                "Ringing": count(known.get("ringing", 0)),
                "Waiting": count(known.get("waiting", 0)),
                "Talking": count(known.get("talking", 0)),
                "Abandonment it sees": share(float(known.get("abandonment", 0.0)), 2),
                "Talk time in all": span(view.talk),
            }
        ),
    )


def pacer_words(known: Mapping[str, Any]) -> str:
    """What the pacer does and what it sees, in a sentence."""
    place, free = int(known.get("place", 0)), int(known.get("free", 0))
    ringing, waiting = int(known.get("ringing", 0)), int(known.get("waiting", 0))
    does = f"{of(place, 'call')} placed just now" if place else "No call is placed just now"
    rings = of(ringing, "call rings", "calls ring") if ringing else "no call rings"
    frees = of(free, "agent is free", "agents are free") if free else "no agent is free"
    waits = of(waiting, "person waits", "people wait") if waiting else "nobody waits"
    return f"{does}: {rings}, {frees}, {waits}."


def _of(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
