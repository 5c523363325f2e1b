"""What the engine has an agent do, as the table tells it."""

import pytest

from dialer.agent import TRANSITIONS, AgentMove, AgentState, UnexpectedAgentMove, advance


def reachable(start: AgentState) -> set[AgentState]:
    seen, todo = {start}, [start]
    while todo:
        for after in TRANSITIONS[todo.pop()].values():
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return seen


def test_agent_gets_from_every_state_to_every_other() -> None:
    for state in AgentState:
        assert reachable(state) == set(AgentState)


def test_talk_always_leads_to_wrap_up() -> None:
    assert set(TRANSITIONS[AgentState.talking].values()) == {AgentState.wrap_up}


def test_reserved_agent_can_be_given_back() -> None:
    assert advance(AgentState.reserved, AgentMove.unreserved) is AgentState.parked


@pytest.mark.parametrize(
    "state", [AgentState.reserved, AgentState.talking, AgentState.wrap_up, AgentState.ringing]
)
def test_busy_agent_is_never_reserved(state: AgentState) -> None:
    with pytest.raises(UnexpectedAgentMove) as caught:
        advance(state, AgentMove.reserved)
    assert caught.value.code == "unexpected_agent_move"
    assert caught.value.state is state
