"""Who gets how many lines, how many calls per second, and which agents: pure arithmetic.

Campaigns that dial through one switch tell what they use and what they want; every one of them
computes the same shares from what all have told. Two rules keep a trunk from ever carrying more
than it has, also while shares move: a campaign holds what it was given until it has said that it
goes by less, and nobody is given what others still hold.

Higher priority is served first, up to its need; among equals weight decides. Whoever runs keeps a
line, so that it can begin at once. What nobody needs is shared out by weight: it lets a campaign
grow between two exchanges (ADR 6).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from math import floor

from dialer.model import AgentId, TrunkId

ENDLESS = 1_000_000
"""A need that no switch can fill."""
RATE_UNIT = 1_000
"""Calls per second are shared in thousandths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkDemand:
    """What a campaign does with a trunk."""

    trunk_id: TrunkId
    held: int = 0
    """Lines that it goes by, or still uses if those are more."""
    used: int = 0
    wanted: int = 0
    """Lines that it would use now if it had them."""
    rate_held: int = 0
    """Thousandths of a call per second that it goes by."""
    rate_wanted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a campaign tells the others of a switch."""

    priority: int = 0
    weight: int = 1
    active: bool = True
    """It places calls, or would."""
    allowed: tuple[TrunkId, ...] = ()
    """Trunks that it may use; empty means all."""
    wanted: int = 0
    """Lines beyond those in use that it would take, on whichever trunk."""
    agents: int = 0
    """Agents that it has work for."""
    trunks: tuple[TrunkDemand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One campaign's side in the sharing of a thing that can be counted."""

    key: str
    priority: int = 0
    weight: int = 1
    need: int = 0
    least: int = 0
    """What it gets before anybody gets more."""


def fill(total: int, bounds: Sequence[tuple[int, int, int]]) -> list[int]:
    """Share `total` by weight within bounds of (weight, least, most); the leasts must fit.

    Everybody's share is his weight times one level, moved into his bounds, within one. All of it
    is given unless everybody has his most.
    """
    if sum(most for _, _, most in bounds) <= total:
        return [most for _, _, most in bounds]
    level = _level(total, bounds)
    exact = [min(max(weight * level, least), most) for weight, least, most in bounds]
    shares = [floor(part + 1e-9) for part in exact]
    by_remainder = sorted(range(len(bounds)), key=lambda i: (shares[i] - exact[i], i))
    left = total - sum(shares)
    for index in by_remainder:
        if left > 0 and shares[index] < bounds[index][2]:
            shares[index] += 1
            left -= 1
    return shares


def _level(total: int, bounds: Sequence[tuple[int, int, int]]) -> float:
    """How much a weight of one gets."""
    corners = sorted(
        {corner / weight for weight, least, most in bounds for corner in (least, most)}
    )
    low = 0.0
    for corner in corners:
        if _given(corner, bounds) > total:
            break
        low = corner
    rising = sum(w for w, least, most in bounds if least <= w * low + 1e-9 < most)
    return low + (total - _given(low, bounds)) / rising if rising else low


def _given(level: float, bounds: Sequence[tuple[int, int, int]]) -> float:
    return sum(min(max(weight * level, least), most) for weight, least, most in bounds)


def shares(total: int, claims: Sequence[Claim]) -> dict[str, int]:
    """What each claim is due of `total`; all of it is given while there is a claim."""
    ordered = sorted(claims, key=lambda claim: (-claim.priority, -claim.weight, claim.key))
    least: dict[str, int] = {}
    left = max(0, total)
    for claim in ordered:
        least[claim.key] = min(claim.least, left)
        left -= least[claim.key]
    needs = {claim.key: max(claim.need, least[claim.key]) for claim in ordered}
    if sum(needs.values()) <= total:
        bounds = [(claim.weight, needs[claim.key], ENDLESS * RATE_UNIT) for claim in ordered]
        given = fill(total, bounds) if bounds else []
        return {claim.key: share for claim, share in zip(ordered, given, strict=True)}
    due: dict[str, int] = {}
    for _, group in groupby(ordered, key=lambda claim: claim.priority):
        peers = list(group)
        kept = sum(least[claim.key] for claim in peers)
        bounds = [(claim.weight, least[claim.key], needs[claim.key]) for claim in peers]
        given = fill(left + kept, bounds)
        left -= sum(given) - kept
        due |= {claim.key: share for claim, share in zip(peers, given, strict=True)}
    return due


def lines_due(
    trunk_id: TrunkId, lines: int, me: str, demands: Mapping[str, Demand]
) -> tuple[int, int]:
    """Lines of a trunk that a campaign may use from now on, and those that are its due.

    The first is the smaller one while others still hold what they must give back.
    """
    mine = {key: on_trunk(demand, trunk_id) for key, demand in demands.items()}
    active = [key for key, demand in demands.items() if demand.active and _allows(demand, trunk_id)]
    resting = sum(mine[key].used for key in demands if key not in active)
    claims = [
        Claim(
            key=key,
            priority=demands[key].priority,
            weight=demands[key].weight,
            need=max(1, mine[key].used, mine[key].wanted),
            least=1,
        )
        for key in active
    ]
    if active:
        due = shares(max(0, lines - resting), claims).get(me, 0)
    else:
        due = max(0, lines - resting) + mine[me].used  # nobody wants them: ready to begin again
    free = lines - sum(max(own.held, own.used) for key, own in mine.items() if key != me)
    return max(0, min(due, free)), due


def rate_due(trunk_id: TrunkId, rate: int, me: str, demands: Mapping[str, Demand]) -> int:
    """Thousandths of a call per second that a campaign may place on a trunk from now on."""
    mine = {key: on_trunk(demand, trunk_id) for key, demand in demands.items()}
    active = [key for key, demand in demands.items() if demand.active and _allows(demand, trunk_id)]
    free = rate - sum(own.rate_held for key, own in mine.items() if key != me)
    if me not in active:
        return 0 if active else max(0, free)
    spare = rate // (10 * len(active))
    claims = [
        Claim(
            key=key,
            priority=demands[key].priority,
            weight=demands[key].weight,
            need=min(rate, max(spare, mine[key].rate_wanted)),
            least=spare,
        )
        for key in active
    ]
    return max(0, min(shares(rate, claims)[me], free))


def on_trunk(demand: Demand, trunk_id: TrunkId) -> TrunkDemand:
    """What a campaign does with one trunk; nothing where it doesn't say."""
    for found in demand.trunks:
        if found.trunk_id == trunk_id:
            return found
    return TrunkDemand(trunk_id=trunk_id)


def _allows(demand: Demand, trunk_id: TrunkId) -> bool:
    return not demand.allowed or trunk_id in demand.allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedAgent:
    """An agent who can work, and where."""

    agent_id: AgentId
    campaigns: tuple[str, ...]
    """Keys of the running campaigns that he is in."""
    holder: str = ""
    busy: bool = False
    """With a customer or wrapping up: moving him takes longer than moving another."""
    order: int = 0


def assign_agents(
    agents: Sequence[SharedAgent], demands: Mapping[str, Demand]
) -> dict[AgentId, str]:
    """Which campaign each agent should work for; agents whom nobody needs are left out.

    Priorities choose from high to low, each up to its need; among equals the turn goes by weight.
    A campaign chooses first whom it has, then the free, then those others have: so few move, and
    asked again once they have moved the answer is the same.
    """
    placed: dict[AgentId, str] = {}
    for rank in sorted({demand.priority for demand in demands.values()}, reverse=True):
        peers = {key: demand for key, demand in demands.items() if demand.priority == rank}
        _choose_in_turn(agents, peers, placed)
    return placed


def _choose_in_turn(
    agents: Sequence[SharedAgent], peers: Mapping[str, Demand], placed: dict[AgentId, str]
) -> None:
    """Let campaigns of one priority choose until each has its need or nobody is left."""
    choices: dict[str, list[SharedAgent]] = {}
    for key in sorted(peers):
        there = [a for a in agents if key in a.campaigns and a.agent_id not in placed]
        there.sort(key=partial(_reluctance, key=key, peers=peers), reverse=True)
        choices[key] = there  # the last is chosen first
    counts = dict.fromkeys(choices, 0)
    while True:
        for left in choices.values():
            while left and left[-1].agent_id in placed:
                left.pop()
        able = [key for key, left in choices.items() if left and counts[key] < peers[key].agents]
        if not able:
            return
        turn = min(able, key=lambda key: ((counts[key] + 1) / peers[key].weight, key))
        placed[choices[turn].pop().agent_id] = turn
        counts[turn] += 1


def _reluctance(
    agent: SharedAgent, key: str, peers: Mapping[str, Demand]
) -> tuple[bool, int, bool, bool, int, AgentId]:
    """The smaller, the rather he is chosen."""
    mine = agent.holder == key
    elsewhere = sum(other in peers for other in agent.campaigns if other != key)
    held_by_peer = agent.holder in peers and not mine
    # Of one's own the busy and the first in order stay, so that others take the idle and last.
    order = agent.order if mine else -agent.order
    return (not mine, elsewhere, held_by_peer, agent.busy != mine, order, agent.agent_id)
