"""Commands about groups of agents: the vendor's client sends them, its document lacks them."""

from __future__ import annotations

from typing import ClassVar

from offhook.switches.xivo.wire import Command, register_commands


class SetAgentGroup(Command):
    """Put an agent into a group, and so out of the one that he was in."""

    name: ClassVar[str] = "setAgentGroup"
    agent_id: int
    group_id: int


class _BetweenQueues(Command):
    group_id: int
    from_queue_id: int
    from_penalty: int
    to_queue_id: int
    to_penalty: int


class MoveAgentsInGroup(_BetweenQueues):
    """Move those of a group who work in a queue with a penalty to another, or another penalty."""

    name: ClassVar[str] = "moveAgentsInGroup"


class AddAgentsInGroup(_BetweenQueues):
    """Have them work in the other queue too."""

    name: ClassVar[str] = "addAgentsInGroup"


class _InQueue(Command):
    group_id: int
    queue_id: int
    penalty: int


class RemoveAgentGroupFromQueueGroup(_InQueue):
    """Take those of a group who work in a queue with a penalty off it."""

    name: ClassVar[str] = "removeAgentGroupFromQueueGroup"


class AddAgentsNotInQueueFromGroupTo(_InQueue):
    """Have those of a group who don't work in a queue do so, with a penalty."""

    name: ClassVar[str] = "addAgentsNotInQueueFromGroupTo"


register_commands(
    *(SetAgentGroup, MoveAgentsInGroup, AddAgentsInGroup, RemoveAgentGroupFromQueueGroup),
    AddAgentsNotInQueueFromGroupTo,
)
