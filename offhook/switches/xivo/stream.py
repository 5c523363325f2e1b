"""xuc's events for the links: what agents' telephones do with calls of ours.

Every user's session heals by itself. After each connection it asks for the calls of its telephone:
those that go on are told as their last event, and those that are gone as released, so that a step
missed while a connection was broken is told late but told. Of one that is gone and had not been
answered before, the telephone's history says whether it was. A step that is told twice has the
same name in the inbox, and is kept once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Mapping, Sequence
from contextlib import asynccontextmanager

from dialer.outcomes import Outcome
from dialer.switching import SwitchRefused, SwitchUnavailable
from offhook.switches.base import Arrived
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_commands as cmd
from offhook.switches.xivo.client import XivoClient
from offhook.switches.xivo.events import (
    CallMemory,
    Seen,
    begun_at,
    correlator_of,
    joined,
    name,
    stored,
)
from offhook.switches.xivo.past import HISTORY, outcome_of
from offhook.switches.xivo.session import Session
from offhook.switches.xivo.settings import XivoSettings
from offhook.switches.xivo.wire_events import (
    CurrentCallsPhoneEvents,
    Direction,
    PhoneEvent,
    PhoneEventType,
)
from offhook.switches.xivo.wire_office import CallHistory

_LOOK_S = 0.5
"""Between looks whether the main session is still there, while nothing comes."""


class XivoStream:
    """One link's events as `EventStream`."""

    def __init__(self, settings: XivoSettings, *, link: str) -> None:
        self._settings = settings
        self._link = link
        self._memory = CallMemory()
        self._arrived: asyncio.Queue[Arrived] = asyncio.Queue()
        self._in_step: dict[str, int] = {}
        """User -> the connection on which he was brought up to date."""
        self._held: dict[str, list[tuple[int, PhoneEvent]]] = {}
        """User -> what his telephone told since then, and on which connection."""

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncIterator[Arrived]]:
        """Log every user in; fails unless the one that dials is let in."""
        client = XivoClient(
            self._settings, self._link, on_event=self._heard, on_open=self._resynchronise
        )
        try:
            for session in client.sessions:
                session.start()
            await client.main.tell(cmd.SubscribeToAgentEvents())
            yield self._events(client)
        finally:
            await client.aclose()

    async def _events(self, client: XivoClient) -> AsyncIterator[Arrived]:
        loop = asyncio.get_running_loop()
        open_at = loop.time()
        patience = 2 * self._settings.connect_timeout.total_seconds()
        while True:
            try:
                async with asyncio.timeout(_LOOK_S):
                    arrived = await self._arrived.get()
            except TimeoutError:
                if client.main.open:
                    open_at = loop.time()
                elif loop.time() - open_at > patience:
                    raise SwitchUnavailable(
                        f"link {self._link}: no connection to xuc for {patience:.0f} s; "
                        "look whether it runs"
                    ) from None
                continue
            yield arrived

    def _heard(self, session: Session, event: wire.Event) -> None:
        if not isinstance(event, PhoneEvent) or not correlator_of(event):
            return
        login, number = session.account.login, session.connections
        if self._in_step.get(login) == number:
            self._tell(session, event)
        else:
            self._held.setdefault(login, []).append((number, event))

    def _tell(self, session: Session, event: PhoneEvent) -> None:
        agent = session.user.agent_id if session.user else None
        seen = Seen(session.account.login, event, "" if agent is None else str(agent))
        payload = stored(seen, self._memory.next(seen))
        self._arrived.put_nowait(Arrived(payload=payload, named=name(payload)))

    async def _resynchronise(self, session: Session) -> None:
        """Tell what a telephone's calls are now, and which of those known are gone.

        What it tells meanwhile is held: an event means what it does by the one before it, and that
        may be the step that was missed.
        """
        login, number = session.account.login, session.connections
        self._tell_leftovers(session)
        known = {correlator_of(seen.event): seen.event for seen in self._memory.at(login)}
        reply = await session.ask(cmd.GetCurrentCallsPhoneEvents(), CurrentCallsPhoneEvents)
        going_on = {correlator_of(event) for event in reply.events}
        gone = {key: event for key, event in known.items() if key not in going_on}
        gone |= {
            correlator_of(event): event
            for _, event in self._held.get(login, ())
            if correlator_of(event) in gone and event.event_type != PhoneEventType.released
        }
        answered = await self._answered(session, list(gone.values()))
        held = [event for _, event in self._held.pop(login, ())]
        self._in_step[login] = number
        for event in held:
            if correlator_of(event) in gone and event.event_type != PhoneEventType.released:
                self._tell(session, event)
        self._tell_gone(session, gone, answered)
        for event in (*reply.events, *held):
            if correlator_of(event) and correlator_of(event) not in gone:
                self._tell(session, event)

    def _tell_leftovers(self, session: Session) -> None:
        """Tell what was held on a connection that broke; ends are found out once more."""
        held, number = self._held.pop(session.account.login, []), session.connections
        for heard_on, event in held:
            if heard_on != number and event.event_type != PhoneEventType.released:
                self._tell(session, event)
        self._held[session.account.login] = [one for one in held if one[0] == number]

    def _tell_gone(
        self, session: Session, gone: Mapping[str, PhoneEvent], answered: Container[str]
    ) -> None:
        for correlator, event in gone.items():
            if correlator in answered:
                talked = {
                    "event_type": PhoneEventType.established.value,
                    "call_direction": Direction.outgoing.value,
                }
                event = event.model_copy(update=talked)
                self._tell(session, event)
            released = {"event_type": PhoneEventType.released.value}
            self._tell(session, event.model_copy(update=released))

    async def _answered(self, session: Session, gone: Sequence[PhoneEvent]) -> set[str]:
        """Which of these calls were answered unheard, as far as the telephone's history tells."""
        sign, zone = self._settings.answer_sign, self._settings.time_zone
        unheard = [event for event in gone if not joined(event, sign)]
        if not unheard:
            return set()
        try:
            reply = await session.ask(cmd.GetUserCallHistory(size=HISTORY), CallHistory)
        except SwitchRefused:
            return set()
        return {
            correlator_of(event)
            for event in unheard
            if (start := begun_at(event)) is not None
            and outcome_of(event.other_dn, (start, start), reply.calls, zone) is Outcome.answered
        }
