"""Why a campaign, or a contact of it, is dialed or not: facts in, a verdict in plain words out.

The first thing that stands in the way is the verdict, in the order in which whoever dials would
meet it; the facts themselves are the evidence. Pure, so that every sentence has a test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.commands import ContactState
from dialer.compliance.judge import Finding
from dialer.lists.queue import FILTERED, QUOTA
from dialer.model import CampaignPhase, CampaignSettings, Mode
from dialer.outcomes import Outcome
from dialer.why_words import finished_says, refusal_says
from dialer.windows import CallingHours, zone_info

SILENT = timedelta(seconds=15)
"""Whoever dials renews its lease more often than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What stands in the way, or that nothing does."""

    code: str
    """Stable; `dialing`, `due` and `in_progress` mean that all is well."""
    says: str
    then: str = ""
    """What a person can do about it, if anything."""
    until: datetime | None = None
    """When it ends by itself, if that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """The agents of a campaign, counted."""

    total: int = 0
    logged_off: int = 0
    not_ready: int = 0
    unreachable: int = 0
    """Available, but their devices can't be called."""
    elsewhere: int = 0
    """Lent to another campaign now."""
    here: int = 0
    """Available, reachable and this campaign's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFacts:
    """All that the answer about a campaign depends on."""

    settings: CampaignSettings
    phase: CampaignPhase
    phase_reason: str = ""
    started: bool = True
    owner: str = ""
    """Who dials; empty for nobody."""
    renewed_at: datetime | None = None
    """When he was last heard of."""
    agents: Agents = Agents()
    contacts: Mapping[str, int]
    """By state."""
    due: int = 0
    """Ready ones that are due."""
    kept_out: int = 0
    """Ready, but kept from being dialed by their list's filter or by a quota."""
    next_due_at: datetime | None = None
    """When the next of the others is."""
    lines: int = 0
    """Of the trunks that it may use."""
    in_progress: int = 0
    """Calls."""
    link_down: str = ""
    """What is wrong with the link to the switch, if anything is."""
    pacing_reason: str = ""
    """The pacer's last word."""


_PHASES: Mapping[CampaignPhase, tuple[str, str]] = {
    CampaignPhase.completed: ("The campaign is complete: nobody is left to call.", ""),
    CampaignPhase.stopped: ("The campaign was stopped.", "start it anew with `campaign start`"),
    CampaignPhase.paused: ("The campaign is paused.", "go on with `campaign resume`"),
}


def campaign_verdict(facts: CampaignFacts, now: datetime) -> Verdict:
    """Why the campaign dials or doesn't."""
    return (
        _by_phase(facts, now)
        or _by_worker(facts, now)
        or _by_switch(facts)
        or _by_agents(facts)
        or _by_contacts(facts, now)
        or Verdict(
            code="dialing",
            says=f"It is dialing, with {facts.in_progress} calls in progress"
            + (f"; the pacer says: {facts.pacing_reason}." if facts.pacing_reason else "."),
        )
    )


def _by_phase(facts: CampaignFacts, now: datetime) -> Verdict | None:
    phase = facts.phase
    if phase in _PHASES:
        says, then = _PHASES[phase]
        return Verdict(code=phase, says=says, then=then)
    if phase is CampaignPhase.failed:
        return Verdict(
            code=phase,
            says=f"The campaign has failed: {facts.phase_reason or 'no reason was written'}.",
            then="put that right, then start it again with the same run key",
        )
    if phase is CampaignPhase.draining:
        return Verdict(
            code=phase,
            says=f"It places no more calls ({facts.phase_reason or 'draining'}) and waits for the "
            f"{facts.in_progress} in progress to end.",
        )
    if not facts.started:
        return Verdict(
            code="not_started",
            says="The campaign has not been started.",
            then="start it with `campaign start`",
        )
    return _by_hours(facts.settings.hours, now, "the campaign's hours")


def _by_hours(
    hours: CallingHours, now: datetime, whose: str, zones: tuple[str, ...] | None = None
) -> Verdict | None:
    if hours.contains(now, zones):
        return None
    opens_at = hours.next_open(now, zones)
    if opens_at is None:
        return Verdict(
            code="never_open",
            says=f"It is outside {whose}, and they never open ({hours.render()}).",
            then="change the hours in the settings",
        )
    return Verdict(
        code="outside_hours",
        says=f"It is outside {whose}, which open next at {_clock(opens_at, hours, zones)}.",
        until=opens_at,
    )


def _by_worker(facts: CampaignFacts, now: datetime) -> Verdict | None:
    heard = facts.renewed_at
    if facts.owner and heard is not None and now - heard <= SILENT:
        return None
    last = "nobody ever did" if heard is None else f"last heard of at {heard:%Y-%m-%d %H:%M:%S} UTC"
    return Verdict(
        code="nobody_dials",
        says=f"No worker dials for it just now ({last}).",
        then="check that a worker runs: `offhook doctor`",
    )


def _by_switch(facts: CampaignFacts) -> Verdict | None:
    switch = facts.settings.switch
    if facts.link_down:
        return Verdict(
            code="link_down",
            says=f"The link to switch {switch} is down: {facts.link_down}.",
            then=f"`offhook switch check {switch}` says what to do",
        )
    if facts.lines == 0:
        return Verdict(
            code="no_lines",
            says=f"None of the trunks that it may use on switch {switch} has a line.",
            then=f"`offhook switch show {switch}` lists them",
        )
    return None


def _by_agents(facts: CampaignFacts) -> Verdict | None:
    agents = facts.agents
    if facts.settings.mode is Mode.agentless or agents.here:
        return None
    if not agents.total:
        return Verdict(
            code="no_agents",
            says="The campaign has no agents.",
            then="add some, or dial in agentless mode",
        )
    counts = [
        (agents.logged_off, "logged off"),
        (agents.not_ready, "not ready"),
        (agents.unreachable, "at devices that can't be called"),
        (agents.elsewhere, "working for another campaign"),
    ]
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    return Verdict(
        code="no_agent_available",
        says=f"None of its {agents.total} agents is available: {told}.",
        then="calls begin as soon as one is",
    )


def _by_contacts(facts: CampaignFacts, now: datetime) -> Verdict | None:
    waiting = sum(facts.contacts.get(state, 0) for state in ("claimed", "dialing"))
    if facts.due or waiting:
        return None
    if not sum(facts.contacts.values()):
        return Verdict(
            code="no_contacts",
            says="The campaign has no contacts.",
            then="bring some in with `campaign import`",
        )
    if not facts.contacts.get(ContactState.ready, 0):
        return Verdict(code="exhausted", says="Nobody is left to call; it is about to end.")
    kept_out = f"{facts.kept_out} are kept out by their list's filter or by a quota"
    if facts.next_due_at is None and facts.kept_out:
        return Verdict(
            code="kept_out",
            says=f"Nobody who may be dialed is left: {kept_out}.",
            then="see `list show`, and change what keeps them out, or stop the campaign",
        )
    return Verdict(
        code="nothing_due",
        says=f"Nobody is due before {_utc(facts.next_due_at or now)}"
        + (f"; {kept_out}." if facts.kept_out else "."),
        until=facts.next_due_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedNumber:
    """A number of a contact, with what is known of it."""

    zones: tuple[str, ...]
    last_outcome: Outcome | None = None
    listed_by: str = ""
    """Which do-not-call list has it, if one has."""
    law: tuple[Finding, ...] = ()
    """What every rule that the campaign keeps says of a call to it now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFacts:
    """All that the answer about a contact depends on, beside its campaign."""

    state: ContactState
    due_at: datetime
    numbers: Sequence[TriedNumber]
    finished_reason: str = ""
    last_outcome: Outcome | None = None
    last_refusal: str = ""
    """Why a call was not placed last, if that was after the last attempt."""
    attempts: int = 0
    ahead: int = 0
    held: str = ""
    """What keeps it out of its list's queue: `filter`, or `quota` and its name."""
    inactive_list: str = ""
    """Its list, where that is not dialed."""


_SPENT = (Outcome.invalid, Outcome.fax)


def contact_verdict(contact: ContactFacts, campaign: CampaignFacts, now: datetime) -> Verdict:
    """Why the contact is dialed or isn't; where only the campaign is in the way, why it is."""
    match contact.state:
        case ContactState.finished:
            why = finished_says(contact.finished_reason)
            return Verdict(code="finished", says=f"The contact is finished: {why}.")
        case ContactState.dialing:
            return Verdict(code="in_progress", says="A call to the contact is in progress.")
        case ContactState.claimed:
            return Verdict(code="in_progress", says="The contact is next: whoever dials has it.")
    usable = [one for one in contact.numbers if one.last_outcome not in _SPENT]
    if not usable:
        return Verdict(code="no_number", says="No number of the contact reaches a person.")
    if all(one.listed_by for one in usable):
        return Verdict(
            code="do_not_call",
            says=f"Every number of the contact is on a do-not-call list ({usable[0].listed_by}).",
        )
    if (left_out := _by_list(contact)) is not None:
        return left_out
    over = _by_phase(campaign, now)
    if over is not None and over.code not in ("outside_hours", CampaignPhase.draining):
        return over
    return _by_time(contact, usable, campaign, now) or over or _by_turn(contact, campaign, now)


def _by_list(contact: ContactFacts) -> Verdict | None:
    """What of its list keeps a contact from being dialed."""
    if contact.inactive_list:
        return Verdict(
            code="list_inactive",
            says=f"The contact's list, {contact.inactive_list}, is not dialed.",
            then="dial it with `offhook list activate`",
        )
    if contact.held == FILTERED:
        return Verdict(
            code="filtered",
            says="The filter of the contact's list leaves it out.",
            then="`offhook list show` says what the filter is, `offhook list set` changes it",
        )
    if contact.held.startswith(QUOTA):
        name = contact.held.removeprefix(QUOTA)
        return Verdict(
            code="quota_full",
            says=f"The quota {name}, which the contact would add to, is full.",
            then="`offhook campaign quotas` shows it, and changes it",
        )
    return None


def _by_time(
    contact: ContactFacts,
    usable: Sequence[TriedNumber],
    campaign: CampaignFacts,
    now: datetime,
) -> Verdict | None:
    hours, own = campaign.settings.contact_hours, campaign.settings.hours.zone
    if contact.due_at > now:
        why = "the list says so"
        if contact.last_refusal:
            why = f"when it was last looked at, {refusal_says(contact.last_refusal)}"
        elif contact.last_outcome is not None:
            why = f"the last call ended {contact.last_outcome}"
        return Verdict(
            code="not_due",
            says=f"The contact is not due before {_utc(contact.due_at)}: {why}.",
            until=contact.due_at,
        )
    closed = [_by_hours(hours, now, "the contact's hours", one.zones or (own,)) for one in usable]
    shut = [verdict for verdict in closed if verdict is not None]
    if len(shut) < len(closed):
        return _by_law(usable)
    return min(shut, key=lambda verdict: (verdict.until is None, verdict.until or now))


def _by_law(usable: Sequence[TriedNumber]) -> Verdict | None:
    """The rule that forbids the number that is free soonest, where every number is forbidden."""
    worst: list[Finding] = []
    for one in usable:
        against = [found for found in one.law if not found.allowed]
        if not against:
            return None
        worst.append(max(against, key=_how_long))
    found = min(worst, key=_how_long)
    until = f", until {_utc(found.until)}" if found.until else ""
    return Verdict(
        code=found.rule,
        says=f"The law forbids a call now: {found.says}{until} ({found.rule}).",
        then="" if found.until else "only a person can change that",
        until=found.until,
    )


def _how_long(found: Finding) -> tuple[bool, bool, float]:
    return found.final, found.until is None, found.until.timestamp() if found.until else 0.0


def _by_turn(contact: ContactFacts, campaign: CampaignFacts, now: datetime) -> Verdict:
    verdict = campaign_verdict(campaign, now)
    if verdict.code != "dialing":
        return verdict
    before = f"{contact.ahead} come first" if contact.ahead else "nobody comes first"
    return Verdict(code="due", says=f"The contact is due, and the campaign is dialing; {before}.")


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _clock(instant: datetime, hours: CallingHours, zones: tuple[str, ...] | None) -> str:
    zone = zones[0] if zones else hours.zone
    return f"{instant.astimezone(zone_info(zone)):%Y-%m-%d %H:%M} {zone}"
