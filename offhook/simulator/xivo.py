"""The xuc face of the simulated PBX: commands in, events out, no sockets.

Every connection is one user's. What it is sent depends on who he is: telephones tell their own user
only; a supervisor sees the queues and groups of his profile; without a profile a user sees what an
administrator does, as the document says.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from offhook.simulator.clock import Clock
from offhook.simulator.engine import Pbx
from offhook.simulator.faults import EVENT_FAULTS, FaultBook, FaultKind
from offhook.simulator.model import Failure
from offhook.simulator.plant import CannotDo
from offhook.simulator.xivo_agents import Acd, AgentRow
from offhook.simulator.xivo_callbacks import CallbackBook
from offhook.simulator.xivo_calls import Telephones
from offhook.simulator.xivo_config import (
    ADMIN,
    NOBODY,
    SUPERVISOR,
    XivoConfig,
    agent_id_of,
    login_of,
)
from offhook.simulator.xivo_greeting import STATUSES, phone_status, sheet, voice_mail
from offhook.simulator.xivo_queue_jobs import ANSWERED_SOON
from offhook.simulator.xivo_rooms import Rooms
from offhook.simulator.xivo_transfers import Transfers
from offhook.switches.xivo import wire
from offhook.switches.xivo import wire_callbacks as cb
from offhook.switches.xivo import wire_events as ev
from offhook.switches.xivo.events import correlator_of

_REORDER_AFTER_S = 0.5
_SEEN_REQUESTS = 10_000


@dataclass(slots=True, eq=False)
class XucUser:
    """Somebody who can log in."""

    login: str
    user_id: int
    profile: ev.Profile
    extension: str = ""
    agent_id: int | None = None
    first_name: str = ""
    last_name: str = ""
    mobile: str = ""
    dnd: bool = False
    forwards: dict[str, str] = field(default_factory=dict)
    """Kind of forward (na, unc, busy) -> destination."""
    favorites: dict[str, str] = field(default_factory=dict)
    """Contact -> source."""
    status: str = "available"


@dataclass(slots=True, eq=False)
class Connection:
    """One WebSocket of a user's."""

    user: XucUser
    send: Callable[[str], None]
    topics: set[str] = field(default_factory=set)
    """What it asked to be told of."""


class XivoFace:
    """A PBX that speaks xuc."""

    def __init__(self, config: XivoConfig, clock: Clock, faults: FaultBook) -> None:
        self.config = config
        self.clock = clock
        self.faults = faults
        self.connections: list[Connection] = []
        self.services: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.requests: deque[dict[str, str]] = deque(maxlen=_SEEN_REQUESTS)
        self.users = {user.login: user for user in _users(config)}
        self.acd = Acd(
            config,
            clock,
            told=self._agent_told,
            moved=self._member_moved,
            configured=self._configured,
        )
        self.telephones = Telephones(
            config,
            clock,
            self.acd,
            tell=self._phone_told,
            waiting_changed=self._waiting_changed,
        )
        self.callbacks = CallbackBook(config, tell=partial(self._publish, "callbacks"))
        self.pbx = Pbx(config, clock, emit=self.telephones.notice, fail=_never)
        self.telephones.pbx = self.pbx
        self.rooms = self.telephones.rooms = Rooms(
            config.conferences, clock, changed=self._rooms_changed
        )
        self.pbx.ivrs.update(self.rooms.responders())
        self.transfers = Transfers(self.telephones)
        self.listened: set[int] = set()
        """Agents to whom somebody listens."""
        self._phone_status: dict[str, int] = {}
        self._held: dict[tuple[int, str], list[Callable[[], None]]] = {}

    # -- connections ---------------------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """Greet a user as xuc does."""
        self.connections.append(connection)
        user = connection.user
        self.tell(connection, ev.RightProfile(profile=user.profile.value))
        self.tell(connection, ev.LoggedOn())
        self.tell(connection, self.user_config(user))
        if user.agent_id is not None and user.agent_id in self.acd.agents:
            self.tell(connection, self.acd.state_event(self.acd.agents[user.agent_id]))
        self.tell(connection, STATUSES)
        if user.extension:
            status = self._phone_status.get(user.extension, 0)
            self.tell(connection, ev.PhoneStatusUpdate(status=status))
        for box in self.config.voice_mails:
            if int(box.user) == user.user_id:
                self.tell(connection, voice_mail(box))

    def closed(self, connection: Connection) -> None:
        """A connection is gone."""
        if connection in self.connections:
            self.connections.remove(connection)

    def restart(self) -> None:
        """Lose every call without a word, as after a power cut."""
        self.pbx.restart()
        self.telephones.forget()
        self.transfers.forget()
        self._phone_status.clear()

    # -- what is told --------------------------------------------------------------------------

    def user_config(self, user: XucUser) -> ev.UserConfigUpdate:
        """A user, with forwards and the agent that he is."""
        boxes = (box.id for box in self.config.voice_mails if int(box.user) == user.user_id)
        box = next(boxes, None)
        return ev.UserConfigUpdate(
            user_id=user.user_id,
            dnd_enabled=user.dnd,
            na_fwd_enabled="na" in user.forwards,
            na_fwd_destination=user.forwards.get("na", ""),
            unc_fwd_enabled="unc" in user.forwards,
            unc_fwd_destination=user.forwards.get("unc", ""),
            busy_fwd_enabled="busy" in user.forwards,
            busy_fwd_destination=user.forwards.get("busy", ""),
            first_name=user.first_name,
            last_name=user.last_name,
            full_name=f"{user.first_name} {user.last_name}".strip(),
            mobile_number=user.mobile,
            agent_id=user.agent_id,
            line_ids=(user.user_id,) if user.extension else (),
            voice_mail_id=box,
            voice_mail_enabled=box is not None,
        )

    def sees_queue(self, user: XucUser, queue_id: int | None) -> bool:
        """Whether a user's profile has a queue."""
        return user.profile is not ev.Profile.supervisor or (
            queue_id in self.config.supervised_queues
        )

    def sees_agent(self, user: XucUser, row: AgentRow) -> bool:
        """Whether a user's profile has an agent's group; he sees himself anyway."""
        if user.profile is not ev.Profile.supervisor or row.id == user.agent_id:
            return True
        return row.group in self.config.supervised_groups

    def tell(self, connection: Connection, event: wire.Event, *, about: str = "") -> None:
        """Send an event, unless a fault has it otherwise."""
        kind_name = event.event_type if isinstance(event, ev.PhoneEvent) else event.name
        self.events[kind_name] += 1
        text = wire.render_event(event)
        fault = self.faults.strike(EVENT_FAULTS, name=kind_name, extid=about or None)
        send = partial(self._send, connection, text)
        key = (id(connection), event.name)
        if fault is None:
            send()
        elif fault.kind is FaultKind.event_delay:
            self.clock.call_later(fault.delay_s, send)
        elif fault.kind is FaultKind.event_reorder:
            self._held.setdefault(key, []).append(send)
            self.clock.call_later(_REORDER_AFTER_S, partial(self._release, key))
            return
        elif fault.kind is FaultKind.event_duplicate:
            send()
            send()
        self._release(key)

    def _release(self, key: tuple[int, str]) -> None:
        for send in self._held.pop(key, ()):
            send()

    def _send(self, connection: Connection, text: str) -> None:
        if connection in self.connections:
            connection.send(text)

    def _publish(self, topic: str, event: wire.Event) -> None:
        for connection in list(self.connections):
            if topic in connection.topics:
                self.tell(connection, event)

    def _phone_told(self, extension: str, event: ev.PhoneEvent) -> None:
        for connection in list(self.connections):
            if connection.user.extension == extension:
                self.tell(connection, event, about=correlator_of(event))
                if self.config.sheet and event.event_type == ev.PhoneEventType.ringing:
                    self.tell(connection, sheet(self.config.sheet, event, self.clock.wall()))
        status = phone_status(self.telephones.current.get(extension, {}).values())
        if self._phone_status.get(extension, 0) != status:
            self._phone_status[extension] = status
            for connection in list(self.connections):
                if connection.user.extension == extension:
                    self.tell(connection, ev.PhoneStatusUpdate(status=status))

    def _agent_told(self, row: AgentRow) -> None:
        event = self.acd.state_event(row)
        for connection in list(self.connections):
            own = connection.user.agent_id == row.id
            if own or ("agents" in connection.topics and self.sees_agent(connection.user, row)):
                self.tell(connection, event)
            if "agent statistics" in connection.topics and self.sees_agent(connection.user, row):
                self.tell(connection, self.acd.statistics(row))
        if row.id in self.listened and row.state is not ev.AgentStateName.on_call:
            self.listen(row, "", on=False)
        for queue_id in event.queues:
            self._queue_told(queue_id)
        if row.state is ev.AgentStateName.ready:
            # Once whatever made him ready is done with.
            self.clock.call_later(0.0, self.telephones.pump)

    def listen(self, row: AgentRow, listener: str, *, on: bool) -> None:
        """Tell an agent that somebody listens to him, or no longer."""
        (self.listened.add if on else self.listened.discard)(row.id)
        told = ev.AgentListen(started=on, phone_number=listener or row.phone, agent_id=row.id)
        for connection in list(self.connections):
            if connection.user.agent_id == row.id:
                self.tell(connection, told)

    def _rooms_changed(self) -> None:
        self._publish("rooms", self.rooms.listing())

    def _member_moved(self, event: ev.QueueMember) -> None:
        for connection in list(self.connections):
            if "members" in connection.topics and self.sees_queue(connection.user, event.queue_id):
                self.tell(connection, event)
        self._queue_told(event.queue_id)
        # Whoever waits there may be his now.
        self.clock.call_later(0.0, self.telephones.pump)

    def _configured(self, what: ev.QueueConfig | AgentRow) -> None:
        for connection in list(self.connections):
            user, topics = connection.user, connection.topics
            if isinstance(what, ev.QueueConfig):
                if "queue configuration" in topics and self.sees_queue(user, what.id):
                    self.tell(connection, what)
            elif "agent configuration" in topics and self.sees_agent(user, what):
                self.tell(connection, self.acd.config_event(what))

    def _waiting_changed(self, queue_id: int) -> None:
        self._publish(f"calls of {queue_id}", self.queue_calls(queue_id))
        self._queue_told(queue_id)

    def _queue_told(self, queue_id: int) -> None:
        event: ev.QueueStatistics | None = None
        for connection in list(self.connections):
            if "queue statistics" in connection.topics and self.sees_queue(
                connection.user, queue_id
            ):
                event = event or self.statistics(queue_id)
                self.tell(connection, event)

    def queue_calls(self, queue_id: int) -> ev.QueueCalls:
        """Who waits in a queue."""
        jobs = self.telephones.waiting.get(queue_id, ())
        return ev.QueueCalls(
            queue_id=queue_id,
            calls=tuple(
                ev.QueueCall(
                    position=position,
                    caller=job.caller_name,
                    number=job.caller_number,
                    queue_time=job.asked_at.isoformat(timespec="milliseconds"),
                )
                for position, job in enumerate(jobs, start=1)
            ),
        )

    def statistics(self, queue_id: int) -> ev.QueueStatistics:
        """The counters of a queue."""
        states = [
            self.acd.agents[agent].state
            for agent, queue in self.acd.penalties
            if queue == queue_id and agent in self.acd.agents
        ]
        jobs, name = self.telephones.waiting[queue_id], ev.AgentStateName
        waits = [(self.clock.wall() - job.asked_at).total_seconds() for job in jobs]
        counted = self.telephones.counters[queue_id]
        entered, late = "TotalNumberCallsEntered", "TotalNumberCallsAbandonnedAfter15"
        totals = (entered, "TotalNumberCallsAnswered", "TotalNumberCallsAbandonned", late)
        calls = max(counted[entered], 1)
        values: dict[str, int | float] = {
            **{total: counted[total] for total in totals},
            "PercentageAnsweredBefore15": round(100 * counted[ANSWERED_SOON] / calls, 2),
            "PercentageAbandonnedAfter15": round(100 * counted[late] / calls, 2),
            "WaitingCalls": len(jobs),
            "LongestWaitingTime": int(max(waits, default=0)),
            "EWT": 0,
            "AvailableAgents": sum(state is name.ready for state in states),
            "LoggedAgents": sum(state is not name.logged_out for state in states),
            "TalkingAgents": sum(state is name.on_call for state in states),
        }
        counters = (ev.Counter(stat_name=stat, value=value) for stat, value in values.items())
        return ev.QueueStatistics(queue_id=queue_id, counters=tuple(counters))

    def forwarded(self, user: XucUser) -> None:
        """Tell a user's connections how his telephone is set now."""
        for connection in list(self.connections):
            if connection.user is user:
                self.tell(connection, self.user_config(user))

    def callback_lists(self, connection: Connection) -> None:
        """Tell the callback lists, and their changes from now on."""
        connection.topics.add("callbacks")
        self.tell(connection, self.callbacks.lists())

    def refuse(self, connection: Connection, why: str) -> None:
        """Tell that a command was not carried out."""
        self.tell(connection, ev.Error(error=why))

    def periods(self) -> cb.PreferredCallbackPeriodList:
        """The periods that can be preferred."""
        return cb.PreferredCallbackPeriodList(periods=self.callbacks.periods)


def _users(config: XivoConfig) -> list[XucUser]:
    others = (
        XucUser(ADMIN, 1, ev.Profile.admin, first_name="Ada", last_name="Admin"),
        XucUser(SUPERVISOR, 2, ev.Profile.supervisor, first_name="Sue", last_name="Supervisor"),
        XucUser(NOBODY, 3, ev.Profile.none, first_name="Ned", last_name="Nobody"),
    )
    agents = [
        XucUser(
            login_of(user),
            int(user.id),
            ev.Profile.none,
            extension=user.extension,
            agent_id=agent_id_of(user),
            first_name=user.name,
            last_name=user.surname,
            mobile=config.mobiles.get(user.id, ""),
        )
        for user in config.users
    ]
    return [*others, *agents]


def _never(failure: Failure) -> None:
    """Orders of this face are done at once, so none fails later."""
    raise CannotDo(failure.error)
