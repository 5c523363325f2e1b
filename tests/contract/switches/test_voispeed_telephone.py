"""What VOIspeed offers beside dialing: recording, a user's telephone, histories, phonebooks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from activities.phonebook import BookEntry
from dialer.outcomes import Outcome
from dialer.switching import SwitchRefused
from offhook.simulator.config import SimulatorConfig, make_users
from offhook.simulator.history import EndedCall
from offhook.simulator.model import Entity, EntityKind, Result, Side
from offhook.simulator.population import Behaviour, PersonKind, Population
from offhook.simulator.serve import Simulator, running_simulator
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.phonebook import VoispeedPhonebook
from offhook.switches.voispeed.reports import VoispeedReports
from offhook.switches.voispeed.settings import VoispeedSettings
from offhook.switches.voispeed.switch import VoispeedSwitch
from offhook.switches.voispeed.telephone import UserTelephone
from tests.support.campaigns import until
from tests.support.voispeed_listener import customer_call

ANNA = "+393201112223"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANSWERS = Population(numbers={ANNA: [Behaviour(kind=PersonKind.answer, ring_s=0.01, talk_s=30)]})


@dataclass
class Line:
    """A PBX and everything that talks to it."""

    simulator: Simulator
    settings: VoispeedSettings
    client: VoispeedClient
    switch: VoispeedSwitch

    async def call(self, extid: str) -> wire.CurrentCall:
        """The one call with this correlator, once Anna is there."""

        async def found() -> wire.CurrentCall | None:
            calls = [call for call in await self.client.current_calls() if call.extid == extid]
            return calls[0] if calls and calls[0].connected else None

        return await seen(found)


async def seen(look: Callable[[], Awaitable[wire.CurrentCall | None]]) -> wire.CurrentCall:
    async with asyncio.timeout(10):
        while True:
            if (found := await look()) is not None:
                return found
            await asyncio.sleep(0.01)


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A PBX with two users, where Anna answers."""
    config = SimulatorConfig(users=make_users(2), population=ANSWERS, hand_answer_s=(0.01, 0.02))
    async with running_simulator(config) as simulator:
        settings = VoispeedSettings.model_validate(
            {
                "base_url": simulator.url,
                "token": simulator.config.token,
                "reception_ivr": "1",
                "hold_ivr": "2",
                "zone": "UTC",
            }
        )
        client = VoispeedClient(settings, "pbx")
        switch = VoispeedSwitch(settings, link="pbx", client=client)
        yield Line(simulator, settings, client, switch)
        await client.aclose()


async def eventually(line: Line, name: str, *, recorded: bool) -> None:
    async def holds() -> bool:
        return await line.switch.recording(name) is recorded

    await until(holds)


async def test_recording_is_switched_on_and_off_by_correlator(line: Line) -> None:
    await line.client.command(customer_call(ANNA, "a1"))
    assert not (await line.call("a1")).recording
    assert (await line.switch.record("a1", on=True)).request_id
    await eventually(line, "a1", recorded=True)
    assert (await line.call("a1")).recording
    await line.switch.record("a1", on=False)
    await eventually(line, "a1", recorded=False)


async def test_recording_is_switched_on_by_the_communications_own_id(line: Line) -> None:
    await line.client.command(customer_call(ANNA, "a1"))
    call_id = (await line.call("a1")).call_id
    await line.switch.record(call_id, on=True)
    await eventually(line, call_id, recorded=True)


async def test_call_that_is_over_can_not_be_recorded(line: Line) -> None:
    assert await line.switch.recording("gone") is None
    with pytest.raises(SwitchRefused, match="over already"):
        await line.switch.record("gone", on=True)


async def test_user_calls_and_hangs_up(line: Line) -> None:
    telephone = UserTelephone(line.client, "201")
    await telephone.call(ANNA, extid="mine")
    call = await line.call("mine")
    assert call.calling == wire.EntityRef(wire.EntityType.user, "101")
    await telephone.hold(call.call_id)
    await telephone.retrieve(call.call_id)
    await telephone.disconnect(call.call_id)

    async def over() -> bool:
        return bool(await telephone.history(limit=5))

    await until(over)
    (past,) = await telephone.history(limit=5)
    assert (past.my_number, past.remote_number) == ("201", ANNA)


async def test_user_sends_a_call_on_to_a_colleague(line: Line) -> None:
    boss, colleague = UserTelephone(line.client, "201"), "202"
    await line.client.command(
        customer_call(ANNA, "a1", called=wire.EntityRef(wire.EntityType.user, "101"))
    )
    call = await seen(lambda: _with_user(line, "101"))
    await boss.divert(call.call_id, colleague, note="yours")
    moved = await seen(lambda: _with_user(line, "102"))
    assert moved.call_id == call.call_id


async def _with_user(line: Line, user_id: str) -> wire.CurrentCall | None:
    wanted = wire.EntityRef(wire.EntityType.user, user_id)
    calls = await line.client.current_calls()
    return next((call for call in calls if call.connected == wanted), None)


async def test_user_who_is_not_to_be_disturbed_says_so(line: Line) -> None:
    await UserTelephone(line.client, "201").set_mode(wire.UserMode.do_not_disturb, note="lunch")
    (user, _) = await line.client.users()
    assert user.av_status is wire.AvStatus.do_not_disturb
    assert user.phrase == "lunch"


async def test_contact_is_changed_and_deleted_by_name(line: Line) -> None:
    added = await line.client.add_contact(wire.AddPhonebook(name="Ada", office="0733"))
    await line.client.update_contact(wire.UpdatePhonebook(contact_id=added, company="Works"))
    (found,) = await line.client.phonebook("Ada")
    assert found.company == "Works"
    await line.client.delete_contact(wire.DeletePhonebook(contact_id=added))
    assert await line.client.phonebook("Ada") == ()


async def test_type_of_entity_that_no_list_is_known_of_is_refused_unasked(line: Line) -> None:
    with pytest.raises(SwitchRefused, match="meeting_room"):
        await line.client.entities(wire.EntityType.meeting_room)
    assert line.simulator.face.services["get_entities"] == 0


async def test_call_is_ended_by_its_id(line: Line) -> None:
    await line.client.command(customer_call(ANNA, "a1"))
    await line.client.terminate((await line.call("a1")).call_id)

    async def over() -> bool:
        return not await line.client.current_calls()

    await until(over)


async def test_phonebook_tells_what_it_skipped_and_overwrites_what_it_has(line: Line) -> None:
    book = VoispeedPhonebook(line.client)
    entries = [
        BookEntry(contact_id=1, name="Ada", numbers=(("mobile", "+391"),)),
        BookEntry(contact_id=2, name="", numbers=(("mobile", "+392"),)),
    ]
    for _ in range(2):
        report = await book.sync(entries, app_name="crm")
        assert (report.processed, report.skipped, report.warnings, report.errors) == (2, 1, 0, 0)
        assert [(note.external_id, note.info) for note in report.notes] == [("2", "no name")]
    assert len(line.simulator.face.phonebook) == 1


def ended(
    line: Line, extid: str | None, *, at: float = 0, result: Result = Result.ok, talk: float = 0
) -> None:
    """Put a call into the PBX's history."""
    pbx = line.simulator.face.pbx
    started = NOW + timedelta(seconds=at)
    pbx.history.append(
        EndedCall(
            call_id=f"com{len(pbx.history)}",
            extid=extid,
            started_at=started,
            answered_at=started,
            ended_at=started + timedelta(seconds=30),
            result=result,
            side=Side.calling,
            calling=Entity(EntityKind.gateway, "1"),
            calling_number=ANNA,
            called=None,
            called_number="0800",
            connected=None,
            talk_s=talk,
            refer_id=None,
        )
    )


async def test_report_tells_customers_calls_in_our_words(line: Line) -> None:
    ended(line, "a1", talk=20)
    ended(line, "a2", at=1, result=Result.busy)
    ended(line, "c1-0-1-p3", at=2)
    ended(line, None, at=3)
    reports = VoispeedReports(line.client, "pbx")
    found = await reports.customer_calls(NOW, NOW + timedelta(hours=1))
    told = {call.correlator: (call.outcome, call.talk, call.started_at) for call in found}
    assert told == {
        "a1": (Outcome.answered, timedelta(seconds=20), NOW),
        "a2": (Outcome.busy, timedelta(0), NOW + timedelta(seconds=1)),
    }


@pytest.mark.parametrize("limit", [2, 3, 7, 1_000])
async def test_report_is_whole_however_little_the_pbx_gives_at_once(line: Line, limit: int) -> None:
    for index in range(25):
        ended(line, f"a{index}", at=index * 37)
    reports = VoispeedReports(line.client, "pbx", limit=limit)
    found = await reports.customer_calls(NOW, NOW + timedelta(hours=1))
    assert sorted(call.correlator for call in found) == sorted(f"a{index}" for index in range(25))


async def test_report_with_too_many_calls_in_a_second_is_refused_not_cut(line: Line) -> None:
    for index in range(4):
        ended(line, f"a{index}", at=10)
    with pytest.raises(SwitchRefused, match="in one second"):
        await VoispeedReports(line.client, "pbx", limit=3).customer_calls(
            NOW, NOW + timedelta(hours=1)
        )


async def test_pbx_that_ignores_our_limits_of_time_is_noticed(line: Line) -> None:
    ended(line, "a1", at=-86_400)
    settings = line.settings.model_copy(
        update={"parameter_names": {"date_from": "from_", "date_to": "to_"}}
    )
    client = VoispeedClient(settings, "pbx")
    try:
        with pytest.raises(SwitchRefused, match=r"get_call_report\.date_from"):
            await VoispeedReports(client, "pbx").customer_calls(NOW, NOW + timedelta(hours=1))
    finally:
        await client.aclose()
