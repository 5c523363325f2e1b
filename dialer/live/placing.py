"""How many calls are placed now: what the pacer wants, less what nothing else allows."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from dialer.call import CallState
from dialer.commands import NotePacing, OpenAttemptRecord, PlaceCall
from dialer.compliance.binding import least_ring
from dialer.compliance.facts import NOTHING_KNOWN
from dialer.live import agents, calls, matching, previewing, promised, selection
from dialer.live.closing import TOO_MANY
from dialer.live.deadlines import Timer
from dialer.live.law import Rule
from dialer.live.things import Line, LiveCall
from dialer.live.world import World
from dialer.model import AgentId, AttemptId, Mode, Trunk
from dialer.outcomes import Outcome
from dialer.pacing.base import Decision, Floor, Placed, Why
from dialer.switching import Way

SILENCE = timedelta(seconds=5)
"""Without any sign of a request to dial, before the switch is asked for it."""
CLOSING = timedelta(seconds=60)
"""Before the campaign's hours end: no more running ahead."""

LEAST_RING = timedelta(seconds=15)
"""How long regulators want a phone to ring before the call is taken back."""

FEW_RING, REST_EACH, LONGEST_REST = 10, timedelta(milliseconds=10), timedelta(milliseconds=400)
"""Where more than so many calls ring, the pacer rests after each decision: so much longer for each
of them, up to a limit. There something changes every few milliseconds, and one call that rings for
a quarter of a minute may begin a moment later.
"""

LINES = "the trunks' lines"
CAMPAIGN_RATE = "calls per second"
FOUND_RATE = "what the switch and this machine keep up with"
TRUNK_RATE = "the trunks' calls per second"

_FIGURES = re.compile(r"[\d.,%]+")
_SAID_OTHERWISE = frozenset({Why.blocked, Why.other})
"""Kinds of reasons of which there are several in words."""


def floor(world: World, now: datetime) -> Floor:
    """Counts and ages of everything in progress; a call that has its agent already needs no other,
    so neither of the two is counted.
    """
    census, now_s = world.census, now.timestamp()
    waiting: list[float] = []
    joining = 0
    for call in world.waiting.values():
        if call.state is CallState.joining:
            joining += 1
        elif not call.hang_ups and not promised.is_kept(world, call):
            waiting.append(max(0.0, (now - (call.answered_at or now)).total_seconds()))
    parking: list[float] = []
    kept = 0
    for line in census.called.values():
        if line.park and not line.releasing:
            parking.append(max(0.0, (now - line.since).total_seconds()))
        elif line.attempt_id and not world.joins:
            kept += 1  # rung first, for a customer who is yet to answer
    free = sum([line.retry_at is None or line.retry_at <= now for line in world.free.values()])
    if world.promised:
        ringing = promised.ages_without_kept(world, census.ringing, now_s)
        listening = promised.ages_without_kept(world, census.listening, now_s)
    else:
        ringing, listening = census.ringing.ages(now_s), census.listening.ages(now_s)
    return Floor(
        free=free + kept,
        agents=len(world.agents) - len(census.at_rest),
        ringing_ages=ringing,
        listening_ages=listening,
        waiting_ages=waiting,
        joining=joining,
        talking_ages=census.talking.ages(now_s),
        wrap_ages=census.wrapping.ages(now_s),
        parking_ages=parking,
        contacts_left=len(world.buffer) if world.buffer.exhausted else None,
        closing=not world.always_open and _closing(world, now),
    )


def _closing(world: World, now: datetime) -> bool:
    hours = world.started.settings.hours
    return not (hours.contains(now) and hours.contains(now + CLOSING))


def blocked(world: World, now: datetime) -> str:
    """Why nothing at all may be placed, or an empty text."""
    if world.drained or world.draining:
        return f"draining: {world.draining or 'done'}"
    if not world.settled:
        return "waiting to see what is in progress on the switch"
    if world.paused:
        return "paused"
    if world.link_down and (world.link_retry_at is None or now < world.link_retry_at):
        return "the switch can't be reached"
    if world.unwatched_since is not None:
        return (
            f"waiting: nobody watches the events of switch {world.started.settings.switch} "
            f"since {world.unwatched_since:%H:%M:%S} UTC; see that offhook links runs"
        )
    if not world.always_open and not world.started.settings.hours.contains(now):
        return "outside the campaign's hours"
    return ""


def is_rested(world: World, now: datetime) -> bool:
    """Whether the pacer has rested long enough to be asked again."""
    return now >= world.rests_until or now < world.paced_at


def pace(world: World, rules: Sequence[Rule], now: datetime) -> None:
    """Ask the pacer and place what may be placed."""
    world.pace_due = False
    world.paced_at = world.rests_until = now
    world.lacking, world.rate_starved = 0, False
    why_not = blocked(world, now)
    kept = _place_previewed(world, rules, now, blocked=bool(why_not)) if world.previews else 0
    if world.buffer.kept and not why_not:
        kept += _place_kept(world, rules, now)
    seen = floor(world, now)
    if why_not:
        decision = Decision(place=0, reason=why_not, why=Why.blocked)
    else:
        decision = world.pacer.calls_to_place(seen, now + world.set_back)
        if len(seen.ringing_ages) > FEW_RING and world.runs_ahead:
            rest = (len(seen.ringing_ages) - FEW_RING) * REST_EACH
            world.rests_until = now + min(rest, LONGEST_REST)
    if world.started.capabilities.cancels_ringing and decision.cancel:
        _cancel(world, decision.cancel, now)
    allowed, cap = 0, ""
    if decision.place > 0:
        allowed, cap = _capped(world, seen, decision.place, now)
    placed = kept
    while placed - kept < allowed:
        lacking = _place_one(world, rules, now)
        if lacking:
            cap = lacking
            break
        placed += 1
    if placed > kept:
        world.trunks.bucket.take(placed - kept, now)
    kind = _kind(decision, cap)
    world.starved = cap in (CAMPAIGN_RATE, FOUND_RATE, TRUNK_RATE)
    world.pace_due = False
    if placed == 0 and kind == world.pace_kind and not world.keeping:
        return
    world.keeping = False
    reason = f"{decision.reason}; held back by {cap}" if cap else decision.reason
    world.pace_kind, world.pace_reason = kind, reason
    world.emit(
        NotePacing(
            place=placed,
            wanted=max(0, decision.place),
            reason=reason,
            free=seen.free,
            ringing=len(seen.ringing_ages),
            waiting=len(seen.waiting_ages),
            talking=len(seen.talking_ages),
            abandonment=round(world.counts.abandonment, 6),
            why=str(decision.why),
        )
    )


def _kind(decision: Decision, cap: str) -> str:
    """What a decision has in common with those that differ from it in figures only."""
    if decision.why in _SAID_OTHERWISE:
        return _FIGURES.sub("", f"{decision.reason}; {cap}")
    return f"{decision.why}; {cap}"


def _cancel(world: World, count: int, now: datetime) -> None:
    """Take calls back that have rung long enough, the longest first, where the switch can."""
    called = [world.calls[attempt_id] for attempt_id in world.census.ringing]
    least = max(LEAST_RING, least_ring(world.started.settings.compliance))
    for call in called:
        if count == 0 or now < call.placed_at + least:
            return
        if not call.hang_ups and not promised.is_kept(world, call):
            calls.hang_up(world, call, now, reason=TOO_MANY, on_end=Outcome.no_answer)
            world.census.ringing.drop(call.attempt_id)  # nobody counts on it any more
            count -= 1


def _capped(world: World, seen: Floor, wanted: int, now: datetime) -> tuple[int, str]:
    """What of the pacer's wish the switch and the settings allow, and what held the rest back."""
    pacing = world.started.settings.pacing
    in_progress = len(world.calls)
    own = [
        (pacing.concurrency - in_progress, "the ceiling of calls in progress"),
        (
            int(world.trunks.bucket.available(now)),
            FOUND_RATE if world.braked else CAMPAIGN_RATE,
        ),
    ]
    if not world.agentless:
        most = int(pacing.max_lines_per_agent * seen.agents)
        own.append((most - in_progress, "the ceiling of lines per agent"))
    lines, startable = world.trunks.free_lines(), world.trunks.startable(now)
    # What others of the switch are told: only what they could give would let more be placed.
    asked = max(0, min(wanted, min(own)[0]))
    world.lacking = max(0, asked - lines)
    world.rate_starved = startable < min(asked, lines)
    if wanted <= asked and wanted <= lines and wanted <= startable:
        return wanted, ""
    limits = [(lines, LINES), *own, (startable, TRUNK_RATE)]
    least, name = min(limits, key=lambda limit: limit[0])
    return max(0, least), name


def _place_one(world: World, rules: Sequence[Rule], now: datetime) -> str:
    """Place one call, or offer one to be placed, or say what is lacking."""
    if world.started.settings.mode is Mode.preview:
        return _offer_one(world, rules, now)
    trunk = world.trunks.pick(now)
    if trunk is None:
        return TRUNK_RATE if world.trunks.free_lines() else LINES
    line = None
    if world.started.capabilities.way is Way.agent_first and not world.agentless:
        line = matching.pick(world, None, now)
        if line is None:
            return "no agent to begin with"
    with_agent = line is not None or not world.joins
    found = selection.next_dialable(world, rules, now, with_agent=with_agent)
    if found is None:
        return "no contact at hand"
    if found.contact.owner and world.started.settings.owner_only:
        line = matching.pick_for(world, found.contact, now)
    _open(world, found, trunk, line, now)
    return ""


def _offer_one(world: World, rules: Sequence[Rule], now: datetime) -> str:
    """Put the next contact on offer to the agent who is to call him."""
    if not any(world.can_take(line, now) for line in world.free.values()):
        return "no agent to offer a contact to"
    found = selection.next_dialable(world, rules, now)
    if found is None:
        return "no contact at hand"
    line = matching.pick_for(world, found.contact, now)
    if line is None:
        world.buffer.add(found.contact, now)
        return "no agent to offer a contact to"
    previewing.offer(world, line, found.contact, now)
    return ""


def _place_previewed(world: World, rules: Sequence[Rule], now: datetime, *, blocked: bool) -> int:
    """Place the calls that agents have asked for; what can't be placed goes back."""
    placed = 0
    for line, preview in previewing.to_dial(world, now):
        trunk = world.trunks.pick(now)
        room = len(world.calls) < world.started.settings.pacing.concurrency
        if blocked or trunk is None or not room or world.trunks.bucket.available(now) < 1:
            previewing.give_back(world, preview.contact, now, reason="no_line_free")
            continue
        found = selection.still(world, rules, preview.contact, preview.offered_at, now)
        if found is not None:
            _open(world, found, trunk, line, now)
            world.trunks.bucket.take(1, now)
            placed += 1
    return placed


def _place_kept(world: World, rules: Sequence[Rule], now: datetime) -> int:
    """Place the calls for which an agent must be kept, one for each agent who is free."""
    placed = 0
    while world.buffer.kept:
        line = matching.pick(world, None, now)
        trunk = world.trunks.pick(now)
        room = len(world.calls) < world.started.settings.pacing.concurrency
        if line is None or trunk is None or not room or world.trunks.bucket.available(now) < 1:
            break
        found = selection.next_kept(world, rules, now)
        if found is not None:
            _open(world, found, trunk, line, now)
            world.trunks.bucket.take(1, now)
            placed += 1
    return placed


def _open(
    world: World, choice: selection.Choice, trunk: Trunk, line: Line | None, now: datetime
) -> None:
    """Open an attempt: the row first, then the call."""
    settings = world.started.settings
    contact, number, law = choice
    caller_id = settings.compliance.caller_id(number.number, settings.caller_id)
    history = contact.history or NOTHING_KNOWN
    attempt_id = AttemptId(world.correlators.attempt())
    call = LiveCall(
        attempt_id=attempt_id,
        contact=contact,
        number=number,
        trunk_id=trunk.trunk_id,
        placed_at=now,
        seen_at=now,
        listens=world.listens,
    )
    world.calls[attempt_id] = call
    world.census.count_call(call)
    world.contacts[contact.contact_id] = attempt_id
    world.trunks.start(trunk.trunk_id, now)
    world.counts.placed += 1
    agent_id: AgentId | None = None
    if line is not None and world.joins:
        promised.promise(world, call, line, now)
        line = None  # he waits on the line, or is called once the customer has answered
    elif line is not None:
        agent_id = call.agent_id = line.agent.agent_id
        agents.reserve(world, line, attempt_id, now)
    world.commands.append(
        OpenAttemptRecord(
            attempt_id=attempt_id,
            contact_id=contact.contact_id,
            number=number.number,
            trunk_id=trunk.trunk_id,
            caller_id=caller_id,
            at=now,
            limits=law.limits,
            person=history.person,
            debt=history.debt,
        )
    )
    if call.promised:
        world.save_call(call, now)  # whoever takes over must keep the promise
    world.commands.append(
        PlaceCall(
            attempt_id=attempt_id,
            contact_id=contact.contact_id,
            number=number.number,
            trunk_id=trunk.trunk_id,
            trunk_address=trunk.address,
            caller_id=caller_id,
            ring_timeout=settings.ring_timeout,
            agent_id=agent_id,
            agent_address=line.agent.address if line else "",
            agent_number=line.agent.number if line else "",
            detect_machine=call.listens,
            listen_limit=settings.amd.longest if call.listens else timedelta(0),
        )
    )
    watch_ringing(world, call, now)
    world.deadlines.set(Timer.doubt, attempt_id, now + SILENCE)
    world.observe(Placed(), now)


def watch_ringing(world: World, call: LiveCall, now: datetime) -> None:
    """Set the end of ringing."""
    limit = call.placed_at + world.ring_limit
    world.deadlines.set(Timer.ring, call.attempt_id, limit if limit > now else now)
