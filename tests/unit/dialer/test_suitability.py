"""The most suitable agent: what excludes, what is weighed, and that the order of asking is none."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import AgentId
from dialer.suitability import Candidate, Needs, SkillLevel, rank
from dialer.windows import CallingHours

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
A, B = AgentId("a"), AgentId("b")
SUPPORT = SkillLevel(name="support", level=3)


def candidate(name: str, idle_s: float = 0, **known: Any) -> Candidate:
    idle_since = NOW - timedelta(seconds=idle_s)
    return Candidate.model_validate({"agent_id": name, "idle_since": idle_since, **known})


def best(needs: Needs, *candidates: Candidate) -> str | None:
    return rank(needs, candidates, now=NOW).best


@pytest.mark.parametrize(
    ("needs", "known", "reason"),
    [
        (Needs(required=(SUPPORT,)), {"skills": {"support": 2}}, "needs support 3, has level 2"),
        (Needs(required=(SUPPORT,)), {}, "needs support 3, has none"),
        (Needs(group="g"), {"groups": {"h": 0}}, "is not in group g"),
        (Needs(language="de"), {"languages": {"it"}}, "doesn't speak de"),
        (Needs(), {"free": False}, "is not free"),
        (Needs(), {"hours": CallingHours.parse("mon 14:00-18:00")}, "is off duty now"),
    ],
)
def test_agent_who_may_not_take_the_call_is_named_with_the_reason(
    needs: Needs, known: dict[str, Any], reason: str
) -> None:
    ranking = rank(needs, [candidate("a", **known)], now=NOW)
    assert ranking.best is None
    assert ranking.unsuitable[0].reasons == (reason,)


def test_agent_who_was_offered_the_call_is_left_out() -> None:
    ranking = rank(Needs(), [candidate("a", 9), candidate("b")], now=NOW, tried={A})
    assert ranking.best == "b"
    assert ranking.unsuitable[0].reasons == ("was offered this call already",)


def test_language_of_a_region_is_served_by_the_language() -> None:
    assert best(Needs(language="it-CH"), candidate("a", languages={"it"})) == "a"


@pytest.mark.parametrize(
    ("needs", "winner", "loser", "reason"),
    [
        (Needs(owner=A, last_agent=B), {}, {"idle_s": 99}, "is the caller's own agent"),
        (Needs(last_agent=A), {}, {"idle_s": 99}, "spoke to the caller last"),
        (
            Needs(group="g"),
            {"groups": {"g": 1}},
            {"groups": {"g": 2}, "idle_s": 99},
            "penalty 1 in group g",
        ),
        (
            Needs(preferred=(SUPPORT,)),
            {"skills": {"support": 3}},
            {"skills": {"support": 2}, "idle_s": 99},
            "has support 3, which is preferred",
        ),
        (
            Needs(required=(SUPPORT,)),
            {"skills": {"support": 9}},
            {"skills": {"support": 3}, "idle_s": 99},
            "has support 9 (3 is required)",
        ),
        (
            Needs(vip=True, group="g", required=(SUPPORT,)),
            {"groups": {"g": 9}, "skills": {"support": 8}},
            {"groups": {"g": 0}, "skills": {"support": 3}},
            "the caller is important: levels add up to 8",
        ),
        (Needs(), {"idle_s": 60}, {"idle_s": 30}, "idle for 60 s"),
        (Needs(), {}, {}, "idle for 0 s"),
    ],
)
def test_better_agent_is_first_and_the_reason_is_told(
    needs: Needs, winner: dict[str, Any], loser: dict[str, Any], reason: str
) -> None:
    ranking = rank(needs, [candidate("b", **loser), candidate("a", **winner)], now=NOW)
    assert [one.agent_id for one in ranking.suitable] == ["a", "b"]
    assert reason in ranking.suitable[0].reasons


levels = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(1, 10))
candidates = st.lists(
    st.builds(
        candidate,
        st.sampled_from("abcdef"),
        st.integers(0, 3),
        skills=levels,
        groups=st.dictionaries(st.just("g"), st.integers(0, 2)),
        free=st.booleans(),
        languages=st.sets(st.sampled_from(["it", "en"])),
    ),
    unique_by=lambda one: one.agent_id,
)
wanted = st.lists(
    st.builds(SkillLevel, name=st.sampled_from(["x", "y"]), level=st.integers(1, 10)), max_size=2
).map(tuple)
needs = st.builds(
    Needs,
    required=wanted,
    preferred=wanted,
    language=st.sampled_from([None, "it"]),
    group=st.sampled_from([None, "g"]),
    vip=st.booleans(),
    owner=st.sampled_from([None, A]),
)


@given(needs, candidates, st.integers())
def test_ranking_does_not_depend_on_the_order_of_the_list(
    asked: Needs, agents: list[Candidate], seed: int
) -> None:
    mixed = list(agents)
    random.Random(seed).shuffle(mixed)
    assert rank(asked, agents, now=NOW) == rank(asked, mixed, now=NOW)


@given(needs, candidates)
def test_everybody_is_ranked_once_with_a_reason_and_requirements_hold(
    asked: Needs, agents: list[Candidate]
) -> None:
    ranking = rank(asked, agents, now=NOW)
    everybody = [*ranking.suitable, *ranking.unsuitable]
    assert sorted(one.agent_id for one in everybody) == sorted(one.agent_id for one in agents)
    assert all(one.reasons for one in everybody)
    by_id = {one.agent_id: one for one in agents}
    for one in ranking.suitable:
        agent = by_id[one.agent_id]
        assert agent.free
        assert all(agent.skills.get(skill.name, 0) >= skill.level for skill in asked.required)
        assert asked.group is None or asked.group in agent.groups


@given(needs, candidates)
def test_agent_who_leaves_changes_nothing_among_the_others(
    asked: Needs, agents: list[Candidate]
) -> None:
    ranking = rank(asked, agents, now=NOW)
    for gone in ranking.suitable[:1]:
        rest = rank(asked, [one for one in agents if one.agent_id != gone.agent_id], now=NOW)
        assert rest.suitable == ranking.suitable[1:]
