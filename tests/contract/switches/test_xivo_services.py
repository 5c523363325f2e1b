"""Everything else that xuc does for a client, over real sockets; and sessions that heal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from dialer.switching import SwitchRefused, SwitchUnavailable
from offhook.simulator.config import make_users
from offhook.simulator.xivo_config import (
    CallbackListSetup,
    CallbackSetup,
    GroupSetup,
    QueueSetup,
    XivoConfig,
)
from offhook.simulator.xivo_serve import XivoSimulator, running_xivo
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_callbacks as cb
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo import wire_events as ev
from offhook.switches.xivo.client import XivoClient
from offhook.switches.xivo.session import Session
from tests.contract.switches.harness import PATIENCE_S
from tests.contract.switches.xivo import xivo_settings

ANNA, BEN = 1101, 1102
CONFIG = XivoConfig(
    speed=25,
    users=make_users(2),
    logged_in=False,
    queues=(QueueSetup(id=1, name="sales"), QueueSetup(id=2, name="service")),
    groups_of_agents=(
        GroupSetup(id=1, name="default"),
        GroupSetup(id=2, name="night", members=("102",)),
    ),
    callback_lists=(
        CallbackListSetup(
            uuid="list",
            name="Later",
            callbacks=(CallbackSetup(uuid="c1", phone_number="201", last_name="Rossi"),),
        ),
    ),
)


@dataclass
class Desk:
    """A client of a simulator, and what it heard."""

    simulator: XivoSimulator
    client: XivoClient
    heard: list[wire.Event] = field(default_factory=list)

    def told(self, kind: type[wire.Event]) -> list[wire.Event]:
        return [event for event in self.heard if isinstance(event, kind)]

    async def states(self) -> dict[int, tuple[str, str, str]]:
        rows = [row.agent_state for row in await self.client.agents()]
        return {row.agent_id: (row.state, row.phone_number, row.cause) for row in rows}


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - another program's state
            await asyncio.sleep(0.01)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with running_xivo(CONFIG) as simulator:
        heard: list[wire.Event] = []
        client = XivoClient(
            xivo_settings(simulator, ping_every=timedelta(milliseconds=50)),
            "services",
            on_event=lambda _, event: heard.append(event),
        )
        try:
            yield Desk(simulator, client, heard)
        finally:
            await client.aclose()


async def test_agent_logs_in_on_a_known_line_and_stays_when_asked_again(desk: Desk) -> None:
    await desk.client.login_agent("201", ANNA)
    await desk.client.login_agent("201", ANNA)
    assert (await desk.states())[ANNA] == ("AgentReady", "201", "")


async def test_agent_is_not_logged_in_on_an_unknown_line(desk: Desk) -> None:
    with pytest.raises(SwitchRefused, match="PhoneNumberUnknown"):
        await desk.client.login_agent("999", ANNA)
    assert (await desk.states())[ANNA][0] == "AgentLoggedOut"


async def test_agent_stays_where_he_is_when_asked_for_another_line(desk: Desk) -> None:
    await desk.client.login_agent("201", ANNA)
    with pytest.raises(SwitchRefused, match="LoggedInOnAnotherPhone"):
        await desk.client.login_agent("202", ANNA)
    (error,) = desk.told(ev.AgentError)
    assert isinstance(error, ev.AgentError)
    assert (error.phone_number, error.requested_number) == ("201", "202")
    assert (await desk.states())[ANNA][:2] == ("AgentReady", "201")


async def test_agent_takes_over_the_line_of_another(desk: Desk) -> None:
    await desk.client.login_agent("201", ANNA)
    await desk.client.login_agent("201", BEN)
    states = await desk.states()
    assert states[ANNA][0] == "AgentLoggedOut"
    assert states[BEN][:2] == ("AgentReady", "201")


async def test_agent_pauses_with_a_cause_and_is_ready_again(desk: Desk) -> None:
    await desk.client.login_agent("201", ANNA)
    await desk.client.pause_agent(ANNA, cause="lunch")
    assert (await desk.states())[ANNA] == ("AgentOnPause", "201", "lunch")
    await desk.client.unpause_agent(ANNA)
    assert (await desk.states())[ANNA][0] == "AgentReady"
    await desk.client.logout_agent(ANNA)
    with pytest.raises(SwitchRefused, match="AgentNotLoggedIn"):
        await desk.client.pause_agent(ANNA)


async def test_penalties_and_queues_change_by_command(desk: Desk) -> None:
    assert (await desk.client.set_penalty(ANNA, 2, 7)).penalty == 7
    assert (await desk.client.leave_queue(ANNA, 1)).penalty == -1
    members = {(m.agent_id, m.queue_id): m.penalty for m in await desk.client.members()}
    assert members == {(ANNA, 2): 7, (BEN, 1): 0, (BEN, 2): 0}


async def test_call_that_waits_in_a_queue_is_listed_and_counted(desk: Desk) -> None:
    await desk.client.watch_statistics()
    await desk.client.dial_from_queue(
        cmd.DialFromQueue(destination="0611111111", queue_id=1, caller_id_number="0123")
    )
    (waiting,) = await desk.client.queue_calls(1)
    assert (waiting.position, waiting.number) == (1, "0123")
    last = [e for e in desk.told(ev.QueueStatistics) if getattr(e, "queue_id", 0) == 1][-1]
    assert isinstance(last, ev.QueueStatistics)
    assert {c.stat_name: c.value for c in last.counters}["WaitingCalls"] == 1
    with pytest.raises(SwitchRefused, match="QueueUnknown"):
        await desk.client.dial_from_queue(cmd.DialFromQueue(destination="06", queue_id=9))


async def test_supervisor_sees_queues_and_groups_of_the_profile_only(desk: Desk) -> None:
    settings = xivo_settings(desk.simulator, login="supervisor", agent_logins=())
    supervisor = XivoClient(settings, "supervisor")
    try:
        assert [queue.id for queue in await supervisor.queues()] == [1]
        assert {member.queue_id for member in await supervisor.members()} == {1}
        assert [row.agent.id for row in await supervisor.agents()] == [ANNA]
        assert [group.id for group in await supervisor.agent_groups()] == [1]
        assert supervisor.main.profile == ev.Profile.supervisor
    finally:
        await supervisor.aclose()


async def test_user_without_a_profile_sees_what_an_administrator_does(desk: Desk) -> None:
    settings = xivo_settings(desk.simulator, login="nobody", agent_logins=())
    nobody = XivoClient(settings, "nobody")
    try:
        assert await nobody.queues() == await desk.client.queues()
        assert len(await nobody.agents()) == 2
    finally:
        await nobody.aclose()


async def test_callback_is_taken_started_and_ticketed(desk: Desk) -> None:
    anna, ben = desk.client.session("agent201"), desk.client.session("agent202")
    (listed,) = await desk.client.callback_lists()
    assert [request.uuid for request in listed.callbacks] == ["c1"]
    await desk.client.take_callback(anna, "c1")
    with pytest.raises(SwitchRefused, match="CallbackAlreadyTaken"):
        await desk.client.take_callback(ben, "c1")
    with pytest.raises(SwitchRefused, match="CallbackNotTaken"):
        await desk.client.start_callback(ben, "c1", "0611111111")
    await desk.client.start_callback(anna, "c1", "0611111111")
    dialled = desk.simulator.face.pbx.recorder.times_dialled
    await until(lambda: dialled["0611111111"] == 1)
    period = (await desk.client.preferred_periods())[0].uuid
    again = (date(2026, 2, 3), period)
    await desk.client.ticket_callback(anna, "c1", cb.TicketStatus.callback, due=again)
    found = await desk.client.find_callbacks(
        1, cb.FindRequest(filters=(cb.Filter(field="lastName", value="Rossi"),))
    )
    (request,) = found.list
    assert (request.due_date, request.agent_id) == ("2026-02-03", None)
    await desk.client.ticket_callback(anna, "c1", cb.TicketStatus.answered, comment="done")
    assert (await desk.client.callback_lists())[0].callbacks == ()
    assert desk.told(cb.CallbackClotured)
    assert desk.simulator.face.callbacks.tickets[-1] == ("c1", "Answered", "done")


async def test_callback_that_was_taken_can_be_given_back(desk: Desk) -> None:
    anna, ben = desk.client.session("agent201"), desk.client.session("agent202")
    await desk.client.take_callback(anna, "c1")
    await desk.client.release_callback(anna, "c1")
    await desk.client.take_callback(ben, "c1")
    assert desk.simulator.face.callbacks.requests["c1"].agent_id == BEN


async def test_directory_favourites_forwards_and_conferences(desk: Desk) -> None:
    anna = desk.client.session("agent201")
    (entry,) = (await desk.client.look_up("002")).entries
    contact, source = entry.contact_id or "", entry.source or ""
    assert (await desk.client.set_favorite(anna, contact, source, on=True)).action == "Added"
    assert [row.contact_id for row in (await desk.client.favorites(anna)).entries] == [contact]
    assert (await desk.client.set_favorite(anna, contact, source, on=False)).action == "Removed"
    await desk.client.forward(anna, cmd.BusyFwd, to="202")
    assert anna.user is not None
    assert (anna.user.busy_fwd_enabled, anna.user.busy_fwd_destination) == (True, "202")
    await desk.client.forward(anna, cmd.BusyFwd, to=None)
    assert anna.user.busy_fwd_enabled is False
    assert [room.number for room in await desk.client.conferences()] == ["4000"]


async def test_default_memberships_are_set_and_applied(desk: Desk) -> None:
    membership = (cmd.QueueMembership(queue_id=2, penalty=4),)
    await desk.client.set_default_membership([101], membership)
    assert tuple(await desk.client.default_membership(101)) == membership
    await desk.client.apply_default_membership([101])
    members = {(m.agent_id, m.queue_id): m.penalty for m in await desk.client.members()}
    assert members[ANNA, 2] == 4
    assert (ANNA, 1) not in members


async def test_call_of_a_telephone_carries_its_data_and_is_in_the_history(desk: Desk) -> None:
    anna = desk.client.session("agent201")
    await anna.tell(cmd.Dial(destination="0611111111", variables={"order": "7"}))
    await until(lambda: bool(desk.told(ev.PhoneEvent)))
    (call,) = await desk.client.current_calls(anna)
    assert call.user_data["USR_order"] == "7"
    await desk.client.hang_up(anna, call.unique_id)
    assert (await desk.client.current_calls(anna)) == ()
    (past,) = await desk.client.history(anna, 5)
    assert past.destination_number == "0611111111"


async def test_recording_is_paused_only_while_an_agent_talks(desk: Desk) -> None:
    await desk.client.login_agent("201", ANNA)
    with pytest.raises(SwitchRefused, match="NoRecordedCall"):
        await desk.client.pause_recording(ANNA, paused=True)


async def test_refused_password_is_told_and_not_tried_at_once_again(desk: Desk) -> None:
    client = XivoClient(xivo_settings(desk.simulator, password="wrong"), "refused")
    try:
        for _ in range(3):
            with pytest.raises(SwitchRefused, match="InvalidCredentials"):
                await client.queues()
        assert client.authority.logins == 1
    finally:
        await client.aclose()


async def test_expired_token_is_replaced_when_connecting_again(desk: Desk) -> None:
    await desk.client.queues()
    desk.simulator.tokens.clear()
    desk.simulator.cut()
    assert len(await desk.client.queues()) == 2
    assert desk.client.authority.logins == 2


async def test_token_is_renewed_while_connected(desk: Desk) -> None:
    settings = xivo_settings(
        desk.simulator,
        agent_logins=(),
        ping_every=timedelta(milliseconds=20),
        token_check_every=timedelta(milliseconds=20),
    )
    client = XivoClient(settings, "renewing")
    try:
        await client.queues()
        (before,) = desk.simulator.tokens
        await until(lambda: before not in desk.simulator.tokens)
        assert client.authority.logins == 1
    finally:
        await client.aclose()


async def test_session_is_given_up_when_the_server_falls_silent_and_made_again(
    desk: Desk,
) -> None:
    main = desk.client.main
    await desk.client.queues()
    desk.simulator.deafen()
    await until(lambda: main.connections == 2)
    assert len(await desk.client.queues()) == 2


async def test_unknown_and_malformed_messages_are_counted_and_harm_nothing(desk: Desk) -> None:
    main: Session = desk.client.main
    await desk.client.queues()
    for connection in desk.simulator.face.connections:
        connection.send('{"msgType":"Novelty","ctiMessage":{}}')
        connection.send("<html>")
    assert len(await desk.client.queues()) == 2
    assert (main.unknown["Novelty"], main.malformed) == (1, 1)


async def test_server_that_restarts_is_waited_for(desk: Desk) -> None:
    await desk.client.queues()
    desk.simulator.restart(0.2)
    assert len(await desk.client.queues()) == 2
    assert desk.client.main.connections == 2


async def test_server_that_stays_away_is_unavailable(desk: Desk) -> None:
    await desk.client.queues()
    desk.simulator.restart(60)
    with pytest.raises(SwitchUnavailable):
        await desk.client.queues()
    assert desk.client.main.connections == 1
