"""The XiVO adapter: calls placed from a queue, whose agent the switch picks.

A queue stands where other families have a trunk: its lines are its members who are at work, so that
no more calls are placed from it than it has agents. Telephones are each asked for their own calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from dialer.commands import Divert, HangUp, Join, ParkAgent, PlaceCall, PlayMessage, RecordCall
from dialer.events import CallEnded, SwitchEvent
from dialer.model import CallRef
from dialer.switching import (
    Accepted,
    AgentView,
    CallOver,
    CallPhase,
    CallView,
    Capabilities,
    RawEvent,
    SwitchError,
    SwitchRefused,
    SwitchSnapshot,
    TrunkView,
    Way,
)
from offhook.switches.base import CheckResult, Correlated
from offhook.switches.delivery import EventPath
from offhook.switches.dialled import dialled
from offhook.switches.inventory import Inventory, Seat
from offhook.switches.xivo import events, wire
from offhook.switches.xivo import wire_events as ev
from offhook.switches.xivo.check import check_link
from offhook.switches.xivo.client import XivoClient
from offhook.switches.xivo.past import HISTORY, Placement, Placements, began, outcome_of, waiting
from offhook.switches.xivo.session import Session
from offhook.switches.xivo.settings import XivoSettings
from offhook.switches.xivo.wire_commands import DialFromQueue

AT_WORK = frozenset(
    {
        ev.AgentStateName.ready,
        ev.AgentStateName.ringing,
        ev.AgentStateName.dialing,
        ev.AgentStateName.on_call,
        ev.AgentStateName.on_wrapup,
    }
)
BUSY = frozenset(
    {
        ev.AgentStateName.ringing,
        ev.AgentStateName.dialing,
        ev.AgentStateName.on_call,
    }
)
_INTERNAL = "__"
"""How the names of queues begin that XiVO keeps for itself."""


class UntranslatableEvent(ValueError):
    """An event of this PBX can't be read; it stays in the inbox, and the dial loop counts it."""

    code = "xivo_untranslatable_event"


class XivoSwitch:
    """One XiVO as `SwitchAdapter`."""

    def __init__(
        self,
        settings: XivoSettings,
        *,
        link: str = "xivo",
        client: XivoClient | None = None,
        event_path: EventPath | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._link = link
        self._placements = Placements(clock)
        self._client = client or XivoClient(settings, link)
        self._event_path = event_path

    @property
    def client(self) -> XivoClient:
        """Everything else that xuc can do."""
        return self._client

    @property
    def capabilities(self) -> Capabilities:
        """Queue first: nobody is held or joined by us, and there is no message."""
        return Capabilities(
            way=Way.queue_first,
            parks_agents=False,
            plays_message=False,
            cancels_ringing=True,
            limits_ringing=False,
            detects_machines=False,
            lists_calls=True,
        )

    async def place(self, command: PlaceCall) -> Accepted:
        """Have a free agent of the queue called, then the customer."""
        settings = self._settings
        if not command.trunk_address.isdecimal():
            raise SwitchRefused(
                f"link {self._link}: {command.trunk_address[:40]!r} is no queue id; import the "
                "queues with `offhook switch add --replace`"
            )
        number = dialled(
            command.number,
            number_format=settings.number_format,
            region=settings.region,
            prefix=settings.dial_prefix,
        )
        queue_id = int(command.trunk_address)
        caller = (settings.caller_name, command.caller_id or settings.caller_number)
        self._placements.asked(command.attempt_id, number, queue_id, caller)
        await self._client.dial_from_queue(
            DialFromQueue(
                destination=number,
                queue_id=queue_id,
                caller_id_name=caller[0],
                caller_id_number=caller[1],
                variables={events.CORRELATOR: command.attempt_id},
            )
        )
        return Accepted()

    async def park(self, command: ParkAgent) -> Accepted:
        """Refused: the switch calls agents when it has a call for them."""
        raise self._cannot("park an agent")

    async def join(self, command: Join) -> Accepted:
        """Refused: the switch joins them."""
        raise self._cannot("join a customer and an agent")

    async def divert(self, command: Divert) -> Accepted:
        """Refused: the switch picks the agent."""
        raise self._cannot("divert a customer to an agent")

    async def play_message(self, command: PlayMessage) -> Accepted:
        """Refused: a customer who answers has an agent on the line."""
        raise self._cannot("play a message")

    async def hang_up(self, command: HangUp) -> Accepted:
        """End the call at the agent's telephone that has it, and only that call."""
        hint = command.call.leg if command.call else ""
        near = [s for s in self._sessions() if hint and _agent_of(s) == hint]
        far = [s for s in self._sessions() if s not in near]
        for sessions in (near, far):
            for session, calls in await self._calls(sessions):
                for event in calls:
                    if events.correlator_of(event) == command.correlator:
                        await self._client.hang_up(session, event.unique_id)
                        return Accepted()
        raise SwitchRefused(
            f"link {self._link} has no call named {command.correlator}; it is over already"
        )

    async def record_call(self, command: RecordCall) -> Accepted:
        """Refused: xuc records by the queue's own settings, not by command."""
        raise SwitchRefused(
            f"link {self._link} does not record by command ({command.correlator}); "
            "set recording on the XiVO"
        )

    async def snapshot(self) -> SwitchSnapshot:
        """Our calls at every telephone, what became of others, the agents and the queues."""
        found, agents, trunks = await asyncio.gather(
            self._calls(self._sessions()), self._client.agents(), self._trunks()
        )
        states = {row.agent.id: row.agent_state.state for row in agents}
        calls = [
            self._call_view(session, event)
            for session, events_of_it in found
            for event in events_of_it
            if events.correlator_of(event)
        ]
        missing = self._placements.missing({view.correlator for view in calls})
        queued = await self._queued(missing)
        gone = [placement for placement in missing if placement not in queued]
        return SwitchSnapshot(
            calls=(*calls, *map(_queued_view, queued)),
            over=tuple(await self._over(gone)),
            agents=tuple(
                AgentView(
                    address=str(agent_id),
                    reachable=state in AT_WORK and state != ev.AgentStateName.on_wrapup,
                    busy=state in BUSY,
                )
                for agent_id, state in states.items()
            ),
            trunks=tuple(trunks(states)),
        )

    async def inventory(self) -> Inventory:
        """The agents and queues, to import."""
        agents, trunks = await asyncio.gather(self._client.agents(), self._trunks())
        states = {row.agent.id: row.agent_state.state for row in agents}
        return Inventory(seats=tuple(_seat(row) for row in agents), trunks=tuple(trunks(states)))

    def translate(self, raw: RawEvent) -> Sequence[SwitchEvent]:
        """Say what a vendor event means; `UntranslatableEvent` when it can't be read."""
        try:
            found = events.translate(raw.payload, self._settings.answer_sign, at=raw.received_at)
        except wire.WireError as error:
            raise UntranslatableEvent(str(error)) from error
        for event in found:
            if isinstance(event, CallEnded):
                self._placements.over(event.correlator)
        return found

    def file(self, payload: dict[str, str]) -> Correlated:
        """Name an event by its attempt and step."""
        return events.name(payload)

    async def check(self) -> Sequence[CheckResult]:
        """Look at the address, users, clock, rights, queues, agents and event path."""
        return await check_link(self._client, self._settings, self._event_path)

    async def aclose(self) -> None:
        """Log every user off."""
        await self._client.aclose()

    def _cannot(self, what: str) -> SwitchRefused:
        return SwitchRefused(
            f"link {self._link}: XiVO can't {what} for us; its queues pick the agent before the "
            "customer is dialed"
        )

    def _sessions(self) -> tuple[Session, ...]:
        """Users whom xuc lets in; `switch check` names the others."""
        return tuple(session for session in self._client.sessions if not session.refused)

    async def _calls(
        self, sessions: Sequence[Session]
    ) -> list[tuple[Session, Sequence[ev.PhoneEvent]]]:
        """The calls at these users' telephones; one who is refused now has none that we may see."""

        async def calls(session: Session) -> Sequence[ev.PhoneEvent]:
            try:
                return await self._client.current_calls(session)
            except SwitchRefused:
                if session is self._client.main:
                    raise
                return ()

        found = await asyncio.gather(*(calls(session) for session in sessions))
        return list(zip(sessions, found, strict=True))

    async def _queued(self, missing: Sequence[Placement]) -> list[Placement]:
        """Those that may wait in their queue for an agent."""
        found: list[Placement] = []
        for queue_id in sorted({placement.queue_id for placement in missing}):
            with suppress(SwitchError):
                calls = await self._client.queue_calls(queue_id)
                found += waiting([p for p in missing if p.queue_id == queue_id], calls)
        return found

    async def _over(self, gone: Sequence[Placement]) -> list[CallOver]:
        """Those that the telephones' histories have."""
        if not gone:
            return []
        sessions = [s for s in self._sessions() if s is not self._client.main]
        told = await asyncio.gather(
            *(self._client.history(session, HISTORY) for session in sessions),
            return_exceptions=True,
        )
        calls = [call for one in told if not isinstance(one, BaseException) for call in one]
        zone = self._settings.time_zone
        found = ((p, outcome_of(p.destination, began(p), calls, zone)) for p in gone)
        return [CallOver(correlator=p.correlator, outcome=o) for p, o in found if o is not None]

    async def _trunks(self) -> _Trunks:
        queues, members = await asyncio.gather(self._client.queues(), self._client.members())
        return _Trunks(queues, members)

    def _call_view(self, session: Session, event: ev.PhoneEvent) -> CallView:
        address = _agent_of(session)
        together = events.joined(event, self._settings.answer_sign)
        return CallView(
            correlator=events.correlator_of(event),
            call=events.call_ref(event, address),
            phase=CallPhase.joined if together else CallPhase.calling,
            address=address,
        )


class _Trunks:
    """Queues as trunks, once agents' states are known."""

    def __init__(self, queues: Sequence[ev.QueueConfig], members: Sequence[ev.QueueMember]) -> None:
        self._queues = queues
        self._members = members

    def __call__(self, states: dict[int, str]) -> list[TrunkView]:
        return [
            self._view(queue, states)
            for queue in self._queues
            if not queue.queue_name.startswith(_INTERNAL)
        ]

    def _view(self, queue: ev.QueueConfig, states: dict[int, str]) -> TrunkView:
        at_work = [
            state
            for member in self._members
            if member.queue_id == queue.id and member.penalty >= 0
            if (state := states.get(member.agent_id, "")) in AT_WORK
        ]
        return TrunkView(
            address=str(queue.id),
            name=queue.display_name or queue.queue_name,
            lines=len(at_work),
            busy_lines=sum(state in BUSY for state in at_work),
            enabled=True,
        )


def _queued_view(placement: Placement) -> CallView:
    """A call of which only its queue knows, yet without a name."""
    return CallView(
        correlator=placement.correlator, call=CallRef(call_id=""), phase=CallPhase.calling
    )


def _agent_of(session: Session) -> str:
    agent = session.user.agent_id if session.user else None
    return "" if agent is None else str(agent)


def _seat(row: ev.DirectoryAgent) -> Seat:
    agent = row.agent
    return Seat(
        address=str(agent.id),
        number=agent.number,
        name=" ".join(part for part in (agent.first_name, agent.last_name) if part),
        reachable=row.agent_state.state in AT_WORK,
    )
