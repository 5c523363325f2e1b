"""Shares of lines, rates and agents: never too much, nothing idle, priority before weight."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dialer.model import AgentId, TrunkId
from dialer.sharing import (
    ENDLESS,
    Claim,
    Demand,
    SharedAgent,
    TrunkDemand,
    assign_agents,
    fill,
    lines_due,
    rate_due,
    shares,
)

TRUNK = TrunkId("t1")


def demand(*, used: int = 0, held: int | None = None, wanted: int = 0, **changes: object) -> Demand:
    own = TrunkDemand(
        trunk_id=TRUNK, used=used, held=used if held is None else held, wanted=max(used, wanted)
    )
    return replace(Demand(trunks=(own,)), **changes)  # type: ignore[arg-type]  # a builder's keywords


def claims(most: int = 6) -> st.SearchStrategy[list[Claim]]:
    one = st.builds(
        Claim,
        key=st.just(""),
        priority=st.integers(-1, 1),
        weight=st.integers(1, 9),
        need=st.integers(0, 60),
        least=st.integers(0, 2),
    )
    return st.lists(one, min_size=1, max_size=most).map(
        lambda found: [replace(claim, key=f"c{index}") for index, claim in enumerate(found)]
    )


@given(st.integers(0, 100), claims())
def test_shares_add_up_to_exactly_what_there_is(total: int, found: list[Claim]) -> None:
    assert sum(shares(total, found).values()) == total or sum(
        max(claim.need, claim.least) for claim in found
    ) > total >= sum(shares(total, found).values())


@given(st.integers(0, 100), claims())
def test_nothing_idles_while_somebody_lacks(total: int, found: list[Claim]) -> None:
    due = shares(total, found)
    lacking = [claim for claim in found if due[claim.key] < max(claim.need, claim.least)]
    assert not lacking or sum(due.values()) == total


@given(st.integers(0, 100), claims())
def test_lower_priority_gets_only_its_least_while_a_higher_lacks(
    total: int, found: list[Claim]
) -> None:
    due = shares(total, found)
    for high in found:
        if due[high.key] >= max(high.need, high.least):
            continue
        for low in found:
            if low.priority < high.priority:
                assert due[low.key] <= low.least


@given(st.integers(0, 100), claims())
def test_everybody_keeps_his_least_while_there_is_enough(total: int, found: list[Claim]) -> None:
    if sum(claim.least for claim in found) <= total:
        due = shares(total, found)
        assert all(due[claim.key] >= claim.least for claim in found)


@given(st.integers(0, 200), st.lists(st.integers(1, 20), min_size=1, max_size=8))
def test_hungry_equals_get_by_weight_within_one(total: int, weights: list[int]) -> None:
    due = fill(total, [(weight, 0, ENDLESS) for weight in weights])
    assert sum(due) == total
    for weight, share in zip(weights, due, strict=True):
        assert abs(share - total * weight / sum(weights)) < 1 + 1e-6


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 5), st.integers(0, 40)),
        min_size=1,
        max_size=7,
    ),
    st.integers(0, 120),
)
def test_filling_keeps_everybody_within_his_bounds(
    raw: list[tuple[int, int, int]], more: int
) -> None:
    bounds = [(weight, least, least + most) for weight, least, most in raw]
    total = sum(least for _, least, _ in bounds) + more
    due = fill(total, bounds)
    assert all(least <= share <= most for share, (_, least, most) in zip(due, bounds, strict=True))
    assert sum(due) == min(total, sum(most for _, _, most in bounds))


def test_idle_share_is_lent_out_but_for_one_line() -> None:
    found = {"a": demand(used=20, wanted=100), "b": demand()}
    assert lines_due(TRUNK, 30, "a", found) == (29, 29)


def test_lines_that_nobody_needs_are_shared_by_weight() -> None:
    found = {"a": demand(used=2, weight=2), "b": demand(used=1)}
    assert lines_due(TRUNK, 30, "a", found)[1] == 20
    assert lines_due(TRUNK, 30, "b", found)[1] == 10


def test_grown_share_waits_until_others_hold_less() -> None:
    found = {"a": demand(used=5, wanted=40, held=5), "b": demand(used=3, wanted=40, held=25)}
    assert lines_due(TRUNK, 30, "a", found) == (5, 15)
    found["b"] = demand(used=12, wanted=40, held=15)
    assert lines_due(TRUNK, 30, "a", found) == (15, 15)


def test_campaign_alone_has_every_line_even_while_it_rests() -> None:
    assert lines_due(TRUNK, 30, "a", {"a": demand(active=False)}) == (30, 30)


def test_resting_campaign_leaves_all_but_what_it_uses() -> None:
    found = {"a": demand(used=4, active=False), "b": demand(wanted=50)}
    assert lines_due(TRUNK, 30, "b", found) == (26, 26)
    assert lines_due(TRUNK, 30, "a", found) == (0, 0)


def test_campaign_that_may_not_use_a_trunk_has_no_claim_to_it() -> None:
    found = {"a": demand(wanted=50), "b": demand(allowed=(TrunkId("other"),), wanted=50)}
    assert lines_due(TRUNK, 30, "a", found) == (30, 30)


@st.composite
def floors(draw: st.DrawFn) -> tuple[int, dict[str, Demand]]:
    lines = draw(st.integers(1, 40))
    found = {
        f"c{index}": demand(
            used=0,
            held=0,
            priority=draw(st.integers(0, 1)),
            weight=draw(st.integers(1, 4)),
            active=draw(st.booleans()),
        )
        for index in range(draw(st.integers(1, 4)))
    }
    return lines, found


@given(floors(), st.data())
def test_trunk_never_carries_more_than_it_has_whatever_the_order_of_exchanges(
    floor: tuple[int, dict[str, Demand]], data: st.DataObject
) -> None:
    lines, found = floor
    ceilings = dict.fromkeys(found, 0)
    used = dict.fromkeys(found, 0)
    for _ in range(data.draw(st.integers(1, 25))):
        me = data.draw(st.sampled_from(sorted(found)))
        # What happened since: calls placed under the ceiling, calls ended.
        used[me] = data.draw(st.integers(0, max(ceilings[me], used[me])))
        report = demand(
            used=used[me],
            held=max(ceilings[me], used[me]),
            wanted=used[me] + data.draw(st.integers(0, 50)),
            priority=found[me].priority,
            weight=found[me].weight,
            active=data.draw(st.booleans()),
        )
        found[me] = report
        given_now, _ = lines_due(TRUNK, lines, me, found)
        held = max(report.trunks[0].held, given_now)
        found[me] = replace(report, trunks=(replace(report.trunks[0], held=held),))
        ceilings[me] = given_now
        assert sum(max(ceilings[key], used[key]) for key in found) <= lines


@given(st.integers(1, 50), st.integers(1, 4), st.data())
def test_calls_per_second_of_a_trunk_are_never_given_twice(
    rate: int, campaigns: int, data: st.DataObject
) -> None:
    found = {f"c{index}": demand() for index in range(campaigns)}
    rates = dict.fromkeys(found, 0)
    for _ in range(data.draw(st.integers(1, 20))):
        me = data.draw(st.sampled_from(sorted(found)))
        wanted = data.draw(st.sampled_from([0, rate * 500, ENDLESS]))
        own = TrunkDemand(trunk_id=TRUNK, rate_held=rates[me], rate_wanted=wanted)
        found[me] = replace(found[me], trunks=(own,), active=data.draw(st.booleans()))
        rates[me] = rate_due(TRUNK, rate * 1000, me, found)
        own = replace(own, rate_held=max(own.rate_held, rates[me]))
        found[me] = replace(found[me], trunks=(own,))
        assert sum(rates.values()) <= rate * 1000


def test_starved_campaign_borrows_the_rate_of_a_quiet_one() -> None:
    hungry = TrunkDemand(trunk_id=TRUNK, rate_wanted=ENDLESS)
    found = {"a": Demand(trunks=(hungry,)), "b": Demand(trunks=(TrunkDemand(trunk_id=TRUNK),))}
    assert rate_due(TRUNK, 10_000, "a", found) == 9_500


# -- agents --------------------------------------------------------------------------------------


def agents(count: int, *campaigns: str, holder: str = "", first: int = 0) -> list[SharedAgent]:
    return [
        SharedAgent(
            agent_id=AgentId(f"agent{index:02}"), campaigns=campaigns, holder=holder, order=index
        )
        for index in range(first, first + count)
    ]


def needs(**changes: object) -> Demand:
    return replace(Demand(agents=ENDLESS), **changes)  # type: ignore[arg-type]  # a builder's keywords


def counts(due: dict[AgentId, str]) -> dict[str, int]:
    return {key: list(due.values()).count(key) for key in sorted(set(due.values()))}


def test_agents_of_two_campaigns_are_shared_by_weight() -> None:
    due = assign_agents(agents(9, "a", "b"), {"a": needs(weight=2), "b": needs()})
    assert counts(due) == {"a": 6, "b": 3}


def test_higher_priority_takes_the_agents_it_has_work_for_and_no_more() -> None:
    demands = {"a": needs(), "b": needs(priority=1, agents=4)}
    due = assign_agents(agents(9, "a", "b", holder="a"), demands)
    assert counts(due) == {"a": 5, "b": 4}


def test_campaign_without_work_gives_all_its_agents_away() -> None:
    due = assign_agents(
        agents(3, "a", "b", holder="a"), {"a": needs(agents=0, active=False), "b": needs()}
    )
    assert counts(due) == {"b": 3}


def test_agent_of_one_campaign_counts_for_its_share() -> None:
    people = [*agents(4, "a"), *agents(4, "a", "b", first=4)]
    assert counts(assign_agents(people, {"a": needs(), "b": needs()})) == {"a": 4, "b": 4}


def test_idle_agents_move_before_busy_ones() -> None:
    people = agents(4, "a", "b", holder="a")
    people[3] = replace(people[3], busy=True)
    due = assign_agents(people, {"a": needs(), "b": needs()})
    moved = {agent for agent, key in due.items() if key == "b"}
    assert moved == {"agent01", "agent02"}


@given(
    st.lists(
        st.tuples(
            st.sets(st.sampled_from("abc"), min_size=1), st.sampled_from(["", "a", "b", "c"])
        ),
        max_size=15,
    ),
    st.fixed_dictionaries(
        {
            key: st.builds(
                Demand,
                priority=st.integers(0, 1),
                weight=st.integers(1, 3),
                agents=st.sampled_from([0, 1, 3, ENDLESS]),
            )
            for key in "abc"
        }
    ),
)
def test_assignment_respects_membership_and_need_and_stays_once_agents_have_moved(
    raw: list[tuple[set[str], str]], demands: dict[str, Demand]
) -> None:
    people = [
        SharedAgent(
            agent_id=AgentId(f"agent{index:02}"),
            campaigns=tuple(sorted(campaigns)),
            holder=holder if holder in campaigns else "",
            order=index,
        )
        for index, (campaigns, holder) in enumerate(raw)
    ]
    due = assign_agents(people, demands)
    for agent in people:
        assert due.get(agent.agent_id, agent.campaigns[0]) in agent.campaigns
    for key, count in counts(due).items():
        assert count <= demands[key].agents
    lacking = {key for key in demands if counts(due).get(key, 0) < demands[key].agents}
    assert all(
        agent.agent_id in due or not lacking.intersection(agent.campaigns) for agent in people
    )
    moved = [replace(agent, holder=due.get(agent.agent_id, agent.holder)) for agent in people]
    assert counts(assign_agents(moved, demands)) == counts(due)
