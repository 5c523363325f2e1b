"""The most suitable agent for a caller, and why: pure, explained, the same answer every time.

`rank` sorts candidates into those who may take the call, best first, and those who may not, each
with its reasons in words. What must hold (free, on duty, required skills, language, group)
excludes; everything else is weighed in a fixed order of importance, so that a reason can be given
that a person believes:

1. the caller's own agent (owner), then the agent they spoke to last;
2. for a caller of importance: the sum of required and preferred levels above everything below;
3. the lower penalty in the group;
4. preferred skills that are met, then how far levels exceed what is wanted;
5. who has been idle longest;
6. the agent's id, so that ties don't depend on the order of the list.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from dialer.model import AgentId, Frozen
from dialer.windows import CallingHours

Level = Annotated[int, Field(ge=1, le=10)]


class SkillLevel(Frozen):
    """A skill, and the level that is wanted of it or had in it."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    level: Level = 1

    def __str__(self) -> str:
        return f"{self.name} {self.level}"


class Needs(Frozen):
    """What a call asks of the agent who takes it."""

    required: tuple[SkillLevel, ...] = ()
    preferred: tuple[SkillLevel, ...] = ()
    language: str | None = None
    group: str | None = None
    vip: bool = False
    owner: AgentId | None = None
    """The agent that the caller belongs to."""
    last_agent: AgentId | None = None
    """The agent who spoke to the caller last."""


class Candidate(Frozen):
    """An agent as routing sees them."""

    agent_id: AgentId
    skills: Mapping[str, Level] = Field(default_factory=dict)
    languages: frozenset[str] = frozenset()
    """Empty means that the agent's languages aren't kept, and no call is refused for them."""
    groups: Mapping[str, Annotated[int, Field(ge=0, le=100)]] = Field(default_factory=dict)
    """Groups the agent belongs to, each with its penalty; lower is asked first."""
    free: bool = True
    idle_since: datetime | None = None
    hours: CallingHours = CallingHours.always()


class Ranked(Frozen):
    """A candidate's place, and the reasons for it."""

    agent_id: AgentId
    reasons: tuple[str, ...]


class Ranking(Frozen):
    """Who may take the call, best first, and who may not."""

    suitable: tuple[Ranked, ...]
    unsuitable: tuple[Ranked, ...]

    @property
    def best(self) -> AgentId | None:
        """The most suitable agent, if there is one."""
        return self.suitable[0].agent_id if self.suitable else None


def rank(
    needs: Needs,
    candidates: Iterable[Candidate],
    *,
    now: datetime,
    tried: Collection[AgentId] = (),
) -> Ranking:
    """Every candidate once: the suitable ones best first, the others by id.

    Agents in `tried` were offered the call and didn't take it; they are left out this time.
    """
    able: list[Candidate] = []
    refused: list[Ranked] = []
    for candidate in sorted(candidates, key=lambda one: one.agent_id):
        against = _objections(needs, candidate, now, tried)
        if against:
            refused.append(Ranked(agent_id=candidate.agent_id, reasons=tuple(against)))
        else:
            able.append(candidate)
    able.sort(key=lambda one: _order(needs, one, now))
    suitable = [
        Ranked(agent_id=one.agent_id, reasons=tuple(_merits(needs, one, now))) for one in able
    ]
    return Ranking(suitable=tuple(suitable), unsuitable=tuple(refused))


def _objections(
    needs: Needs, candidate: Candidate, now: datetime, tried: Collection[AgentId]
) -> list[str]:
    against = []
    if candidate.agent_id in tried:
        against.append("was offered this call already")
    if not candidate.free:
        against.append("is not free")
    if not candidate.hours.contains(now):
        against.append("is off duty now")
    if needs.group is not None and needs.group not in candidate.groups:
        against.append(f"is not in group {needs.group}")
    if needs.language and candidate.languages and not _speaks(candidate, needs.language):
        against.append(f"doesn't speak {needs.language}")
    for skill in needs.required:
        had = candidate.skills.get(skill.name, 0)
        if had < skill.level:
            against.append(f"needs {skill}, has {f'level {had}' if had else 'none'}")
    return against


def _speaks(candidate: Candidate, language: str) -> bool:
    """`it` serves a caller who wants `it-CH`."""
    return language in candidate.languages or language.partition("-")[0] in candidate.languages


def _order(needs: Needs, one: Candidate, now: datetime) -> tuple[float | str, ...]:
    met = sum(one.skills.get(skill.name, 0) >= skill.level for skill in needs.preferred)
    return (
        0 if needs.owner == one.agent_id else 1,
        0 if needs.last_agent == one.agent_id else 1,
        -_mastery(needs, one) if needs.vip else 0,
        _penalty(needs, one),
        -met,
        -_mastery(needs, one),
        -_idle(one, now).total_seconds(),
        str(one.agent_id),
    )


def _mastery(needs: Needs, one: Candidate) -> int:
    """The levels had in everything that is wanted, each skill once."""
    return sum(one.skills.get(n, 0) for n in {s.name for s in (*needs.required, *needs.preferred)})


def _penalty(needs: Needs, one: Candidate) -> int:
    return one.groups.get(needs.group, 0) if needs.group is not None else 0


def _idle(one: Candidate, now: datetime) -> timedelta:
    return max(now - one.idle_since, timedelta(0)) if one.idle_since else timedelta(0)


def _merits(needs: Needs, one: Candidate, now: datetime) -> list[str]:
    merits = []
    if needs.owner == one.agent_id:
        merits.append("is the caller's own agent")
    if needs.last_agent == one.agent_id:
        merits.append("spoke to the caller last")
    if needs.vip:
        merits.append(f"the caller is important: levels add up to {_mastery(needs, one)}")
    if needs.group is not None:
        merits.append(f"penalty {_penalty(needs, one)} in group {needs.group}")
    for skill in needs.required:
        merits.append(f"has {skill.name} {one.skills[skill.name]} ({skill.level} is required)")
    for skill in needs.preferred:
        had = one.skills.get(skill.name, 0)
        verdict = "has" if had >= skill.level else "lacks"
        merits.append(f"{verdict} {skill.name} {skill.level}, which is preferred")
    merits.append(f"idle for {_idle(one, now).total_seconds():.0f} s")
    return merits
