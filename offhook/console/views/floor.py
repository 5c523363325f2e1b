"""The floor: what everybody does now, and what needs somebody's attention first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from dialer.model import AgentStatus, CampaignPhase
from dialer.why import SILENT
from offhook.accounts import Scope
from offhook.console.kit.layout import url
from offhook.console.kit.markup import el, joined
from offhook.console.kit.parts import (
    Row,
    badge,
    bars,
    card,
    cards,
    empty,
    link,
    notice,
    page_head,
    section,
    table,
)
from offhook.console.kit.words import count, instant, of, plain, share, since, span
from offhook.console.live.floor import FloorNow
from offhook.console.views.names import (
    BEFORE_ANSWER,
    CALL_NAMES,
    WAITING,
    doing,
    doing_tone,
    is_at_work,
    phase_badge,
    why_not_ready,
)
from offhook.storage.floor_reads import FloorAgent, FloorCampaign, Totals

NEAR_CAP = 0.85
"""From this share of its cap on, an abandonment rate is something to look at."""
FEW_ANSWERS = 30
"""With fewer answers a rate says nothing yet."""
LONG_WAIT = timedelta(seconds=5)
LONG_WRAP = timedelta(minutes=3)
MOST_SHOWN = 60
_ORDER = ("Talking", "Wrapping up", "Being joined", "Being called", "Ready on the line", "Free")
_TONES = {
    "Wrapping up": "third",
    "Ready on the line": "second",
    "Free": "second",
    "Not ready": "plain",
    "Telephone away": "bad",
}


_CALL_TONES = {
    "Waiting": "bad",
    "Ringing": "second",
    "Being placed": "plain",
    "Hearing the message": "third",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs attention; the worst come first."""

    tone: str
    title: str
    text: str
    campaign: str = ""


def floor_page(now: FloorNow, scope: Scope) -> Markup:
    """The page, for somebody who sees what is in `scope`."""
    campaigns = [one for one in now.floor.campaigns if scope.has(campaign=one.campaign_id)]
    agents = [one for one in now.floor.agents if _seen(one, scope)]
    if not campaigns and not agents:
        return el("div", page_head("Floor"), nothing_yet(scope), class_="stack")
    told = alerts(campaigns, now, agents)
    return el(
        "div",
        page_head("Floor", note=joined("As of ", instant(now.floor.at, "clock"))),
        el("div", *map(_shown, told), class_="notices"),
        figures(campaigns, agents, now),
        section("Campaigns under way", campaign_table(campaigns, now)),
        el(
            "div",
            section("Who does what", agent_table(agents, campaigns, now.floor.at)),
            el(
                "div",
                section("Agents", agent_bars(agents)),
                section("Live calls", call_bars(campaigns)),
                class_="stack",
            ),
            class_="split wide-left",
        ),
        class_="stack",
    )


def nothing_yet(scope: Scope) -> Markup:
    """What to do on an empty floor."""
    if not scope.everything:
        return empty(
            "Nothing that is yours goes on",
            "You see the campaigns, queues and groups that your account is for. "
            "An administrator changes which they are, under People.",
        )
    return empty(
        "Nobody is here yet",
        "The floor shows agents and calls once a switch is connected and a campaign runs.",
        link("Connect a switch", url("/switches"), class_="button"),
        link("New campaign", url("/new-campaign"), class_="button primary"),
    )


def alerts(
    campaigns: Iterable[FloorCampaign], now: FloorNow, agents: Iterable[FloorAgent]
) -> list[Alert]:
    """What needs somebody now."""
    at = now.floor.at
    found = [
        alert for one in campaigns for alert in _of_campaign(one, now.total(one.campaign_id), at)
    ]
    away = [
        one.name or one.number
        for one in agents
        if one.status is AgentStatus.available and not one.reachable
    ]
    if away:
        named = ", ".join(away[:5]) + (f" and {len(away) - 5} more" if len(away) > 5 else "")
        found.append(
            Alert(
                "warn",
                f"{of(len(away), 'ready agent')} can't be called",
                f"Their telephones are away or set to do not disturb: {named}.",
            )
        )
    return sorted(found, key=lambda one: one.tone != "bad")


def _of_campaign(one: FloorCampaign, total: Totals, at: datetime) -> list[Alert]:
    found = []
    dials = one.phase in (CampaignPhase.running, CampaignPhase.draining)
    if dials and one.renewed_at is not None and at - one.renewed_at > SILENT:
        found.append(
            Alert(
                "bad",
                f"{one.name}: no worker has been heard of for {span(at - one.renewed_at)}",
                "Calls in progress are taken over as soon as one is back. Start one with "
                "`offhook worker`, or look at `offhook doctor`.",
                one.campaign_id,
            )
        )
    rate = total.abandonment_rate
    if total.answered >= FEW_ANSWERS and rate > one.cap:
        found.append(
            Alert(
                "bad",
                f"{one.name}: abandonment {share(rate)} is over its cap of {share(one.cap)}",
                "The pacer places one call for each free agent until it is below. "
                "Pause the campaign if that takes too long.",
                one.campaign_id,
            )
        )
    if one.waiting_since is not None and at - one.waiting_since > LONG_WAIT:
        found.append(
            Alert(
                "bad",
                f"{one.name}: somebody has waited {span(at - one.waiting_since)} for an agent",
                "They hear the message when their patience is over.",
                one.campaign_id,
            )
        )
    if one.pacer.reason.startswith("the switch can't be reached"):
        found.append(Alert("bad", f"{one.name}: {one.pacer.reason}", "", one.campaign_id))
    return found


def _shown(alert: Alert) -> Markup:
    go = (
        [link("Open the campaign", url(f"/campaigns/{alert.campaign}"), class_="button")]
        if alert.campaign
        else []
    )
    return notice(alert.tone, alert.title, alert.text or None, *go)


def figures(
    campaigns: Iterable[FloorCampaign], agents: Iterable[FloorAgent], now: FloorNow
) -> Markup:
    """The large figures."""
    campaigns, agents = list(campaigns), list(agents)
    calls: Counter[str] = Counter()
    for one in campaigns:
        calls.update({str(state): number for state, number in one.calls.items()})
    talking = calls["talking"]
    dialing = sum(calls[state] for state in BEFORE_ANSWER)
    waiting = sum(calls[state] for state in WAITING)
    free = sum(doing(one) in ("Free", "Ready on the line") for one in agents)
    present = sum(one.status is not AgentStatus.logged_off for one in agents)
    totals = [now.total(one.campaign_id) for one in campaigns]
    answered = sum(one.answered for one in totals)
    abandoned = sum(one.abandoned for one in totals)
    cap = min((one.cap for one in campaigns), default=0.03)
    rate = abandoned / answered if answered else 0.0
    longest = min((c.waiting_since for c in campaigns if c.waiting_since), default=None)
    level = dialing / free if free else float(dialing)
    return cards(
        card("Talking", count(talking), note=f"of {of(present, 'agent')} here"),
        card("Free agents", count(free), note=_others(agents)),
        card("Being dialed", count(dialing), note=f"dial level {level:.1f}"),
        card(
            "Waiting for an agent",
            count(waiting),
            note=f"longest {span(now.floor.at - longest)}" if longest else "nobody",
            tone="bad" if longest and now.floor.at - longest > LONG_WAIT else "",
        ),
        card(
            "Abandoned",
            share(rate),
            note=f"{count(abandoned)} of {count(answered)} answered, cap {share(cap)}",
            tone=rate_tone(rate, cap, answered),
        ),
    )


def _others(agents: list[FloorAgent]) -> str:
    wrapping = sum(doing(one) == "Wrapping up" for one in agents)
    resting = sum(one.status is AgentStatus.not_ready for one in agents)
    return f"{wrapping} wrapping up, {resting} not ready"


def rate_tone(rate: float, cap: float, answered: int) -> str:
    """The colour of an abandonment rate."""
    if answered < FEW_ANSWERS:
        return ""
    if rate > cap:
        return "bad"
    return "warn" if rate > cap * NEAR_CAP else "good"


def campaign_table(campaigns: Iterable[FloorCampaign], now: FloorNow) -> Markup:
    """A line for each campaign that is under way."""
    rows = [_campaign_row(one, now.total(one.campaign_id)) for one in campaigns]
    if not rows:
        return empty(
            "No campaign is under way",
            "Start one, or make a new one from a list of contacts.",
            link("Campaigns", url("/campaigns"), class_="button"),
            link("New campaign", url("/new-campaign"), class_="button primary"),
        )
    return table(
        "Campaigns under way",
        ("Campaign", "Phase", "In progress#", "Waiting#", "Abandoned#", "The pacer says"),
        rows,
    )


def _campaign_row(one: FloorCampaign, total: Totals) -> Row:
    waiting = sum(one.calls.get(state, 0) for state in WAITING)
    rate = total.abandonment_rate
    tone = rate_tone(rate, one.cap, total.answered)
    return Row(
        key=one.campaign_id,
        tone=tone if tone in ("bad", "warn") else "",
        cells=(
            link(one.name, url(f"/campaigns/{one.campaign_id}")),
            phase_badge(one.phase),
            count(sum(one.calls.values())),
            count(waiting),
            badge(share(rate), tone),
            el("span", one.pacer.reason or plain(one.mode), class_="muted"),
        ),
    )


def agent_bars(agents: Iterable[FloorAgent]) -> Markup:
    """How many do what."""
    counts = Counter(doing(one) for one in agents)
    counts.pop("Logged off", None)
    if not counts:
        return empty("Nobody is logged on", "Agents choose to be ready at their desk.")
    return bars(counts, tones=_TONES)


def call_bars(campaigns: Iterable[FloorCampaign]) -> Markup:
    """How far the calls are that are in progress."""
    counts: Counter[str] = Counter()
    for one in campaigns:
        for state, number in one.calls.items():
            counts[CALL_NAMES.get(state, plain(state))] += number
    if not +counts:
        return empty("No call is in progress", "Calls appear here from their first ring on.")
    return bars(counts, tones=_CALL_TONES)


def agent_table(
    agents: Iterable[FloorAgent], campaigns: Iterable[FloorCampaign], at: datetime
) -> Markup:
    """Who does what, and for how long, those who are busy first."""
    names = {one.campaign_id: one.name for one in campaigns}
    here = [one for one in agents if one.status is not AgentStatus.logged_off or one.state]
    if not here:
        return empty(
            "Nobody is logged on",
            "Agents choose to be ready at their desk, or you do it for them: "
            "offhook agent status AGENT available.",
        )
    here.sort(key=lambda one: (_rank(doing(one)), one.name))
    rows = [_agent_row(one, names, at) for one in here[:MOST_SHOWN]]
    shown = table("Agents", ("Agent", "Does", "For", "Campaign"), rows, class_="brief")
    more = len(here) - MOST_SHOWN
    return joined(
        shown, el("p", f"and {of(more, 'more agent')}", class_="muted") if more > 0 else None
    )


def _rank(word: str) -> int:
    return _ORDER.index(word) if word in _ORDER else len(_ORDER)


def _agent_row(one: FloorAgent, names: dict[str, str], at: datetime) -> Row:
    word = doing(one)
    began = one.since if is_at_work(one) else one.status_at
    long = word == "Wrapping up" and began is not None and at - began > LONG_WRAP
    return Row(
        key=one.agent_id,
        cells=(
            one.name or one.number or one.agent_id,
            badge(why_not_ready(one), "bad" if long else doing_tone(word)),
            since(began) if began else "–",
            names.get(one.works_for, "–"),
        ),
    )


def _seen(agent: FloorAgent, scope: Scope) -> bool:
    return (scope.groups is None or any(scope.has(group=one) for one in agent.groups)) and (
        scope.campaigns is None or any(scope.has(campaign=one) for one in agent.campaigns)
    )
