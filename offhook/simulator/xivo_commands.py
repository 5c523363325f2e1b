"""What the simulated xuc does about each command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from offhook.simulator.model import UserMode
from offhook.simulator.plant import CannotDo
from offhook.simulator.xivo import Connection, XivoFace
from offhook.simulator.xivo_agents import LoginRejected
from offhook.simulator.xivo_members import MEMBERS
from offhook.simulator.xivo_office import OFFICE, Does, tell_rooms
from offhook.simulator.xivo_queue_jobs import QueueJob, prefixed
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_callbacks as cb
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo import wire_events as ev


def carry_out(face: XivoFace, connection: Connection, command: wire.Command) -> None:
    """Do what a command asks; what can't be done is told as xuc does, or not at all."""
    does = _DOES.get(type(command))
    try:
        if does is None:
            raise CannotDo("NotSupported")
        does(face, connection, command)
    except LoginRejected as rejected:
        face.tell(connection, rejected.said)
    except CannotDo as reason:
        face.refuse(connection, str(reason))


# -- agents and queues -----------------------------------------------------------------------------


def _agent_id(connection: Connection, given: int | None) -> int:
    agent_id = connection.user.agent_id if given is None else given
    if agent_id is None:
        raise CannotDo("NotAnAgent")
    return agent_id


def _login(face: XivoFace, who: Connection, asked: cmd.AgentLogin) -> None:
    face.acd.login(_agent_id(who, asked.agent_id), asked.agent_phone_number)


def _logout(face: XivoFace, who: Connection, asked: cmd.AgentLogout) -> None:
    face.acd.logout(_agent_id(who, asked.agent_id))


def _pause(face: XivoFace, who: Connection, asked: cmd.PauseAgent) -> None:
    face.acd.pause(_agent_id(who, asked.agent_id), asked.reason or "")


def _unpause(face: XivoFace, who: Connection, asked: cmd.UnpauseAgent) -> None:
    face.acd.unpause(_agent_id(who, asked.agent_id))


def _listen(face: XivoFace, who: Connection, asked: cmd.ListenAgent) -> None:
    row = face.acd.agent(_agent_id(who, asked.agent_id))
    if row.state is not ev.AgentStateName.on_call:
        raise CannotDo("AgentNotOnCall")
    face.listen(row, who.user.extension, on=True)


def _monitor(face: XivoFace, who: Connection, asked: cmd.MonitorPause | cmd.MonitorUnpause) -> None:
    paused = isinstance(asked, cmd.MonitorPause)
    face.acd.monitor(_agent_id(who, asked.agent_id), paused=paused)


def _list(face: XivoFace, who: Connection, asked: cmd.GetList | cmd.GetConfig) -> None:
    user, acd = who.user, face.acd
    rows = [row for row in acd.agents.values() if face.sees_agent(user, row)]
    match asked.object_type:
        case cmd.ListType.queue:
            who.topics.add("queue configuration")
            queues = (
                acd.queue_event(queue)
                for queue in acd.queues.values()
                if face.sees_queue(user, queue.id)
            )
            face.tell(who, ev.QueueList(queues=tuple(queues)))
        case cmd.ListType.agent:
            who.topics |= {"agents", "agent configuration"}
            face.tell(who, ev.AgentList(agents=tuple(acd.config_event(row) for row in rows)))
        case cmd.ListType.queue_member:
            who.topics.add("members")
            members = (
                ev.QueueMember(agent_id=agent, queue_id=queue, penalty=penalty)
                for (agent, queue), penalty in acd.penalties.items()
                if face.sees_queue(user, queue)
            )
            face.tell(who, ev.QueueMemberList(members=tuple(members)))
        case cmd.ListType.agent_group:
            supervisor = user.profile is ev.Profile.supervisor
            groups = (
                ev.AgentGroup(id=group.id, group_name=group.name)
                for group in face.config.groups_of_agents
                if not supervisor or group.id in face.config.supervised_groups
            )
            face.tell(who, ev.AgentGroupList(groups=tuple(groups)))
        case cmd.ListType.conference:
            tell_rooms(face, who)
        case _:
            raise CannotDo("UnknownObjectType")


def _directory_of_agents(face: XivoFace, who: Connection, asked: cmd.GetAgentDirectory) -> None:
    rows = [row for row in face.acd.agents.values() if face.sees_agent(who.user, row)]
    face.tell(
        who,
        ev.AgentDirectory(
            directory=tuple(
                ev.DirectoryAgent(
                    agent=face.acd.config_event(row), agent_state=face.acd.state_event(row)
                )
                for row in rows
            )
        ),
    )


def _watch_agents(
    face: XivoFace, who: Connection, asked: cmd.SubscribeToAgentEvents | cmd.GetAgentStates
) -> None:
    if isinstance(asked, cmd.SubscribeToAgentEvents):
        who.topics.add("agents")
    for row in face.acd.agents.values():
        if face.sees_agent(who.user, row):
            face.tell(who, face.acd.state_event(row))


def _watch_agent_stats(face: XivoFace, who: Connection, asked: cmd.SubscribeToAgentStats) -> None:
    who.topics.add("agent statistics")
    for row in face.acd.agents.values():
        if face.sees_agent(who.user, row):
            face.tell(who, face.acd.statistics(row))


def _watch_queue_stats(face: XivoFace, who: Connection, asked: cmd.SubscribeToQueueStats) -> None:
    who.topics.add("queue statistics")
    for queue_id in face.acd.queues:
        if face.sees_queue(who.user, queue_id):
            face.tell(who, face.statistics(queue_id))


def _watch_calls(face: XivoFace, who: Connection, asked: cmd.SubscribeToQueueCalls) -> None:
    if asked.queue_id not in face.acd.queues:
        raise CannotDo("QueueUnknown")
    who.topics.add(f"calls of {asked.queue_id}")
    face.tell(who, face.queue_calls(asked.queue_id))


def _ignore_calls(face: XivoFace, who: Connection, asked: cmd.UnSubscribeToQueueCalls) -> None:
    who.topics.discard(f"calls of {asked.queue_id}")


# -- telephones ------------------------------------------------------------------------------------


def _dial_from_queue(face: XivoFace, who: Connection, asked: cmd.DialFromQueue) -> None:
    face.telephones.dial_from_queue(
        QueueJob(
            queue_id=asked.queue_id,
            destination=asked.destination,
            caller_name=asked.caller_id_name,
            caller_number=asked.caller_id_number,
            data=prefixed(asked.variables),
            asked_at=face.clock.wall(),
        )
    )


def _dial(face: XivoFace, who: Connection, asked: cmd.Dial | cmd.Originate) -> None:
    data = prefixed(asked.variables) if isinstance(asked, cmd.Dial) else {}
    face.telephones.dial(who.user.extension, asked.destination, data)


def _hang_up(face: XivoFace, who: Connection, asked: cmd.Hangup) -> None:
    face.telephones.hang_up(who.user.extension, asked.unique_id)


def _dial_from_mobile(face: XivoFace, who: Connection, asked: cmd.DialFromMobile) -> None:
    if not who.user.mobile:
        raise CannotDo("NoMobileNumber")
    data = prefixed(asked.variables)
    face.telephones.dial_from_mobile(who.user.mobile, asked.destination, data)


def _answer(face: XivoFace, who: Connection, asked: cmd.Answer) -> None:
    face.telephones.answer(who.user.extension, asked.unique_id)


def _transfer(face: XivoFace, who: Connection, asked: cmd.DirectTransfer) -> None:
    face.transfers.direct(who.user.extension, asked.destination)


def _begin_transfer(face: XivoFace, who: Connection, asked: cmd.AttendedTransfer) -> None:
    face.transfers.begin(who.user.extension, asked.destination)


def _complete_transfer(face: XivoFace, who: Connection, asked: cmd.CompleteTransfer) -> None:
    face.transfers.complete(who.user.extension)


def _cancel_transfer(face: XivoFace, who: Connection, asked: cmd.CancelTransfer) -> None:
    face.transfers.cancel(who.user.extension)


def _hold(face: XivoFace, who: Connection, asked: cmd.Hold) -> None:
    face.telephones.hold(who.user.extension, asked.unique_id)


def _set_data(face: XivoFace, who: Connection, asked: cmd.SetData) -> None:
    face.telephones.attach(who.user.extension, asked.variables)


def _current(face: XivoFace, who: Connection, asked: cmd.GetCurrentCallsPhoneEvents) -> None:
    calls = face.telephones.current.get(who.user.extension, {})
    face.tell(who, ev.CurrentCallsPhoneEvents(events=tuple(calls.values())))


def _dnd(face: XivoFace, who: Connection, asked: cmd.Dnd) -> None:
    who.user.dnd = asked.state
    _set_mode(face, who)


def _forward(kind: str) -> Does:
    def does(face: XivoFace, who: Connection, asked: cmd.NaFwd | cmd.UncFwd | cmd.BusyFwd) -> None:
        if asked.state:
            who.user.forwards[kind] = asked.destination
        else:
            who.user.forwards.pop(kind, None)
        _set_mode(face, who)

    return does


def _set_mode(face: XivoFace, who: Connection) -> None:
    user = face.pbx.user_by_extension(who.user.extension)
    if user is not None:
        diverts = "unc" in who.user.forwards
        user.mode = UserMode.divert if diverts else UserMode.normal
        if who.user.dnd:
            user.mode = UserMode.do_not_disturb
    face.forwarded(who.user)


def _status(face: XivoFace, who: Connection, asked: cmd.UserStatusUpdate) -> None:
    who.user.status = asked.status
    face.tell(who, ev.UserStatusUpdated(status=asked.status))


# -- callbacks -------------------------------------------------------------------------------------


def _start_callback(face: XivoFace, who: Connection, asked: cb.StartCallback) -> None:
    face.callbacks.start(asked.uuid, _agent_id(who, None))
    face.telephones.dial(who.user.extension, asked.number, {"USR_CALLBACK": asked.uuid})


def _callbacks(does: Callable[[XivoFace, Connection, Any], object]) -> Does:
    def done(face: XivoFace, who: Connection, asked: wire.Command) -> None:
        who.topics.add("callbacks")
        does(face, who, asked)

    return done


_DOES: dict[type[wire.Command], Does] = {
    **OFFICE,
    **MEMBERS,
    cmd.AgentLogin: _login,
    cmd.AgentLogout: _logout,
    cmd.PauseAgent: _pause,
    cmd.UnpauseAgent: _unpause,
    cmd.ListenAgent: _listen,
    cmd.MonitorPause: _monitor,
    cmd.MonitorUnpause: _monitor,
    cmd.GetList: _list,
    cmd.GetConfig: _list,
    cmd.GetAgentDirectory: _directory_of_agents,
    cmd.GetAgentStates: _watch_agents,
    cmd.SubscribeToAgentEvents: _watch_agents,
    cmd.SubscribeToAgentStats: _watch_agent_stats,
    cmd.SubscribeToQueueStats: _watch_queue_stats,
    cmd.SubscribeToQueueCalls: _watch_calls,
    cmd.UnSubscribeToQueueCalls: _ignore_calls,
    cmd.DialFromQueue: _dial_from_queue,
    cmd.Dial: _dial,
    cmd.DialFromMobile: _dial_from_mobile,
    cmd.Originate: _dial,
    cmd.Answer: _answer,
    cmd.Hangup: _hang_up,
    cmd.Hold: _hold,
    cmd.DirectTransfer: _transfer,
    cmd.AttendedTransfer: _begin_transfer,
    cmd.CompleteTransfer: _complete_transfer,
    cmd.CancelTransfer: _cancel_transfer,
    cmd.SetData: _set_data,
    cmd.GetCurrentCallsPhoneEvents: _current,
    cmd.Dnd: _dnd,
    cmd.NaFwd: _forward("na"),
    cmd.UncFwd: _forward("unc"),
    cmd.BusyFwd: _forward("busy"),
    cmd.UserStatusUpdate: _status,
    cb.GetCallbackLists: lambda face, who, _: face.callback_lists(who),
    cb.FindCallbackRequest: lambda face, who, asked: face.tell(who, face.callbacks.find(asked)),
    cb.GetCallbackPreferredPeriods: lambda face, who, _: face.tell(who, face.periods()),
    cb.TakeCallback: _callbacks(
        lambda face, who, asked: face.callbacks.take(asked.uuid, _agent_id(who, None))
    ),
    cb.ReleaseCallback: _callbacks(lambda face, who, asked: face.callbacks.release(asked.uuid)),
    cb.StartCallback: _callbacks(_start_callback),
    cb.UpdateCallbackTicket: _callbacks(lambda face, who, asked: face.callbacks.ticket(asked)),
}
"""Every command of the vendor's document, and those about groups of agents that its client sends.

What else later clients send is refused.
"""
