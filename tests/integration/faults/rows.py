"""The table of faults: what goes wrong, what the campaign may lose by it, and what must show."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from dialer.outcomes import Outcome
from offhook.simulator.faults import Fault
from offhook.simulator.model import Entity, EntityKind
from tests.support.fault_floor import FaultFloor, Told, make_settings

DIAL, JOIN, MESSAGE, LIST = (
    "call_request_ext",
    "call_transfer_ext",
    "call_divert_ext",
    "get_current_calls",
)
Meddle = Callable[[FaultFloor], Coroutine[None, None, None]]
Proof = Callable[[Told], bool]


def struck(told: Told) -> bool:
    """The fault happened at all."""
    return sum(told.struck.values()) > 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One way to fail."""

    name: str
    faults: Sequence[Fault] = ()
    meddle: Meddle | None = None
    """What is done to the floor while the campaign runs."""
    strands: int = 0
    """How many people the fault itself leaves without the message, at most."""
    blurs: frozenset[Outcome] = frozenset()
    """What offhook may say of a call where the PBX knows better."""
    proof: Proof = struck
    """What shows that the fault struck, and was seen."""
    floor: Mapping[str, object] = field(default_factory=dict)

    @property
    def contacts(self) -> int:
        """How many people the campaign calls."""
        return int(str(self.floor.get("contacts", 12)))


def fault(kind: str, **more: object) -> Fault:
    """A fault that waits for its turn."""
    return Fault.model_validate({"kind": kind, **more})


async def later(floor: FaultFloor) -> None:
    """Let the campaign get into full swing."""
    calls = floor.simulator.face.pbx.recorder.calls
    while sum(record.joined_at is not None for record in calls.values()) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


# -- things that happen to a running PBX -----------------------------------------------------------


async def restart(floor: FaultFloor) -> None:
    """The power fails for a second."""
    await later(floor)
    floor.simulator.restart(1.0)


async def lose_hold_ivr(floor: FaultFloor) -> None:
    """Somebody deletes the IVR on which agents wait, and notices it."""
    await later(floor)
    ivr = floor.simulator.face.pbx.ivrs.pop("2")
    await asyncio.sleep(1.5)
    floor.simulator.face.pbx.ivrs["2"] = ivr


async def lose_reception_ivr(floor: FaultFloor) -> None:
    """Somebody deletes the IVR on which customers wait."""
    await later(floor)
    del floor.simulator.face.pbx.ivrs["1"]


async def lose_message_ivr(floor: FaultFloor) -> None:
    """Somebody deletes the message before it was ever played."""
    del floor.simulator.face.pbx.ivrs["3"]


async def lose_gateway(floor: FaultFloor) -> None:
    """The gateway is taken away for good."""
    await later(floor)
    del floor.simulator.face.pbx.gateways["1"]


async def kill_phone(floor: FaultFloor) -> None:
    """An agent's telephone stops answering."""
    await later(floor)
    floor.simulator.face.pbx.users["101"].phone_dead = True


async def darkness(floor: FaultFloor) -> None:
    """No event arrives for three seconds."""
    await later(floor)
    floor.simulator.faults.add(fault("event_drop"))
    await asyncio.sleep(3)
    floor.simulator.faults.clear()


async def strangers_call(floor: FaultFloor) -> None:
    """Calls come in that no campaign knows."""
    for number in range(5):
        floor.simulator.face.pbx.inbound(
            f"0733{number:04}", gateway="1", called=Entity(EntityKind.ivr, "1"), called_number="1"
        )
        await asyncio.sleep(0.2)


async def tell_of_nobody(floor: FaultFloor) -> None:
    """Events of attempts that never were, ours and somebody else's, and one of no sense."""
    await later(floor)
    hook = floor.simulator.senders[0].url
    async with httpx.AsyncClient(trust_env=False) as client:
        for extid in ("c1-1-9999", "c1-7-3", "c1-1-p999", "other-1-1", "c1-", "\u2603"):
            for name in ("call_out", "call_response", "call_transfer", "call_terminated"):
                params = {"event_name": name, "call_id": "777", "extid": extid, "outcome": "1"}
                reply = await client.get(hook, params=params)
                assert reply.status_code == 200
        reply = await client.get(hook, params={"event": "many", "event_type": "-", "x": "\x00"})
        assert reply.status_code == 200


# -- the table -------------------------------------------------------------------------------------

NEVER_DONE = ("status_500", "html", "hang", "reset", "refuse")
DONE = ("half_reply", "act_then_timeout", "wrong_encoding")
NOBODY_JOINED = fault("refuse", service=JOIN)
"""So that everybody who answers is to hear the message."""
_NEVER: Mapping[str, object] = {"delay": None}
PERSISTENT = make_settings(
    retry={
        "max_attempts": 90,
        "failed": {"delay": timedelta(seconds=0.5)},
        **dict.fromkeys(("busy", "rejected", "unavailable", "abandoned", "unknown"), _NEVER),
    }
)
ONE_LINE: Mapping[str, object] = {
    "lines": 1, "promised": 30, "settings": PERSISTENT, "contacts": 4, "agents": 2,
}  # fmt: skip


def served(told: Told) -> bool:
    """Somebody was reached."""
    return told.count(Outcome.answered) > 0


def some_failed(told: Told) -> bool:
    """Some calls were reached, and some could not be made."""
    return served(told) and told.count(Outcome.failed) > 0


SERVICES = [
    Row(name=f"{kind}-{name}", faults=[fault(kind, service=name, probability=0.3, next=6)])
    for name in (DIAL, JOIN)
    for kind in (*NEVER_DONE, *DONE)
]
LISTS = [
    Row(
        name=f"{kind}-{LIST}", faults=[fault(kind, service=LIST, next=2 if kind == "refuse" else 4)]
    )
    for kind in (*NEVER_DONE, *DONE)
]
MESSAGES = [
    Row(
        name=f"{kind}-{MESSAGE}",
        faults=[NOBODY_JOINED, fault(kind, service=MESSAGE, next=1)],
        strands=1,
        floor={"contacts": 4},
    )
    for kind in ("status_500", "act_then_timeout", "wrong_encoding", "fail_command")
]
LATE_FAILURES = [
    Row(name=f"fail_command-{name}", faults=[fault("fail_command", service=name, next=3)])
    for name in (DIAL, JOIN)
]
EVENTS = [
    Row(name="events-duplicated", faults=[fault("event_duplicate")]),
    Row(name="events-reordered", faults=[fault("event_reorder", probability=0.3)]),
    Row(name="events-late", faults=[fault("event_delay", probability=0.3, delay_s=0.8)]),
    Row(
        name="events-lost-now-and-then",
        faults=[fault("event_drop", probability=0.1)],
        blurs=frozenset({Outcome.unknown, Outcome.abandoned}),
    ),
    Row(
        name="events-lost-for-three-seconds",
        meddle=darkness,
        blurs=frozenset({Outcome.unknown, Outcome.abandoned}),
    ),
    Row(
        name="joins-never-told",
        faults=[fault("event_drop", event="call_transfer")],
    ),
    Row(
        name="joins-told-after-the-end",
        faults=[
            fault("event_drop", event="disconnect_in"),
            fault("event_drop", event="disconnect_out"),
            fault("event_delay", event="call_transfer", delay_s=0.7),
        ],
    ),
    Row(
        name="unknown-calls",
        meddle=strangers_call,
        proof=lambda told: sum(number.startswith("0733") for number in told.numbers) == 5,
    ),
    Row(
        name="unknown-extids",
        meddle=tell_of_nobody,
        proof=lambda told: told.oddities.get("unknown_call", 0) == 4,
    ),
]
PLANT = [
    Row(
        name="pbx-restarted",
        meddle=restart,
        proof=lambda told: bool(told.cut),
    ),
    Row(
        name="lines-fewer-than-promised",
        floor=ONE_LINE,
        proof=some_failed,
    ),
    Row(
        name="no-line-told-as-an-outcome",
        floor={**ONE_LINE, "no_lines_as": "outcome"},
        proof=some_failed,
    ),
    Row(
        name="agents-phone-dead",
        meddle=kill_phone,
        proof=served,
        floor={"agents": 2},
    ),
    Row(
        name="hold-ivr-gone-for-a-while",
        meddle=lose_hold_ivr,
        proof=served,
    ),
    Row(
        name="reception-ivr-gone",
        meddle=lose_reception_ivr,
        proof=some_failed,
    ),
    Row(
        name="message-ivr-gone",
        faults=[NOBODY_JOINED],
        meddle=lose_message_ivr,
        strands=6,
        proof=lambda told: told.count(Outcome.abandoned) > 0,
        floor={"contacts": 4},
    ),
    Row(
        name="gateway-gone",
        meddle=lose_gateway,
        proof=some_failed,
    ),
]  # fmt: skip
ROWS = [*SERVICES, *LISTS, *MESSAGES, *LATE_FAILURES, *EVENTS, *PLANT]
