"""Telephones on XiVO: answering, transferring, mobiles, rooms, and what is told beside calls."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from dialer.events import CallEnded, CallJoined, SwitchEvent
from dialer.outcomes import Outcome
from dialer.switching import SwitchRefused
from offhook.simulator.config import make_users
from offhook.simulator.model import EntityKind
from offhook.simulator.population import Behaviour, PersonKind
from offhook.simulator.xivo_config import QueueSetup, VoiceMailSetup, XivoConfig
from offhook.simulator.xivo_serve import XivoSimulator, running_xivo
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo import wire_events as ev
from offhook.switches.xivo import wire_office as office
from offhook.switches.xivo.client import XivoClient
from offhook.switches.xivo.events import CORRELATOR, CallMemory, Seen, stored, translate
from offhook.switches.xivo.session import Session
from offhook.switches.xivo.settings import AnswerSign
from tests.contract.switches.test_xivo_services import until
from tests.contract.switches.xivo import xivo_settings

ANNA, BEN, CARLA = "201", "202", "203"
ADA = 1101
CUSTOMER, OTHER, MOBILE = "0611111111", "0622222222", "0799999999"
PATIENT = Behaviour(kind=PersonKind.answer, ring_s=0.1, talk_s=3600)
CONFIG = XivoConfig(
    speed=25,
    users=make_users(3),
    queues=(
        QueueSetup(id=1, name="sales", members=("101",)),
        QueueSetup(id=2, name="service", members=("102",)),
    ),
    mobiles={"101": MOBILE},
    voice_mails=(VoiceMailSetup(id=58, user="101", new=2, waiting=1, old=1),),
    sheet={"popupUrl": "http://crm.example/?number={number}", "note": "from a queue"},
)

Step = tuple[str, str, str]
"""Telephone, type of the event, and the number at the other end."""


@dataclass
class Office:
    """Users at their telephones, and what these told."""

    simulator: XivoSimulator
    client: XivoClient
    heard: list[tuple[str, wire.Event]] = field(default_factory=list)

    def user(self, telephone: str) -> Session:
        return self.client.session(f"agent{telephone}")

    def told(self, kind: type[wire.Event], telephone: str = "") -> Sequence[wire.Event]:
        wanted = f"agent{telephone}" if telephone else ""
        return [e for login, e in self.heard if isinstance(e, kind) and login.startswith(wanted)]

    def events(self) -> list[ev.PhoneEvent]:
        return [event for _, event in self.heard if isinstance(event, ev.PhoneEvent)]

    def steps(self) -> list[Step]:
        return [(e.dn, e.event_type.removeprefix("Event"), e.other_dn) for e in self.events()]

    async def step(self, *wanted: Step) -> None:
        await until(lambda: set(wanted) <= set(self.steps()))

    def states(self) -> dict[int, str]:
        return {row.id: row.state.value for row in self.simulator.face.acd.agents.values()}

    def talking(self) -> list[set[str]]:
        """The numbers at the ends of every call in which both are up."""
        calls = self.simulator.face.pbx.calls.values()
        return [
            {leg.number for leg in c.legs()}
            for c in calls
            if {leg.state.value for leg in c.legs()} == {"active"}
        ]


async def an_office(config: XivoConfig) -> AsyncIterator[Office]:
    async with running_xivo(config) as simulator:
        for number in (CUSTOMER, OTHER, MOBILE):
            simulator.face.pbx.scripts[number] = [PATIENT]
        heard: list[tuple[str, wire.Event]] = []
        client = XivoClient(
            xivo_settings(simulator),
            "telephones",
            on_event=lambda session, event: heard.append((session.account.login, event)),
        )
        try:
            for session in client.sessions:
                await session.ready()
            yield Office(simulator, client, heard)
        finally:
            await client.aclose()


@pytest.fixture
async def desks() -> AsyncIterator[Office]:
    async for one in an_office(CONFIG):
        yield one


async def talk(desks: Office) -> None:
    """Anna talks to a customer, about order 7."""
    await desks.client.dial(desks.user(ANNA), CUSTOMER, data={"order": "7"})
    await desks.step((ANNA, "Established", CUSTOMER))


async def test_direct_transfer_rings_elsewhere_with_the_data_and_frees_the_telephone(
    desks: Office,
) -> None:
    await talk(desks)
    await desks.client.attach(desks.user(ANNA), {"vip": "yes", "USR_tier": "gold"})
    await desks.client.transfer(desks.user(ANNA), BEN)
    await desks.step((ANNA, "Released", CUSTOMER), (BEN, "Established", CUSTOMER))
    ringing = next(e for e in desks.events() if (e.dn, e.event_type) == (BEN, "EventRinging"))
    data = {key: text for key, text in ringing.user_data.items() if key.startswith("USR_")}
    assert data == {"USR_order": "7", "USR_vip": "yes", "USR_tier": "gold"}
    assert desks.talking() == [{CUSTOMER, BEN}]
    assert desks.states()[ADA] == "AgentReady"
    assert desks.simulator.face.pbx.recorder.times_dialled == {CUSTOMER: 1}


async def test_direct_transfer_to_somebody_outside_joins_the_two(desks: Office) -> None:
    await talk(desks)
    await desks.client.transfer(desks.user(ANNA), OTHER)
    await until(lambda: desks.talking() == [{CUSTOMER, OTHER}])
    assert (await desks.client.current_calls(desks.user(ANNA))) == ()


async def test_attended_transfer_puts_whom_was_asked_in_the_telephones_place(
    desks: Office,
) -> None:
    await talk(desks)
    await desks.client.begin_transfer(desks.user(ANNA), BEN)
    await desks.step((ANNA, "OnHold", CUSTOMER), (ANNA, "Established", BEN))
    both = await desks.client.current_calls(desks.user(ANNA))
    assert sorted(call.event_type for call in both) == ["EventEstablished", "EventOnHold"]
    await desks.client.complete_transfer(desks.user(ANNA))
    await desks.step((ANNA, "Released", CUSTOMER), (ANNA, "Released", BEN))
    assert desks.talking() == [{CUSTOMER, BEN}]
    (call,) = await desks.client.current_calls(desks.user(BEN))
    assert (call.event_type, call.other_dn) == ("EventEstablished", CUSTOMER)
    assert call.user_data["USR_order"] == "7"
    assert (BEN, "Released", ANNA) not in desks.steps()
    await desks.client.hang_up(desks.user(BEN), call.unique_id)
    await desks.step((BEN, "Released", CUSTOMER))
    assert desks.simulator.face.pbx.calls == {}
    assert set(desks.states().values()) == {"AgentReady"}


async def test_transfer_completed_before_an_answer_rings_on(desks: Office) -> None:
    await talk(desks)
    desks.simulator.face.pbx.users["102"].phone_dead = True
    await desks.client.begin_transfer(desks.user(ANNA), BEN)
    await desks.step((BEN, "Ringing", ANNA))
    await desks.client.complete_transfer(desks.user(ANNA))
    await desks.step((ANNA, "Released", CUSTOMER), (BEN, "Ringing", CUSTOMER))
    await desks.client.answer(desks.user(BEN))
    await desks.step((BEN, "Established", CUSTOMER))


async def test_cancelled_transfer_goes_back_to_the_customer(desks: Office) -> None:
    await talk(desks)
    await desks.client.begin_transfer(desks.user(ANNA), BEN)
    await desks.step((BEN, "Established", ANNA))
    with pytest.raises(SwitchRefused, match="TransferInProgress"):
        await desks.client.begin_transfer(desks.user(ANNA), CARLA)
    await desks.client.cancel_transfer(desks.user(ANNA))
    await desks.step((BEN, "Released", ANNA))
    (call,) = await desks.client.current_calls(desks.user(ANNA))
    assert (call.event_type, call.other_dn) == ("EventEstablished", CUSTOMER)
    assert desks.states()[ADA] == "AgentOnCall"
    for again in (desks.client.complete_transfer, desks.client.cancel_transfer):
        with pytest.raises(SwitchRefused, match="NoTransfer"):
            await again(desks.user(ANNA))


async def test_transfer_ends_with_the_customer_who_hangs_up_on_hold(desks: Office) -> None:
    await talk(desks)
    await desks.client.begin_transfer(desks.user(ANNA), BEN)
    await desks.step((ANNA, "Established", BEN))
    pbx = desks.simulator.face.pbx
    first = next(call for call in pbx.calls.values() if call.wanted_number == CUSTOMER)
    outside = next(leg for leg in first.legs() if leg.entity.kind is EntityKind.gateway)
    pbx.hang_up(first, outside)
    await desks.step((ANNA, "Released", CUSTOMER))
    with pytest.raises(SwitchRefused, match="NoTransfer"):
        await desks.client.complete_transfer(desks.user(ANNA))
    assert desks.talking() == [{ANNA, BEN}]


async def test_attempt_whose_call_is_transferred_was_answered_by_who_passed_it_on(
    desks: Office,
) -> None:
    wanted = cmd.DialFromQueue(destination=CUSTOMER, queue_id=1, variables={CORRELATOR: "a-1"})
    await desks.client.dial_from_queue(wanted)
    await desks.step((ANNA, "Established", CUSTOMER))
    await desks.client.transfer(desks.user(ANNA), BEN)
    await desks.step((BEN, "Established", CUSTOMER))
    memory = CallMemory()
    told: list[SwitchEvent] = []
    for login, event in desks.heard:
        if isinstance(event, ev.PhoneEvent):
            seen = Seen(login, event, login)
            payload = stored(seen, memory.next(seen))
            told += translate(payload, AnswerSign.outgoing, at=datetime.now(UTC))
    (joined,) = (event for event in told if isinstance(event, CallJoined))
    (ended,) = (event for event in told if isinstance(event, CallEnded))
    assert (joined.address, ended.outcome) == (f"agent{ANNA}", Outcome.answered)
    assert {joined.correlator, ended.correlator} == {"a-1"}


async def test_nothing_is_transferred_held_or_answered_where_there_is_no_call(
    desks: Office,
) -> None:
    anna, client = desks.user(ANNA), desks.client
    for refused in (
        client.transfer(anna, BEN),
        client.begin_transfer(anna, BEN),
        client.answer(anna),
        client.hold(anna),
    ):
        with pytest.raises(SwitchRefused, match="NoCall"):
            await refused


async def test_call_that_rings_is_answered_by_hand(desks: Office) -> None:
    desks.simulator.face.pbx.users["102"].phone_dead = True
    await desks.client.dial(desks.user(ANNA), BEN)
    await desks.step((BEN, "Ringing", ANNA))
    assert desks.told(ev.PhoneStatusUpdate, BEN)[-1] == ev.PhoneStatusUpdate(status=8)
    await desks.client.answer(desks.user(BEN))
    await desks.step((BEN, "Established", ANNA), (ANNA, "Established", BEN))
    statuses = [e.status for e in desks.told(ev.PhoneStatusUpdate, BEN) if hasattr(e, "status")]
    assert statuses == [0, 8, 2]


async def test_call_is_held_and_taken_back(desks: Office) -> None:
    await talk(desks)
    await desks.client.hold(desks.user(ANNA))
    await desks.step((ANNA, "OnHold", CUSTOMER))
    await desks.client.hold(desks.user(ANNA))
    assert desks.steps()[-2:] == [(ANNA, "OnHold", CUSTOMER), (ANNA, "Established", CUSTOMER)]


async def test_call_from_a_mobile_rings_it_first_and_carries_the_data(desks: Office) -> None:
    await desks.client.dial_from_mobile(desks.user(ANNA), BEN, data={"order": "8"})
    await desks.step((BEN, "Established", MOBILE))
    ringing = next(e for e in desks.events() if e.dn == BEN)
    assert (ringing.event_type, ringing.user_data["USR_order"]) == ("EventRinging", "8")
    assert desks.talking() == [{MOBILE, BEN}]
    with pytest.raises(SwitchRefused, match="NoMobileNumber"):
        await desks.client.dial_from_mobile(desks.user(BEN), ANNA)


async def test_history_of_a_queue_is_that_of_the_queues_named(desks: Office) -> None:
    for queue, number in ((1, CUSTOMER), (2, OTHER)):
        wanted = cmd.DialFromQueue(destination=number, queue_id=queue, caller_id_number="0123")
        await desks.client.dial_from_queue(wanted)
    await desks.step((ANNA, "Established", CUSTOMER), (BEN, "Established", OTHER))
    for telephone in (ANNA, BEN):
        await desks.client.hang_up(desks.user(telephone), "")
    (sale,) = await desks.client.queue_history("sal", 10)
    assert (sale.source_number, sale.destination_number) == ("0123", CUSTOMER)
    assert sale.status == "answered"
    both = await desks.client.queue_history("s", 10)
    assert {call.destination_number for call in both} == {CUSTOMER, OTHER}
    assert len(await desks.client.queue_history("s", 1)) == 1
    assert await desks.client.queue_history("nothing", 10) == ()


async def test_call_that_waited_too_long_is_in_the_history_of_its_queue(desks: Office) -> None:
    await desks.client.pause_agent(ADA)
    await desks.client.dial_from_queue(cmd.DialFromQueue(destination=CUSTOMER, queue_id=1))
    await until(lambda: bool(desks.simulator.face.telephones.past))
    (call,) = await desks.client.queue_history("sales", 10)
    assert (call.destination_number, call.status) == (CUSTOMER, "timeout")


async def test_room_tells_who_comes_and_goes(desks: Office) -> None:
    (room,) = await desks.client.conferences()
    assert (room.number, room.members) == ("4000", ())
    await desks.client.dial(desks.user(ANNA), "4000")
    await desks.step((ANNA, "Established", "4000"))
    lists = desks.told(office.ConferenceList)
    last = lists[-1]
    assert isinstance(last, office.ConferenceList)
    (member,) = last.conferences[0].members
    assert (member.member_name, member.number, member.join_order) == ("Agent 001", ANNA, 1)
    assert last.conferences[0].start_time == member.join_time
    await desks.client.hang_up(desks.user(ANNA), "")
    (room,) = await desks.client.conferences()
    assert (room.members, room.start_time) == ((), 0)


async def test_user_is_greeted_with_statuses_telephone_and_voice_mail(desks: Office) -> None:
    (statuses,) = desks.told(ev.UsersStatuses, ANNA)
    assert isinstance(statuses, ev.UsersStatuses)
    assert "available" in [status.event_name for status in statuses.statuses]
    assert desks.told(ev.PhoneStatusUpdate, ANNA) == [ev.PhoneStatusUpdate(status=0)]
    (box,) = desks.told(ev.VoiceMailStatusUpdate)
    assert isinstance(box, ev.VoiceMailStatusUpdate)
    assert (box.voice_mail_id, box.new_messages, box.old_messages) == (58, 2, 1)
    user = desks.user(ANNA).user
    assert user is not None
    assert (user.voice_mail_id, user.voice_mail_enabled, user.mobile_number) == (58, True, MOBILE)


async def test_ringing_call_opens_the_sheet_that_is_configured(desks: Office) -> None:
    await desks.client.dial(desks.user(ANNA), BEN)
    await until(lambda: bool(desks.told(ev.Sheet)))
    (sheet,) = desks.told(ev.Sheet, BEN)
    assert isinstance(sheet, ev.Sheet)
    shown = sheet.payload["profile"]["user"]["sheetInfo"]
    assert [(row["name"], row["value"], row["type"]) for row in shown] == [
        ("popupUrl", f"http://crm.example/?number={ANNA}", "url"),
        ("note", "from a queue", "text"),
    ]


async def test_agent_is_told_that_listening_ends_with_his_call(desks: Office) -> None:
    await talk(desks)
    await desks.client.listen_to_agent(ADA)
    await desks.client.hang_up(desks.user(ANNA), "")
    await until(lambda: len(desks.told(ev.AgentListen, ANNA)) == 2)
    begun = [e.started for e in desks.told(ev.AgentListen, ANNA) if isinstance(e, ev.AgentListen)]
    assert begun == [True, False]


async def test_counters_of_a_queue_are_those_of_the_document(desks: Office) -> None:
    await desks.client.watch_statistics()
    await desks.client.dial_from_queue(cmd.DialFromQueue(destination=CUSTOMER, queue_id=1))
    await desks.step((ANNA, "Established", CUSTOMER))
    await desks.client.watch_statistics()
    last = [e for e in desks.told(ev.QueueStatistics) if getattr(e, "queue_id", 0) == 1][-1]
    assert isinstance(last, ev.QueueStatistics)
    counted = {counter.stat_name: counter.value for counter in last.counters}
    assert counted == {
        "TotalNumberCallsEntered": 1,
        "TotalNumberCallsAnswered": 1,
        "PercentageAnsweredBefore15": 100.0,
        "TotalNumberCallsAbandonned": 0,
        "TotalNumberCallsAbandonnedAfter15": 0,
        "PercentageAbandonnedAfter15": 0.0,
        "WaitingCalls": 0,
        "LongestWaitingTime": 0,
        "EWT": 0,
        "AvailableAgents": 0,
        "LoggedAgents": 1,
        "TalkingAgents": 1,
    }
