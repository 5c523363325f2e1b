"""What a telephone tells while its user is being brought up to date after a broken connection."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from pydantic import SecretStr

from dialer.events import CallEnded, CallJoined, SwitchEvent
from dialer.outcomes import Outcome
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo.events import CORRELATOR, translate
from offhook.switches.xivo.settings import AnswerSign, XivoSettings
from offhook.switches.xivo.stream import XivoStream
from offhook.switches.xivo.wire_events import CurrentCallsPhoneEvents, PhoneEvent
from offhook.switches.xivo.wire_office import CallHistory, HistoryCall

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SETTINGS = XivoSettings(
    base_url="http://xivo.example", login="admin", password=SecretStr("x"), time_zone="UTC"
)


def step(kind: str, attempt: str = "a-1", direction: str = "Outgoing") -> PhoneEvent:
    return PhoneEvent(
        event_type=f"Event{kind}",
        dn="201",
        other_dn="0611111111",
        linked_id=f"{int(NOON.timestamp())}.1",
        unique_id=f"{int(NOON.timestamp())}.2",
        call_direction=direction,
        user_data={CORRELATOR: attempt},
    )


@dataclass
class Telephone:
    """A user's session, whose answers and interruptions are given."""

    stream: XivoStream
    calls: Sequence[PhoneEvent] = ()
    history: Sequence[HistoryCall] = ()
    meanwhile: dict[type[wire.Command], Sequence[PhoneEvent]] = field(default_factory=dict)
    """What the telephone tells once the answer to a question is on its way."""
    breaks: bool = False
    connections: int = 1
    account: Any = field(default_factory=lambda: SimpleNamespace(login="agent201"))
    user: Any = field(default_factory=lambda: SimpleNamespace(agent_id=1101))

    def tells(self, *events: PhoneEvent) -> None:
        for event in events:
            self.stream._heard(self, event)  # type: ignore[arg-type]  # all that is asked of it

    async def ask(self, question: wire.Command, kind: type[wire.Event]) -> wire.Event:
        self.tells(*self.meanwhile.get(type(question), ()))
        await asyncio.sleep(0)
        if self.breaks:
            raise ConnectionResetError
        if isinstance(question, cmd.GetUserCallHistory):
            return CallHistory(calls=tuple(self.history))
        return CurrentCallsPhoneEvents(events=tuple(self.calls))

    async def connects(self) -> None:
        await self.stream._resynchronise(self)  # type: ignore[arg-type]  # all that is asked of it

    def arrived(self) -> list[SwitchEvent]:
        """What the inbox makes of what came: each step once."""
        named: dict[str, dict[str, str]] = {}
        while not self.stream._arrived.empty():
            one = self.stream._arrived.get_nowait()
            named.setdefault(one.named.dedup_key, dict(one.payload))
        return [e for p in named.values() for e in translate(p, AnswerSign.outgoing, at=NOON)]


def a_telephone(**given: Any) -> Telephone:
    return Telephone(XivoStream(SETTINGS, link="l"), **given)


def ends(events: Sequence[SwitchEvent]) -> list[tuple[str, Outcome | None]]:
    return [(e.correlator, e.outcome) for e in events if isinstance(e, CallEnded)]


ANSWERED = HistoryCall(
    start=f"{NOON:%Y-%m-%d %H:%M:%S}",
    duration="00:00:04",
    destination_number="0611111111",
    status="answered",
)


async def test_answer_told_while_the_history_is_asked_is_not_undone_by_an_older_list() -> None:
    phone = a_telephone()
    await phone.connects()
    phone.tells(step("Dialing", "a-1"), step("Dialing", "a-2"))
    phone.connections, phone.calls = 2, [step("Dialing", "a-1")]
    phone.meanwhile = {cmd.GetUserCallHistory: [step("Established", "a-1")]}
    await phone.connects()
    phone.tells(step("Released", "a-1"))
    events = phone.arrived()
    assert ends(events) == [("a-2", Outcome.no_answer), ("a-1", Outcome.answered)]
    assert [e.correlator for e in events if isinstance(e, CallJoined)] == ["a-1"]


async def test_end_told_before_the_list_counts_as_answered_by_the_history() -> None:
    phone = a_telephone(history=[ANSWERED])
    await phone.connects()
    phone.tells(step("Dialing"))
    phone.connections = 2
    phone.tells(step("Released"))
    await phone.connects()
    events = phone.arrived()
    assert ends(events) == [("a-1", Outcome.answered)]
    assert sum(isinstance(event, CallJoined) for event in events) == 1


async def test_what_was_held_when_a_connection_broke_again_is_told_after_the_next() -> None:
    phone = a_telephone(history=[ANSWERED], breaks=True)
    phone.meanwhile = {cmd.GetCurrentCallsPhoneEvents: [step("Dialing"), step("Released")]}
    try:
        await phone.connects()
    except ConnectionResetError:
        assert phone.arrived() == []
    phone.connections, phone.breaks, phone.meanwhile = 2, False, {}
    await phone.connects()
    assert ends(phone.arrived()) == [("a-1", Outcome.answered)]


async def test_call_that_begins_after_the_list_is_told_as_it_goes() -> None:
    phone = a_telephone()
    begins = [step("Ringing", direction="Incoming"), step("Dialing"), step("Established")]
    phone.meanwhile = {cmd.GetCurrentCallsPhoneEvents: begins}
    await phone.connects()
    events = phone.arrived()
    assert [type(event).__name__ for event in events] == [
        "CallStarted",
        "CallRinging",
        "CallJoined",
    ]
