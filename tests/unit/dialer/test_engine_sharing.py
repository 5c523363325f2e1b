"""An engine with a share of its switch: fewer lines, a trunk's own rate, agents who leave."""

from dataclasses import replace

import pytest

from dialer.agent import AgentState
from dialer.commands import HangUp, ParkAgent, PlaceCall, ReleaseAgent, SaveAgent
from dialer.events import (
    AgentChanged,
    AgentWithdrawn,
    PauseRequested,
    ResumeRequested,
    TrunksChanged,
)
from dialer.model import Agent, AgentId, AgentStatus, Mode, PacingSettings, TrunkId
from dialer.sharing import ENDLESS
from tests.support.floor import Fate, Floor, agent, at, contact, settings, started, trunk

MANY = [contact(number) for number in range(200)]
TEN = settings(mode=Mode.agentless, pacing=PacingSettings(concurrency=10, calls_per_second=500))


def waiting_floor(*people: Agent) -> Floor:
    """A floor with nobody due for a long time."""
    floor = Floor(started(agents=people or (agent(1),)))
    floor.later = [(at(1000), contact(1))]
    return floor.start()


def test_share_that_shrinks_ends_no_call_and_places_none_until_calls_have_ended() -> None:
    floor = Floor(started(settings=TEN), contacts=MANY).start()
    floor.switch.fate = Fate(ring=100)
    floor.run(1)
    placed = len(floor.of(PlaceCall))
    assert placed == 10
    floor.give(TrunksChanged(trunks=(trunk(4),)))
    floor.run(5)
    assert len(floor.of(PlaceCall)) == placed
    assert not [command for command in floor.of(HangUp) if command.reason != "agent_left"]
    demand = floor.engine.demand(floor.now)
    assert (demand.trunks[0].used, demand.trunks[0].held) == (10, 10)


def test_trunk_with_a_rate_starts_no_more_calls_a_second() -> None:
    first = started(settings=TEN, trunks=(trunk(100, calls_per_second=2.0),))
    floor = Floor(first, contacts=MANY).start()
    floor.run(10)
    moments = floor.moments(PlaceCall)
    for since in moments:
        assert sum(since <= moment < since + 1 for moment in moments) <= 3
    assert len(moments) >= 9
    assert floor.engine.demand(floor.now).trunks[0].rate_held == 2000


def test_call_takes_the_trunk_that_may_start_one_now() -> None:
    trunks = (trunk(100, "slow", calls_per_second=0.5), trunk(100, "quick"))
    floor = Floor(started(settings=TEN, trunks=trunks), contacts=MANY).start()
    floor.run(1)
    used = [command.trunk_id for command in floor.of(PlaceCall)]
    assert used.count(TrunkId("quick")) == 10 - used.count(TrunkId("slow"))
    assert used.count(TrunkId("slow")) <= 1


def test_trunk_whose_rate_is_all_with_others_starts_nothing() -> None:
    first = started(settings=TEN, trunks=(trunk(100, calls_per_second=0.0),))
    floor = Floor(first, contacts=MANY).start()
    floor.run(3)
    assert floor.of(PlaceCall) == []


def test_engine_tells_what_lines_alone_hold_back() -> None:
    floor = Floor(started(settings=TEN, trunks=(trunk(3),)), contacts=MANY).start()
    floor.switch.fate = Fate(ring=100)
    floor.run(1)
    demand = floor.engine.demand(floor.now)
    assert (demand.active, demand.wanted, demand.agents) == (True, 7, 0)
    assert (demand.trunks[0].used, demand.trunks[0].wanted) == (3, 10)


def test_paused_engine_wants_nothing_but_agents_for_its_calls() -> None:
    floor = Floor(started(agents=(agent(1), agent(2))), contacts=MANY).start()
    floor.switch.fate = Fate(ring=100)
    floor.run(2)
    assert floor.engine.demand(floor.now).agents == ENDLESS
    floor.give(PauseRequested())
    demand = floor.engine.demand(floor.now)
    assert (demand.active, demand.wanted, demand.agents) == (False, 0, 2)
    floor.give(ResumeRequested())
    floor.run(1)
    assert floor.engine.demand(floor.now).active


def test_engine_without_anybody_due_is_not_active() -> None:
    floor = Floor(started(), contacts=[contact(1)]).start()
    floor.switch.fate = Fate(ring=1.0, talk=3.0)
    floor.run(3)
    demand = floor.engine.demand(floor.now)
    assert (demand.active, demand.agents) == (False, 1)


def test_parked_agent_who_is_withdrawn_is_hung_up_and_released() -> None:
    floor = waiting_floor(agent(1), agent(2))
    floor.run(2)
    assert len(floor.of(ParkAgent)) == 2
    floor.give(AgentWithdrawn(agent_id=AgentId("agent1"), reason="moved"))
    floor.run(2)
    (released,) = floor.of(ReleaseAgent)
    assert (released.agent_id, released.reason) == ("agent1", "moved")
    assert list(floor.engine.agents) == ["agent2"]
    assert len(floor.of(ParkAgent)) == 2


def test_agent_withdrawn_during_a_talk_finishes_it_and_his_wrap_up_first() -> None:
    floor = Floor(started(), contacts=MANY).start()
    floor.switch.fate = Fate(ring=1.0, talk=6.0)
    floor.run(4)
    assert floor.of(SaveAgent)[-1].state is AgentState.talking
    floor.give(AgentWithdrawn(agent_id=AgentId("agent1"), reason="moved"))
    floor.run(3)
    assert floor.of(ReleaseAgent) == []
    assert not floor.of(HangUp)
    floor.run(10)
    states = [command.state for command in floor.of(SaveAgent)]
    assert AgentState.wrap_up in states
    assert [command.agent_id for command in floor.of(ReleaseAgent)] == ["agent1"]
    assert states[-1] is AgentState.idle
    # Nobody else is there, so nobody else is called.
    assert len(floor.of(ParkAgent)) == 1


def test_agent_may_come_back_after_he_was_released() -> None:
    floor = Floor(started(), contacts=[contact(1)]).start()
    floor.switch.fate = Fate(ring=1.0, talk=3.0)
    floor.give(AgentWithdrawn(agent_id=AgentId("agent1")))
    floor.run(5)
    assert floor.of(PlaceCall) == []
    floor.give(AgentChanged(agent=agent(1)))
    floor.run(20)
    assert len(floor.of(PlaceCall)) == 1
    assert floor.drained == "exhausted"


def test_agent_who_logs_off_while_he_leaves_is_released_once() -> None:
    floor = waiting_floor()
    floor.run(2)
    floor.give(AgentWithdrawn(agent_id=AgentId("agent1")))
    floor.give(AgentChanged(agent=replace(agent(1), status=AgentStatus.logged_off)))
    floor.give(AgentWithdrawn(agent_id=AgentId("agent1")))
    floor.run(5)
    assert len(floor.of(ReleaseAgent)) == 1


@pytest.mark.parametrize("who", ["agent9", ""])
def test_withdrawal_of_somebody_unknown_changes_nothing(who: str) -> None:
    floor = waiting_floor()
    assert floor.give(AgentWithdrawn(agent_id=AgentId(who))) == []
