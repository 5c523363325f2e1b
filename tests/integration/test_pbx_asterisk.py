"""A private Asterisk: it calls people who do what their numbers say, dies, and comes back."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from offhook.pbx.configuration import ECHO_CONTEXT
from offhook.pbx.install import Installed
from offhook.pbx.numbers import Behaviour, number
from offhook.pbx.record import CalledCall, Ending
from tests.support.asterisk import RealPbx, end_every_call, real_pbx

CALLED_BACK_S = 10.0


def ari_of(pbx: RealPbx) -> httpx.AsyncClient:
    asterisk = pbx.asterisk
    return httpx.AsyncClient(base_url=asterisk.ari_url, auth=(asterisk.user, asterisk.password))


async def test_called_people_do_what_their_numbers_say(asterisk_people: RealPbx) -> None:
    numbers = {
        number(Behaviour.busy): (Ending.refused, 486),
        number(Behaviour.invalid): (Ending.refused, 404),
        number(Behaviour.no_answer): (Ending.cancelled, None),
        number(Behaviour.human, ring_s=0.2, talk_s=0.3): (Ending.called_hung_up, None),
        number(Behaviour.machine, ring_s=0.2, talk_s=0.3): (Ending.called_hung_up, None),
    }
    began = datetime.now(UTC)
    async with ari_of(asterisk_people) as ari:
        for called in numbers:
            await _originate(ari, f"PJSIP/{called}@carrier")

    ended = await _ended(asterisk_people, len(numbers), since=began)

    assert {call.number: (call.ending, call.status) for call in ended} == numbers
    assert {call.number for call in ended if call.answered_at} == {
        called for called in numbers if numbers[called][0] is Ending.called_hung_up
    }


async def test_telephone_that_registered_answers_at_once(asterisk_people: RealPbx) -> None:
    people = asterisk_people.people
    async with ari_of(asterisk_people) as ari:
        await _originate(ari, "PJSIP/phone1")

    def answered() -> list[CalledCall]:
        return [call for call in people.agent_calls() if call.answered_at]

    assert "phone1" in {call.number for call in await _seen(answered)}
    await end_every_call(asterisk_people.asterisk)


async def test_asterisk_takes_calls_again_when_it_was_killed(
    asterisk_installed: Installed,
) -> None:
    async with real_pbx(asterisk_installed, agents=1, phones=0) as pbx, ari_of(pbx) as ari:
        before, began = pbx.asterisk.pid, datetime.now(UTC)
        await pbx.asterisk.restart()

        await _originate(ari, f"PJSIP/{number(Behaviour.busy)}@carrier")

        assert [call.status for call in await _ended(pbx, 1, since=began)] == [486]
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


async def _ended(pbx: RealPbx, count: int, *, since: datetime) -> list[CalledCall]:
    def ended() -> list[CalledCall]:
        return [c for c in pbx.people.calls() if c.ended_at and c.invited_at >= since]

    return await _seen(ended, count)


async def _seen(look: Callable[[], list[CalledCall]], count: int = 1) -> list[CalledCall]:
    async with asyncio.timeout(CALLED_BACK_S):
        while len(seen := look()) < count:  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(0.05)
    return seen
