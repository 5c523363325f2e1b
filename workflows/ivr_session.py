"""A caller in a menu: one workflow a call, from the first word of the switch to the last.

What it decides: when the machine hears of something, in which order, and that each word of the
switch counts once. The trees themselves stay outside: an activity lets the pure machine handle
one event and writes the outcome in one go. The record is never behind what a caller hears.

Whatever the switch asks, it is answered with the present order; only a word about the present turn
moves on. So a repeated or late hook changes nothing and is answered as the first was. A front end
that asks at the end of each node (`FrontEnd.asked`) keeps the caller's time itself: a timer that
runs out here means that it won't come back.

Budget: 13 to 25 events a step of the caller, 6 for 20 s in the queue; `MAX_STEPS` bounds both.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.ivr_contracts import (
        MAX_STEPS,
        AdvanceSession,
        AgentFound,
        AgentSearch,
        BeginSession,
        CallerGone,
        FrontEnd,
        Heard,
        SeekAgent,
        SessionAdvanced,
        SessionBegun,
        SessionReply,
        SessionResult,
        SessionSnapshot,
        StartSession,
        StepSession,
    )
    from dialer.model import AgentId
    from dialer.rejections import Rejected
    from ivr.machine_words import (
        AnyEvent,
        Carried,
        EndReason,
        FindAgent,
        HungUp,
        Phase,
        QueuePosition,
        Routed,
        Session,
        SetTimer,
        Silence,
        Started,
    )
    from workflows.ivr_deeds import Deeds
    from workflows.ivr_orders import (
        CallIdTaken,
        event_of,
        hang_up,
        next_order,
        next_part,
        settled,
        typing,
    )
    from workflows.refusals import refusals, refusing

GRACE = timedelta(seconds=15)
"""How much longer than it was told to a switch may take to come back, network and all."""
POLLED = timedelta(seconds=60)
"""How long a switch that should look again every few seconds may stay away."""
LINGER = timedelta(seconds=20)
"""How long the end of a session is remembered, for a switch that repeats its question."""
UNHEARD = 3
"""Silences in a row without a word of a front end that is told what to do."""
LOOK_FOR = timedelta(seconds=20)
OFFERED = timedelta(seconds=45)
"""How long a front end may take to say whether an agent took the caller."""


@workflow.defn(name="IvrSession", failure_exception_types=[Rejected])
class IvrSessionWorkflow:
    """Keeps one session. Id: `ivr/<switch>/<call>`."""

    @workflow.init
    def __init__(self, start: StartSession) -> None:
        self._start = start
        self._id = workflow.info().run_id
        self._begun = SessionBegun(tree=None)
        self._ready = False
        self._session: Session | None = None
        self._order = SessionReply(session_id=self._id, turn=0, phase=Phase.new)
        self._lock = asyncio.Lock()
        self._seq = self._steps = self._silences = 0
        self._heard_at = workflow.now()
        self._deadline = self._queued_at = workflow.now()
        self._seek: FindAgent | None = None
        self._agent: AgentFound | None = None
        self._refused: AgentId | None = None
        self._given = -1
        self._taken: bool | None = None
        self._gone = False
        self._lost = False

    @workflow.run
    async def run(self, start: StartSession) -> SessionResult:
        """Live as long as the call is in the trees, and a little longer to answer repetitions."""
        await self._begin()
        while self._session is not None and self._session.phase is not Phase.ended:
            try:
                await self._live(self._session)
            except ActivityError:
                # Its trees are gone: nothing leads on, but its end can be written.
                self._order = hang_up(self._order)
                await self._lose()
        if not (self._gone or self._lost):
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(lambda: self._gone, timeout=LINGER)
        await workflow.wait_condition(workflow.all_handlers_finished)
        session = self._session
        return SessionResult(
            session_id=self._id,
            ended=session.ended if session else None,
            lost=self._lost,
            steps=session.steps if session else 0,
        )

    async def _begin(self) -> None:
        self._begun = await workflow.execute_activity(
            options.BEGIN_SESSION,
            BeginSession(session_id=self._id, start=self._start, at=workflow.now()),
            result_type=SessionBegun,
            **options.SESSION_RECORD,
        )
        self._session = self._begun.session
        self._deeds = Deeds(self._id, self._start, self._begun.callback_list)
        if self._session is None:
            self._order = hang_up(self._order)
        else:
            self._order = self._order.model_copy(update={"hold_audio": self._begun.hold_audio})
            started = Started(
                at=workflow.now(),
                calling=self._start.calling,
                called=self._start.called,
                language=self._start.language,
                values=self._start.values,
            )
            await self._tell(started)
        self._ready = True

    # What is waited for

    async def _live(self, session: Session) -> None:
        """Whatever the present phase wants; returns when something has changed."""
        now, turn = workflow.now(), session.turn
        if self._gone:
            await self._tell(HungUp(at=now))
        elif self._steps >= MAX_STEPS:
            await self._tell(HungUp(at=now))
            self._order = hang_up(self._order)
        elif session.phase is Phase.deciding:
            event = await self._deeds.carry_out(session)
            await self._tell(event or Silence(at=now, turn=turn))
        elif session.phase is Phase.queued:
            await self._queue(session)
        elif session.phase is Phase.leaving and self._asked:
            await self._tell(Carried(at=now, turn=turn, ok=True))
        else:
            await self._wait(session)

    async def _wait(self, session: Session) -> None:
        """Until the switch has said something, or should have."""
        if not await self._unchanged(session, self._deadline + GRACE):
            return
        self._silences += 1
        if self._asked or self._silences > UNHEARD:
            await self._lose()
        else:
            await self._tell(Silence(at=workflow.now(), turn=session.turn))

    async def _unchanged(self, session: Session, until: datetime) -> bool:
        """Wait for the end of this step; true if it hasn't come by then."""
        try:
            await workflow.wait_condition(
                lambda: self._session is not session or self._over(),
                timeout=max(timedelta(0), until - workflow.now()),
            )
        except TimeoutError:
            return self._session is session
        return False

    async def _lose(self) -> None:
        """The switch has forgotten the call, or lost it."""
        self._lost = True
        await self._tell(HungUp(at=workflow.now()))

    def _over(self) -> bool:
        return self._gone or self._steps >= MAX_STEPS

    def _turned(self, session: Session) -> bool:
        """Whether the caller has left this turn, or the call."""
        return self._over() or self._session is None or self._session.turn != session.turn

    # The queue

    async def _queue(self, session: Session) -> None:
        """Look for an agent for as long as the caller waits on this turn, 20 s at a time."""
        now = workflow.now()
        if self._asked and now >= self._heard_at + POLLED:
            await self._lose()
            return
        looking = asyncio.create_task(self._look(session, now))
        await workflow.wait_condition(lambda: looking.done() or self._turned(session))
        # A look whose caller has left ends by itself and finds nobody, as the record says so before
        # anything else happens. Cancelling it would race with its end.
        if not self._turned(session):
            await self._found(session, looking.result(), now)

    async def _look(self, session: Session, now: datetime) -> AgentSearch:
        self._seek = next((one for one in session.last if isinstance(one, FindAgent)), self._seek)
        if self._seek is None:
            return AgentSearch(outcome="nobody")
        if now >= self._deadline:
            return AgentSearch(outcome="timeout")
        request = SeekAgent(
            session_id=self._id,
            switch_id=self._start.switch_id,
            turn=session.turn,
            needs=self._seek.needs,
            since=self._queued_at,
            max_wait=self._seek.max_wait,
            calling=session.calling,
            customer=session.customer,
            refused=self._refused,
            position=session.position,
            wait=min(LOOK_FOR, self._deadline - now),
        )
        try:
            found: AgentSearch = await workflow.execute_activity(
                options.FIND_AGENT, request, result_type=AgentSearch, **options.SESSION_QUEUE
            )
        except ActivityError:
            return AgentSearch(outcome="nobody")
        return found

    async def _found(self, session: Session, found: AgentSearch, looked_at: datetime) -> None:
        now, turn = workflow.now(), session.turn
        match found.outcome:
            case "waiting":
                if found.position is not None and found.position < (session.position or 10**6):
                    await self._tell(QueuePosition(at=now, turn=turn, position=found.position))
                elif now - looked_at < LOOK_FOR / 2:
                    # A look that came back too soon isn't repeated at once.
                    await self._unchanged(session, now + LOOK_FOR / 2)
            case "reserved":
                if await self._offered(session, found.agent):
                    await self._deeds.leave_queue(connected=True)
                    await self._tell(Routed(at=workflow.now(), turn=turn, outcome="connected"))
            case "nobody" | "timeout":
                await self._deeds.leave_queue(connected=False)
                await self._tell(Routed(at=now, turn=turn, outcome=found.outcome))

    async def _offered(self, session: Session, agent: AgentFound | None) -> bool:
        """Whether the agent takes the caller; who is asked hands over without a word back."""
        self._agent, self._refused, self._taken = agent, None, None
        if self._asked:
            return True
        self._offer(agent)
        try:
            await workflow.wait_condition(
                lambda: self._taken is not None or self._turned(session), timeout=OFFERED
            )
        except TimeoutError:
            self._taken = False
        if not self._taken:
            self._refused = agent.agent_id if agent else None
            self._agent = None
            self._offer(None)
        return bool(self._taken)

    def _offer(self, agent: AgentFound | None) -> None:
        """Put an agent into the order, or take him out of it."""
        if self._order.agent != agent:
            changes = {"agent": agent, "serial": self._order.serial + 1}
            self._order = self._order.model_copy(update=changes)

    # The machine

    async def _tell(self, event: AnyEvent) -> None:
        """Let the machine handle an event, write it down, and believe it."""
        async with self._lock:
            session = self._session
            if session is None or session.phase is Phase.ended:
                return
            self._seq += 1
            advanced: SessionAdvanced = await workflow.execute_activity(
                options.ADVANCE_SESSION,
                AdvanceSession(
                    session_id=self._id,
                    seq=self._seq,
                    tree=self._begun.tree or "",
                    version=self._begun.version,
                    session=session,
                    event=event,
                    agent_id=self._agent.agent_id if self._agent else "",
                    lost=self._lost,
                ),
                result_type=SessionAdvanced,
                **options.SESSION_RECORD,
            )
            if advanced.ignored is not None:
                return
            self._believe(session, advanced.session)
            await self._deeds.aside(advanced.session)

    def _believe(self, before: Session, after: Session) -> None:
        now = workflow.now()
        if after.phase is Phase.queued and after.turn != before.turn:
            self._queued_at = now
        timer = next((one for one in after.last if isinstance(one, SetTimer)), None)
        if timer is not None:
            self._deadline = now + timer.after + typing(after)
        self._session = after
        self._order = next_order(self._order, after)
        if after.ended is EndReason.connected:
            self._offer(self._agent)

    # What the switch says

    @workflow.update
    @refusals
    async def step(self, request: StepSession) -> SessionReply:
        """Tell what the front end knows, and what it is to do now."""
        self._steps += 1
        self._silences = 0
        self._heard_at = workflow.now()
        await workflow.wait_condition(lambda: self._ready)
        await self._hear(request)
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: settled(self._order) and self._order.serial != request.known,
                timeout=request.patience,
            )
        self._given = self._order.serial
        return self._order

    @step.validator
    @refusing
    def _is_of_this_call(self, request: StepSession) -> None:
        if request.calling is not None and request.calling != self._start.calling:
            raise CallIdTaken

    async def _hear(self, request: StepSession) -> None:
        session = self._session
        if session is None:
            return
        order = self._order
        if (
            request.turn == order.turn
            and order.phase is Phase.queued
            and self._given != order.serial
        ):
            if request.heard is Heard.returned:
                return  # it answers what it was told before, and there is something new to tell
        else:
            part = next_part(order, request)
            if part is not None:
                self._order = part
                return
        offered = self._agent is not None and session.phase is Phase.queued
        if offered and request.heard in {Heard.carried, Heard.failed}:
            self._taken = request.heard is Heard.carried
            if not self._taken:
                self._offer(None)
            return
        event = event_of(session, request, workflow.now())
        if event is not None:
            await self._tell(event)

    @workflow.signal
    async def caller_gone(self, fact: CallerGone) -> None:
        """The call is over, as the switch's events tell."""
        self._gone = True

    @workflow.query
    def snapshot(self) -> SessionSnapshot:
        """Where it stands."""
        return SessionSnapshot(
            session_id=self._id,
            tree=self._begun.tree or "",
            version=self._begun.version,
            session=self._session,
            lost=self._lost,
        )

    @property
    def _asked(self) -> bool:
        return self._start.front_end is FrontEnd.asked
