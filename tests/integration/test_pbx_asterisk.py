"""A private Asterisk: it calls people who do what their numbers say, dies, and comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from offhook.pbx.configuration import ECHO_CONTEXT
from offhook.pbx.install import Installed
from offhook.pbx.numbers import Behaviour, number
from offhook.pbx.record import CalledCall, Ending
from tests.support.asterisk import RealPbx, real_pbx

CALLED_BACK_S = 10.0


@pytest.fixture
async def pbx(asterisk_installed: Installed) -> AsyncIterator[RealPbx]:
    async with real_pbx(asterisk_installed, agents=1, phones=1) as running:
        yield running


@pytest.fixture
async def ari(pbx: RealPbx) -> AsyncIterator[httpx.AsyncClient]:
    asterisk = pbx.asterisk
    async with httpx.AsyncClient(
        base_url=asterisk.ari_url, auth=(asterisk.user, asterisk.password)
    ) as client:
        yield client


async def test_called_people_do_what_their_numbers_say(
    pbx: RealPbx, ari: httpx.AsyncClient
) -> None:
    numbers = {
        number(Behaviour.busy): (Ending.refused, 486),
        number(Behaviour.invalid): (Ending.refused, 404),
        number(Behaviour.no_answer): (Ending.cancelled, None),
        number(Behaviour.human, ring_s=0.2, talk_s=0.3): (Ending.called_hung_up, None),
        number(Behaviour.machine, ring_s=0.2, talk_s=0.3): (Ending.called_hung_up, None),
    }
    for called in numbers:
        await _originate(ari, f"PJSIP/{called}@carrier")

    ended = await _ended(pbx, len(numbers))

    assert {call.number: (call.ending, call.status) for call in ended} == numbers
    assert {call.number for call in ended if call.answered_at} == {
        called for called in numbers if numbers[called][0] is Ending.called_hung_up
    }


async def test_telephone_that_registered_answers_at_once(
    pbx: RealPbx, ari: httpx.AsyncClient
) -> None:
    await _originate(ari, "PJSIP/phone1")

    answered = await _seen(lambda: [call for call in pbx.people.agent_calls() if call.answered_at])
    assert [call.number for call in answered] == ["phone1"]


async def test_asterisk_takes_calls_again_when_it_was_killed(
    pbx: RealPbx, ari: httpx.AsyncClient
) -> None:
    before = pbx.asterisk.pid
    await pbx.asterisk.restart()

    await _originate(ari, f"PJSIP/{number(Behaviour.busy)}@carrier")

    assert [call.status for call in await _ended(pbx, 1)] == [486]
    assert pbx.asterisk.pid != before
    assert "0 active channels" in await pbx.asterisk.cli("core show channels")


async def _originate(ari: httpx.AsyncClient, endpoint: str) -> None:
    reply = await ari.post(
        "channels",
        params={
            "endpoint": endpoint,
            "context": ECHO_CONTEXT,
            "extension": "s",
            "priority": "1",
            "timeout": "2",
        },
    )
    reply.raise_for_status()


async def _ended(pbx: RealPbx, count: int) -> list[CalledCall]:
    return await _seen(lambda: [call for call in pbx.people.calls() if call.ended_at], count)


async def _seen(look: Callable[[], list[CalledCall]], count: int = 1) -> list[CalledCall]:
    async with asyncio.timeout(CALLED_BACK_S):
        while len(seen := look()) < count:  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(0.05)
    return seen
