"""Who works where in a simulated XiVO, changed by its clients or from outside.

Whoever changes it, every client that asked for the list is told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from offhook.simulator.xivo import Connection, XivoFace
from offhook.simulator.xivo_agents import AgentRow
from offhook.simulator.xivo_office import Does
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo import wire_groups as groups

# -- by clients ------------------------------------------------------------------------------------


def _set_penalty(face: XivoFace, who: Connection, asked: cmd.SetAgentQueue) -> None:
    who.topics.add("members")
    face.acd.set_penalty(asked.agent_id, asked.queue_id, asked.penalty)


def _leave(face: XivoFace, who: Connection, asked: cmd.RemoveAgentFromQueue) -> None:
    who.topics.add("members")
    face.acd.leave(asked.agent_id, asked.queue_id)


def _regroup(face: XivoFace, who: Connection, asked: groups.SetAgentGroup) -> None:
    face.acd.set_group(asked.agent_id, asked.group_id)


def _with_penalty(face: XivoFace, group: int, queue_id: int, penalty: int) -> list[AgentRow]:
    rows = face.acd.agents.values()
    held = face.acd.penalties
    return [row for row in rows if row.group == group and held.get((row.id, queue_id)) == penalty]


def _move(
    face: XivoFace, who: Connection, asked: groups.MoveAgentsInGroup | groups.AddAgentsInGroup
) -> None:
    who.topics.add("members")
    if asked.to_queue_id not in face.acd.queues:
        return
    leaves = isinstance(asked, groups.MoveAgentsInGroup)
    for row in _with_penalty(face, asked.group_id, asked.from_queue_id, asked.from_penalty):
        face.acd.set_penalty(row.id, asked.to_queue_id, asked.to_penalty)
        if leaves and asked.from_queue_id != asked.to_queue_id:
            face.acd.leave(row.id, asked.from_queue_id)


def _remove(face: XivoFace, who: Connection, asked: groups.RemoveAgentGroupFromQueueGroup) -> None:
    who.topics.add("members")
    for row in _with_penalty(face, asked.group_id, asked.queue_id, asked.penalty):
        face.acd.leave(row.id, asked.queue_id)


def _fill(face: XivoFace, who: Connection, asked: groups.AddAgentsNotInQueueFromGroupTo) -> None:
    who.topics.add("members")
    for row in face.acd.agents.values():
        if row.group == asked.group_id and (row.id, asked.queue_id) not in face.acd.penalties:
            face.acd.set_penalty(row.id, asked.queue_id, asked.penalty)


MEMBERS: dict[type[wire.Command], Does] = {
    cmd.SetAgentQueue: _set_penalty,
    cmd.RemoveAgentFromQueue: _leave,
    groups.SetAgentGroup: _regroup,
    groups.MoveAgentsInGroup: _move,
    groups.AddAgentsInGroup: _move,
    groups.RemoveAgentGroupFromQueueGroup: _remove,
    groups.AddAgentsNotInQueueFromGroupTo: _fill,
}


# -- from outside ----------------------------------------------------------------------------------


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MemberOrder(_Order):
    """An agent works in a queue from now on; without a penalty, no longer."""

    agent_id: int
    queue_id: int
    penalty: Annotated[int, Field(ge=0)] | None = None


class AgentOrder(_Order):
    """An agent is configured otherwise; what isn't given stays."""

    id: int
    first_name: str | None = None
    last_name: str | None = None
    number: str | None = None
    group_id: int | None = None


class QueueOrder(_Order):
    """A queue is configured otherwise; what isn't given stays."""

    id: int
    name: str | None = None
    display_name: str | None = None
    number: str | None = None


def member_controls(
    face: Callable[[], XivoFace],
) -> Mapping[tuple[str, str], Callable[[web.BaseRequest], Awaitable[Any]]]:
    """Controls that change who works where, and how agents and queues are configured."""

    async def members(request: web.BaseRequest) -> object:
        order, acd = MemberOrder.model_validate_json(await request.read()), face().acd
        acd.agent(order.agent_id)
        acd.queue(order.queue_id)
        if order.penalty is None:
            acd.leave(order.agent_id, order.queue_id)
        else:
            acd.set_penalty(order.agent_id, order.queue_id, order.penalty)
        return {"members": len(acd.penalties)}

    async def agents(request: web.BaseRequest) -> object:
        order = AgentOrder.model_validate_json(await request.read())
        row = face().acd.configure_agent(
            order.id,
            name=order.first_name,
            surname=order.last_name,
            number=order.number,
            group=order.group_id,
        )
        return {"agent": row.id}

    async def queues(request: web.BaseRequest) -> object:
        order = QueueOrder.model_validate_json(await request.read())
        given = order.model_dump(exclude_none=True)
        return {"queue": face().acd.configure_queue(order.id, given).id}

    return {
        ("POST", "members"): members,
        ("POST", "agents"): agents,
        ("POST", "queues"): queues,
    }
