"""What every family that calls for an agent does: ring him, then the number, once under a name."""

import asyncio

import pytest

from dialer.events import EndedBy
from dialer.switching import SwitchRefused
from offhook.switches.base import AgentCall
from tests.contract.switches.harness import Person, SwitchHarness
from tests.support.campaigns import until

NUMBER = "+390733000007"
NAME = "cb-0a1b2c3d4e5f6071.3"


def a_call(switch: SwitchHarness, *, agent: str = "") -> AgentCall:
    """For the first agent."""
    address = agent or switch.agents[0]
    return AgentCall(
        correlator=NAME,
        address=address,
        extension="" if agent else switch.extension(address),
        number=NUMBER,
        caller_id="+390733000000",
    )


async def test_agent_is_rung_and_the_number_called_once_for_him(switch: SwitchHarness) -> None:
    switch.person(NUMBER, Person(kind="answer"))
    await switch.connector.connect(a_call(switch))

    async def rung() -> bool:
        return switch.times_rung(NUMBER) == 1

    await until(rung, limit=20)
    assert await switch.connector.in_progress(NAME)
    await switch.connector.connect(a_call(switch))
    await asyncio.sleep(0.3)
    assert switch.times_rung(NUMBER) == 1
    switch.hang_up(NAME, EndedBy.customer)

    async def over() -> bool:
        return not await switch.connector.in_progress(NAME)

    await until(over, limit=20)


async def test_agent_whom_the_switch_does_not_have_is_refused(switch: SwitchHarness) -> None:
    agent = "PJSIP/nobody" if switch.family == "asterisk" else "77777"
    with pytest.raises(SwitchRefused):
        await switch.connector.connect(a_call(switch, agent=agent))
    assert switch.times_rung(NUMBER) == 0
