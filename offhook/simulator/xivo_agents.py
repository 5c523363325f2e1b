"""The queues of a simulated XiVO: who works where, who is free, who is about what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from offhook.simulator.clock import Clock, Timer
from offhook.simulator.config import UserConfig
from offhook.simulator.plant import CannotDo
from offhook.simulator.xivo_config import QueueSetup, XivoConfig, agent_id_of, agent_number_of
from offhook.switches.xivo import wire_events as ev
from offhook.switches.xivo.wire_events import AgentStateName as State

_AT_REST = frozenset({State.ready, State.on_pause, State.on_wrapup})


class LoginRejected(CannotDo):
    """An agent can't be logged in, with what xuc says of it."""

    def __init__(self, said: ev.AgentError) -> None:
        super().__init__(said.error)
        self.said = said


@dataclass(slots=True, eq=False)
class AgentRow:
    """An agent."""

    user: UserConfig
    id: int
    number: str
    group: int
    state: State = State.logged_out
    phone: str = ""
    """Where he is logged in."""
    cause: str = ""
    since: float = 0.0
    free_since: float = 0.0
    wrap: Timer | None = None
    pausing: str | None = None
    """Was told to pause during a call: from its end on."""
    monitor: str = "DISABLED"
    seconds: Counter[str] = field(default_factory=Counter)


class Acd:
    """Agents and queues.

    `told` hears of every change of what an agent is about, `moved` of memberships, `configured` of
    agents and queues that are configured otherwise.
    """

    def __init__(
        self,
        config: XivoConfig,
        clock: Clock,
        *,
        told: Callable[[AgentRow], None],
        moved: Callable[[ev.QueueMember], None],
        configured: Callable[[ev.QueueConfig | AgentRow], None],
    ) -> None:
        self._config = config
        self._clock = clock
        self._told = told
        self._moved = moved
        self._configured = configured
        self.extensions = {user.extension for user in config.users}
        self.queues = {queue.id: queue for queue in config.queues}
        self.agents = {row.id: row for row in (self._row(user) for user in config.users)}
        self.penalties: dict[tuple[int, int], int] = {
            (row.id, queue.id): 0
            for queue in config.queues
            for row in self.agents.values()
            if not queue.members or row.user.id in queue.members
        }
        self.defaults: dict[int, tuple[tuple[int, int], ...]] = {}
        if config.logged_in:
            for row in self.agents.values():
                row.phone, row.state = row.user.extension, State.ready

    def _row(self, user: UserConfig) -> AgentRow:
        groups = self._config.groups_of_agents
        mine = (group.id for group in groups if user.id in group.members)
        return AgentRow(
            user=user,
            id=agent_id_of(user),
            number=agent_number_of(user),
            group=next(mine, groups[0].id if groups else 0),
        )

    # -- orders --------------------------------------------------------------------------------

    def agent(self, agent_id: int) -> AgentRow:
        """An agent that exists."""
        try:
            return self.agents[agent_id]
        except KeyError:
            raise CannotDo("AgentUnknown") from None

    def queue(self, queue_id: int) -> QueueSetup:
        """A queue that exists."""
        try:
            return self.queues[queue_id]
        except KeyError:
            raise CannotDo("QueueUnknown") from None

    def login(self, agent_id: int, phone: str) -> None:
        """Log an agent in: the five cases of the document."""
        row = self.agent(agent_id)
        if row.state is not State.logged_out:
            if row.phone != phone:
                raise LoginRejected(
                    ev.AgentError(
                        error=ev.AgentErrorCode.other_phone,
                        phone_number=row.phone,
                        requested_number=phone,
                    )
                )
            self._told(row)
            return
        if phone not in self.extensions:
            raise LoginRejected(ev.AgentError(error=ev.AgentErrorCode.unknown_number))
        for other in self.agents.values():
            if other.phone == phone and other.state is not State.logged_out:
                self.logout(other.id)
        row.phone = phone
        self.put(row, State.ready)

    def logout(self, agent_id: int) -> None:
        """Log an agent out; a call that he is in goes on."""
        row = self.agent(agent_id)
        self.put(row, State.logged_out)
        row.phone = ""

    def pause(self, agent_id: int, cause: str) -> None:
        """Pause an agent, from the end of his call on if he is in one."""
        row = self._logged_in(agent_id)
        if row.state in _AT_REST:
            self.put(row, State.on_pause, cause)
        else:
            row.pausing = cause

    def unpause(self, agent_id: int) -> None:
        """Make an agent ready, from a pause or from wrapping up."""
        row = self._logged_in(agent_id)
        row.pausing = None
        if row.state in _AT_REST:
            self.put(row, State.ready)

    def monitor(self, agent_id: int, *, paused: bool) -> None:
        """Pause the recording of a call from a queue, or go on."""
        row = self._logged_in(agent_id)
        if row.state is not State.on_call:
            raise CannotDo("NoRecordedCall")
        row.monitor = "PAUSED" if paused else "ACTIVE"
        self._told(row)

    def set_penalty(self, agent_id: int, queue_id: int, penalty: int) -> None:
        """Make an agent a member of a queue, or change his penalty; nothing where there is none."""
        if agent_id in self.agents and queue_id in self.queues and penalty >= 0:
            self.penalties[agent_id, queue_id] = penalty
            self._moved(ev.QueueMember(agent_id=agent_id, queue_id=queue_id, penalty=penalty))

    def leave(self, agent_id: int, queue_id: int) -> None:
        """Take an agent off a queue; nothing where he isn't."""
        if self.penalties.pop((agent_id, queue_id), None) is not None:
            self._moved(ev.QueueMember(agent_id=agent_id, queue_id=queue_id, penalty=-1))

    def set_group(self, agent_id: int, group_id: int) -> None:
        """Put an agent into a group; nothing where there is none."""
        with suppress(CannotDo):
            self.configure_agent(agent_id, group=group_id)

    def configure_agent(
        self,
        agent_id: int,
        *,
        name: str | None = None,
        surname: str | None = None,
        number: str | None = None,
        group: int | None = None,
    ) -> AgentRow:
        """Configure an agent otherwise; what isn't given stays."""
        row = self.agent(agent_id)
        if group is not None and group not in {g.id for g in self._config.groups_of_agents}:
            raise CannotDo("GroupUnknown")
        named = {key: said for key, said in (("name", name), ("surname", surname)) if said}
        row.user = row.user.model_copy(update=named)
        row.number = number or row.number
        row.group = row.group if group is None else group
        self._configured(row)
        return row

    def configure_queue(self, queue_id: int, changes: dict[str, object]) -> QueueSetup:
        """Configure a queue otherwise."""
        self.queues[queue_id] = queue = self.queue(queue_id).model_copy(update=changes)
        self._configured(self.queue_event(queue))
        return queue

    def apply_defaults(self, user_id: int) -> None:
        """Put a user into the queues in which he works by default, and out of the others."""
        row = next((row for row in self.agents.values() if int(row.user.id) == user_id), None)
        if row is None or user_id not in self.defaults:
            raise CannotDo("NoDefaultMembership")
        wanted = dict(self.defaults[user_id])
        for queue_id in [queue for agent, queue in self.penalties if agent == row.id]:
            if queue_id not in wanted:
                self.leave(row.id, queue_id)
        for queue_id, penalty in wanted.items():
            self.set_penalty(row.id, queue_id, penalty)

    # -- states --------------------------------------------------------------------------------

    def free(self, queue_id: int) -> AgentRow | None:
        """The free member of a queue with the least penalty, longest free."""
        able = [
            (penalty, row.free_since, row.id, row)
            for (agent_id, queue), penalty in self.penalties.items()
            if queue == queue_id
            if (row := self.agents[agent_id]).state is State.ready
        ]
        return min(able)[3] if able else None

    def by_phone(self, phone: str) -> AgentRow | None:
        """Who is logged in on a telephone."""
        rows = self.agents.values()
        return next((row for row in rows if row.phone == phone and row.phone), None)

    def put(self, row: AgentRow, state: State, cause: str = "") -> None:
        """Let an agent be about something."""
        now = self._clock.monotonic()
        row.seconds[row.state] += int(now - row.since)
        if row.wrap is not None:
            row.wrap.cancel()
            row.wrap = None
        if state is State.ready and row.state is not State.ready:
            row.free_since = now
        row.state, row.cause, row.since = state, cause, now
        row.monitor = "ACTIVE" if state is State.on_call else "DISABLED"
        self._told(row)

    def finished(self, row: AgentRow, *, talked: bool) -> None:
        """An agent's call is over: he wraps up, pauses if he was told to, or is ready."""
        if row.state is State.logged_out:
            return
        pausing, row.pausing = row.pausing, None
        if pausing is not None:
            self.put(row, State.on_pause, pausing)
        elif talked and self._config.wrap_up_s > 0:
            self.put(row, State.on_wrapup)
            ends = partial(self._wrapped, row)
            row.wrap = self._clock.call_later(self._config.wrap_up_s, ends)
        else:
            self.put(row, State.ready)

    def forget_calls(self) -> None:
        """Nobody is in a call any more."""
        for row in self.agents.values():
            if row.state not in (State.logged_out, State.on_pause):
                self.put(row, State.ready)

    def _wrapped(self, row: AgentRow) -> None:
        if row.state is State.on_wrapup:
            self.put(row, State.ready)

    def _logged_in(self, agent_id: int) -> AgentRow:
        row = self.agent(agent_id)
        if row.state is State.logged_out:
            raise CannotDo("AgentNotLoggedIn")
        return row

    # -- as told -------------------------------------------------------------------------------

    def state_event(self, row: AgentRow) -> ev.AgentStateEvent:
        """What an agent is about, as xuc tells it."""
        since = int(self._clock.monotonic() - row.since)
        told = ev.AgentStateEvent(
            state=row.state.value,
            agent_id=row.id,
            phone_number=row.phone,
            since=since,
            queues=tuple(queue for agent, queue in self.penalties if agent == row.id),
            cause=row.cause,
        )
        if row.state is not State.on_call:
            return told
        call = {"acd": True, "direction": ev.Direction.outgoing.value, "call_type": "External"}
        return told.model_copy(update={**call, "monitor_state": row.monitor})

    @staticmethod
    def queue_event(queue: QueueSetup) -> ev.QueueConfig:
        """A queue as configured."""
        return ev.QueueConfig(
            id=queue.id,
            context="default",
            queue_name=queue.name,
            display_name=queue.display_name,
            number=queue.number,
        )

    @staticmethod
    def config_event(row: AgentRow) -> ev.AgentConfig:
        """An agent as configured."""
        return ev.AgentConfig(
            id=row.id,
            first_name=row.user.name,
            last_name=row.user.surname,
            number=row.number,
            context="default",
            group_id=row.group,
        )

    def statistics(self, row: AgentRow) -> ev.AgentStatistics:
        """An agent's figures."""
        names = {
            "AgentPausedTotalTime": State.on_pause,
            "AgentWrapupTotalTime": State.on_wrapup,
            "AgentReadyTotalTime": State.ready,
        }
        figures = [
            ev.AgentFigure(figure=name, value=row.seconds[state]) for name, state in names.items()
        ]
        return ev.AgentStatistics(id=row.id, statistics=tuple(figures))
