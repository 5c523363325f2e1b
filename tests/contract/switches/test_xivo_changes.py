"""Who works where, and how it is configured, changes under the eyes of those who asked for it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from offhook.simulator.config import make_users
from offhook.simulator.xivo_config import GroupSetup, QueueSetup, XivoConfig
from offhook.simulator.xivo_serve import XivoSimulator, running_xivo
from tests.contract.switches.test_xivo_vendor_client import Page, page

ANNA, BEN, CARL = 1101, 1102, 1103
CONFIG = XivoConfig(
    speed=25,
    users=make_users(3),
    queues=(
        QueueSetup(id=1, name="sales", members=("101", "102")),
        QueueSetup(id=2, name="service", members=("103",)),
    ),
    groups_of_agents=(
        GroupSetup(id=1, name="default"),
        GroupSetup(id=2, name="night", members=("102", "103")),
    ),
)
SUBSCRIBE = [
    {"command": "getList", "objectType": kind} for kind in ("queue", "agent", "queuemember")
]


@dataclass
class Office:
    """A supervisor, an administrator who changes things, and the simulator's own controls."""

    simulator: XivoSimulator
    admin: Page
    watcher: Page
    supervisor: Page

    async def seen(self, kind: str, by: Page) -> list[dict[str, Any]]:
        return [m["ctiMessage"] for m in await by.told_until_echo() if m["msgType"] == kind]

    async def moved(self) -> list[tuple[int, int, int]]:
        told = await self.seen("QueueMember", self.watcher)
        return [(m["agentId"], m["queueId"], m["penalty"]) for m in told]

    async def control(self, name: str, order: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"{self.simulator.control_url}/{name}", json=order) as answer,
        ):
            return answer.status, await answer.json()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with (
        running_xivo(CONFIG) as simulator,
        page(simulator, "admin") as admin,
        page(simulator, "agent201") as watcher,
        page(simulator, "supervisor") as supervisor,
    ):
        await admin.told_until_echo()
        for who in (watcher, supervisor):
            for command in SUBSCRIBE:
                await who.say(command)
        yield Office(simulator, admin, watcher, supervisor)


@pytest.mark.parametrize(
    ("command", "moved"),
    [
        ({"command": "setAgentQueue", "agentId": CARL, "queueId": 1, "penalty": 4}, [(CARL, 1, 4)]),
        ({"command": "removeAgentFromQueue", "agentId": BEN, "queueId": 1}, [(BEN, 1, -1)]),
        (
            {
                "command": "moveAgentsInGroup",
                "groupId": 2,
                "fromQueueId": 1,
                "fromPenalty": 0,
                "toQueueId": 2,
                "toPenalty": 5,
            },
            [(BEN, 2, 5), (BEN, 1, -1)],
        ),
        (
            {
                "command": "moveAgentsInGroup",
                "groupId": 2,
                "fromQueueId": 1,
                "fromPenalty": 0,
                "toQueueId": 1,
                "toPenalty": 5,
            },
            [(BEN, 1, 5)],
        ),
        (
            {
                "command": "addAgentsInGroup",
                "groupId": 2,
                "fromQueueId": 2,
                "fromPenalty": 0,
                "toQueueId": 1,
                "toPenalty": 3,
            },
            [(CARL, 1, 3)],
        ),
        (
            {
                "command": "removeAgentGroupFromQueueGroup",
                "groupId": 2,
                "queueId": 1,
                "penalty": 0,
            },
            [(BEN, 1, -1)],
        ),
        (
            {"command": "removeAgentGroupFromQueueGroup", "groupId": 2, "queueId": 1, "penalty": 9},
            [],
        ),
        (
            {"command": "addAgentsNotInQueueFromGroupTo", "groupId": 2, "queueId": 1, "penalty": 2},
            [(CARL, 1, 2)],
        ),
        ({"command": "setAgentQueue", "agentId": CARL, "queueId": 77, "penalty": 4}, []),
    ],
)
async def test_members_that_a_client_moves_are_told_to_those_who_asked(
    office: Office, command: dict[str, Any], moved: list[tuple[int, int, int]]
) -> None:
    told = await office.admin.say(command)
    mine = [m["ctiMessage"] for m in told if m["msgType"] == "QueueMember"]
    assert [m["msgType"] for m in told if m["msgType"] == "Error"] == []
    assert [(m["agentId"], m["queueId"], m["penalty"]) for m in mine] == moved
    assert await office.moved() == moved


async def test_member_that_is_moved_from_outside_is_told_with_the_queues_counters(
    office: Office,
) -> None:
    await office.watcher.say({"command": "subscribeToQueueStats"})
    assert (await office.control("members", {"agent_id": CARL, "queue_id": 1, "penalty": 6}))[
        0
    ] == 200
    told = await office.watcher.told_until_echo()
    assert [m["msgType"] for m in told] == ["QueueMember", "QueueStatistics"]
    counters = {c["statName"]: c["value"] for c in told[1]["ctiMessage"]["counters"]}
    assert (told[1]["ctiMessage"]["queueId"], counters["LoggedAgents"]) == (1, 3)
    await office.control("members", {"agent_id": CARL, "queue_id": 1})
    assert await office.moved() == [(CARL, 1, -1)]


async def test_supervisor_is_told_of_his_queues_and_groups_only(office: Office) -> None:
    for queue in (1, 2):
        await office.control("members", {"agent_id": ANNA, "queue_id": queue, "penalty": 3})
        await office.control("queues", {"id": queue, "display_name": f"Queue {queue}"})
    for agent in (ANNA, CARL):
        await office.control("agents", {"id": agent, "number": "9000"})
    told = await office.supervisor.told_until_echo()
    assert [(m["msgType"], m["ctiMessage"].get("id")) for m in told] == [
        ("QueueMember", None),
        ("QueueConfig", 1),
        ("AgentConfig", ANNA),
    ]


async def test_queue_that_is_configured_otherwise_is_told_and_listed_so(office: Office) -> None:
    await office.control("queues", {"id": 1, "display_name": "Sales by day", "number": "3055"})
    now = {
        "id": 1,
        "context": "default",
        "name": "sales",
        "displayName": "Sales by day",
        "number": "3055",
    }
    assert await office.seen("QueueConfig", office.watcher) == [now]
    (listed,) = await office.admin.say({"command": "getList", "objectType": "queue"})
    assert listed["ctiMessage"][0] == now


async def test_agent_who_changes_his_group_is_told_with_it(office: Office) -> None:
    await office.admin.say({"command": "setAgentGroup", "agentId": ANNA, "groupId": 2})
    (told,) = await office.seen("AgentConfig", office.watcher)
    assert (told["id"], told["groupId"], told["lastName"]) == (ANNA, 2, "001")
    await office.admin.say({"command": "setAgentGroup", "agentId": ANNA, "groupId": 77})
    assert await office.seen("AgentConfig", office.watcher) == []
    await office.control("agents", {"id": ANNA, "first_name": "Anna", "group_id": 1})
    (told,) = await office.seen("AgentConfig", office.watcher)
    assert (told["firstName"], told["groupId"]) == ("Anna", 1)


async def test_nobody_who_did_not_ask_is_told(office: Office) -> None:
    await office.admin.told_until_echo()
    await office.control("members", {"agent_id": CARL, "queue_id": 1, "penalty": 6})
    await office.control("agents", {"id": CARL, "number": "9000"})
    await office.control("queues", {"id": 1, "number": "9"})
    assert await office.admin.told_until_echo() == []


@pytest.mark.parametrize(
    ("name", "order", "error"),
    [
        ("members", {"agent_id": 9, "queue_id": 1, "penalty": 0}, "AgentUnknown"),
        ("members", {"agent_id": ANNA, "queue_id": 9, "penalty": 0}, "QueueUnknown"),
        ("agents", {"id": ANNA, "group_id": 9}, "GroupUnknown"),
        ("queues", {"id": 9}, "QueueUnknown"),
    ],
)
async def test_change_of_what_is_not_there_is_refused(
    office: Office, name: str, order: dict[str, Any], error: str
) -> None:
    assert await office.control(name, order) == (400, {"error": error})


async def test_call_that_waits_goes_to_the_agent_who_joins_its_queue(office: Office) -> None:
    for agent in (ANNA, BEN):
        await office.control("members", {"agent_id": agent, "queue_id": 1})
    await office.admin.say(
        {"command": "dialFromQueue", "destination": "0123456789", "queueId": 1, "variables": {}}
    )
    await office.watcher.told_until_echo()
    await office.control("members", {"agent_id": ANNA, "queue_id": 1, "penalty": 0})
    states: list[str] = []
    while not states:
        states = [m["name"] for m in await office.seen("AgentStateEvent", office.watcher)]
    assert states[0] == "AgentRinging"
