"""A promise to call back: one workflow while it is near, a row alone while it is far.

What it decides: when the promise moves, by an order or by time, and that each order moves it once.
Every move is written to the record before it is believed here, so the record is never behind an
answer that somebody got. A promise that is due far ahead needs no workflow: this one ends, its row
waits, and an order or the hourly waking starts it anew from the row.

Budget: 11 events an order, 6 a move by time; a promise of a month that is put off each day stays
under 1,500. A run is renewed at 500 orders or when the server suggests it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities import options
    from activities.callback_contracts import (
        MAX_ANSWERS,
        MAX_ORDERS_PER_RUN,
        AgentLeft,
        BeginCallback,
        CallbackAnswer,
        CallbackCalled,
        CallbackInput,
        CallbackOrder,
        CallbackResult,
        CallbackSnapshot,
        CallbackState,
        CallCallback,
        CancelCallback,
        DriveCallback,
        ListDeleted,
        MirrorCallback,
        PermitCall,
        PromiseRead,
        RecordMove,
        ReleaseCallback,
        RescheduleCallback,
        StartCallback,
        TakeCallback,
        TicketCallback,
    )
    from dialer.callback_mirror import DRIVEN, NOT_DRIVEN, reflect
    from dialer.callback_refusals import CallbackKeptBySwitch, CallbackUnknown
    from dialer.callbacks import (
        HELD,
        OVER,
        Asked,
        CallbackPhase,
        Move,
        Promise,
        TicketId,
        TicketStatus,
        act,
    )
    from dialer.rejections import Rejected
    from workflows.refusals import refusals

AWAKE_AHEAD = timedelta(hours=6)
"""A promise that is due later than this is left to its row."""
GONE = CallbackUnknown.code
LIST_DELETED = "list_deleted"


@workflow.defn(name="Callback", failure_exception_types=[Rejected])
class CallbackWorkflow:
    """Keeps one promise. Id: `callback/<id>`."""

    @workflow.init
    def __init__(self, start: CallbackInput) -> None:
        self._start = start
        self._state = start.resume or CallbackState()
        self._read = start.resume is not None
        self._lock = asyncio.Lock()
        self._changes = 0

    @workflow.run
    async def run(self, start: CallbackInput) -> CallbackResult:
        """Move with time until it is over, gone, or far ahead."""
        if not self._read:
            await self._begin()
        while self._promise is not None and self._promise.phase not in OVER:
            self._renew_if_due()
            if self._far_ahead():
                break
            await self._wait()
            await self._move_with_time()
        await workflow.wait_condition(workflow.all_handlers_finished)
        promise = self._promise
        if promise is not None and promise.phase not in OVER and not self._far_ahead():
            self._renew()
        return CallbackResult(
            phase=None if promise is None else promise.phase,
            asleep=promise is not None and promise.phase not in OVER,
            reason=LIST_DELETED if self._state.list_deleted else "",
        )

    async def _begin(self) -> None:
        found: PromiseRead = await workflow.execute_activity(
            options.BEGIN_CALLBACK,
            BeginCallback(callback_id=self._start.callback_id),
            result_type=PromiseRead,
            **options.RECORD,
        )
        self._set(promise=found.promise)
        self._read = True

    def _far_ahead(self) -> bool:
        promise = self._promise
        return (
            promise is not None
            and promise.phase is CallbackPhase.waiting
            and promise.opens_at > workflow.now() + AWAKE_AHEAD
            and workflow.all_handlers_finished()
        )

    async def _wait(self) -> None:
        """Until an order has changed something, or time does."""
        seen = self._changes
        wakes_at = self._promise.wakes_at() if self._promise else None
        timeout = None if wakes_at is None else max(timedelta(0), wakes_at - workflow.now())
        try:
            await workflow.wait_condition(
                lambda: self._changes != seen or self._renewal_due() or self._far_ahead(),
                timeout=timeout,
            )
        except TimeoutError:
            return

    async def _move_with_time(self) -> None:
        async with self._lock:
            promise, now = self._promise, workflow.now()
            move = promise.moved_by_time(now) if promise else None
            if promise is not None and move is not None:
                await self._record(promise, Asked(move=move), key=f"time/{promise.version}")

    # Moves

    async def _record(
        self, promise: Promise, asked: Asked, *, key: str, order: TicketCallback | None = None
    ) -> Promise | None:
        """Write a move, then believe it; None when the callback is gone from the record."""
        moved = act(promise, asked, workflow.now())
        if promise.request.external_id:
            await self._drive(promise, asked, order)
        now = workflow.now()
        moved = act(promise, asked, now)
        ticket = moved.ticket_id or promise.ticket_id
        write = RecordMove(
            request_id=key,
            move=asked.move,
            promise=moved,
            at=now,
            agent_id=asked.agent_id or promise.holder,
            ticket_id=ticket,
            status=order.status if order else None,
            comment=order.comment if order else "",
            number=asked.number,
        )
        return await self._write(write)

    async def _drive(self, promise: Promise, asked: Asked, order: TicketCallback | None) -> None:
        """Have the PBX that keeps the list agree first."""
        if asked.move in NOT_DRIVEN:
            raise CallbackKeptBySwitch(self._start.callback_id, asked.move)
        if asked.move not in DRIVEN:
            return
        wanted = DriveCallback(
            promise=promise,
            move=asked.move,
            agent_id=asked.agent_id or promise.holder,
            status=order.status if order else None,
            comment=order.comment if order else "",
            due_on=asked.due_on,
            period=asked.period,
        )
        try:
            await workflow.execute_activity(
                options.DRIVE_CALLBACK, wanted, result_type=type(None), **options.DRIVE
            )
        except ActivityError:
            # Time waits for nobody's consent: the PBX's own word follows with the mirror.
            if asked.move is not Move.lose:
                raise

    async def _write(self, write: RecordMove) -> Promise | None:
        try:
            await workflow.execute_activity(
                options.RECORD_CALLBACK, write, result_type=type(None), **options.RECORD
            )
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError) and error.cause.type == GONE:
                self._set(promise=None)
                self._changes += 1
                return None
            raise
        self._set(promise=write.promise)
        self._changes += 1
        return write.promise

    async def _obey(
        self, order: CallbackOrder, act_on: "Callable[[Promise], Awaitable[str]]"
    ) -> CallbackAnswer:
        """Carry out an order once, one at a time; give a repetition the answer that it had."""
        self._set(orders_seen=self._state.orders_seen + 1)
        await workflow.wait_condition(lambda: self._read)
        async with self._lock:
            known = next((a for a in self._state.answers if a.request_id == order.request_id), None)
            if known is not None:
                return known
            failed = await act_on(self._known())
            promise = self._known()
            answer = CallbackAnswer(
                request_id=order.request_id,
                callback_id=self._start.callback_id,
                phase=promise.phase,
                version=promise.version,
                at=workflow.now(),
                ticket_id=promise.ticket_id,
                call_failed=failed,
            )
            self._set(answers=(*self._state.answers, answer)[-MAX_ANSWERS:])
            return answer

    async def _simply(self, order: CallbackOrder, asked: Asked) -> CallbackAnswer:
        async def move(promise: Promise) -> str:
            await self._record(promise, asked, key=order.request_id)
            return ""

        return await self._obey(order, move)

    def _known(self) -> Promise:
        if self._promise is None:
            raise CallbackUnknown(self._start.callback_id)
        return self._promise

    # Orders

    @workflow.update
    @refusals
    async def take(self, order: TakeCallback) -> CallbackAnswer:
        """Have it under a lease."""
        return await self._simply(order, Asked(move=Move.take, agent_id=order.agent_id))

    @workflow.update
    @refusals
    async def start(self, order: StartCallback) -> CallbackAnswer:
        """Ask the law, open the ticket, have the call placed."""

        async def begin(promise: Promise) -> str:
            number = order.number or promise.request.numbers[0]
            ticket = promise.ticket_id or TicketId(str(workflow.uuid4()))
            asked = Asked(move=Move.start, agent_id=order.agent_id, ticket_id=ticket, number=number)
            act(promise, asked, workflow.now())
            await workflow.execute_activity(
                options.PERMIT_CALLBACK,
                PermitCall(promise=promise, number=number),
                result_type=type(None),
                **options.RECORD,
            )
            moved = await self._record(promise, asked, key=order.request_id)
            if moved is None or moved.holder is None:
                return ""
            called: CallbackCalled = await workflow.execute_activity(
                options.CALL_CALLBACK,
                CallCallback(promise=moved, agent_id=moved.holder, number=number, ticket_id=ticket),
                result_type=CallbackCalled,
                **options.CALL,
            )
            return called.failed

        return await self._obey(order, begin)

    @workflow.update
    @refusals
    async def ticket(self, order: TicketCallback) -> CallbackAnswer:
        """Close the ticket, and with it the promise or only this try."""
        again = order.status is TicketStatus.callback
        asked = Asked(
            move=Move.call_again if again else Move.ticket,
            agent_id=order.agent_id,
            due_on=order.due_on,
            period=order.period,
            owner=order.owner,
        )

        async def close(promise: Promise) -> str:
            await self._record(promise, asked, key=order.request_id, order=order)
            return ""

        return await self._obey(order, close)

    @workflow.update
    @refusals
    async def release(self, order: ReleaseCallback) -> CallbackAnswer:
        """Give it back."""
        return await self._simply(order, Asked(move=Move.release, agent_id=order.agent_id))

    @workflow.update
    @refusals
    async def reschedule(self, order: RescheduleCallback) -> CallbackAnswer:
        """Another day, period or owner."""
        asked = Asked(
            move=Move.reschedule,
            agent_id=order.agent_id,
            due_on=order.due_on,
            period=order.period,
            owner=order.owner,
        )
        return await self._simply(order, asked)

    @workflow.update
    @refusals
    async def cancel(self, order: CancelCallback) -> CallbackAnswer:
        """Nobody is to be called back."""
        return await self._simply(order, Asked(move=Move.cancel, agent_id=order.agent_id))

    @workflow.update
    @refusals
    async def mirror(self, order: MirrorCallback) -> CallbackAnswer:
        """Take over what the PBX that keeps its list says of it."""

        async def take_over(promise: Promise) -> str:
            now = workflow.now()
            moved = reflect(promise, order.seen, now)
            fell_due = promise.phase is CallbackPhase.due
            since = promise.version - order.version
            if moved is not promise and (since == 0 or (since == 1 and fell_due)):
                await self._write(
                    RecordMove(
                        request_id=order.request_id,
                        move=Move.mirror,
                        promise=moved,
                        at=now,
                        agent_id=moved.holder or promise.holder,
                        ticket_id=promise.ticket_id if moved.ticket_id is None else None,
                    )
                )
            return ""

        return await self._obey(order, take_over)

    @workflow.signal
    async def agent_left(self, fact: AgentLeft) -> None:
        """Whatever this agent had is anyone's again."""
        await workflow.wait_condition(lambda: self._read)
        async with self._lock:
            promise = self._promise
            if promise is None or promise.phase not in HELD or promise.holder != fact.agent_id:
                return
            await self._record(promise, Asked(move=Move.lose), key=f"left/{promise.version}")

    @workflow.signal
    async def list_deleted(self, _fact: ListDeleted) -> None:
        """Nobody is to be called, and there is no record to write that to any more."""
        await workflow.wait_condition(lambda: self._read)
        async with self._lock:
            if self._promise is not None and self._promise.phase not in OVER:
                gone = self._promise.model_copy(update={"phase": CallbackPhase.cancelled})
                self._set(promise=gone, list_deleted=True)
                self._changes += 1

    @workflow.query
    def snapshot(self) -> CallbackSnapshot:
        """Where it stands."""
        promise = self._promise
        return CallbackSnapshot(
            callback_id=self._start.callback_id,
            promise=promise,
            wakes_at=promise.wakes_at() if promise else None,
            runs=self._state.runs,
        )

    # State

    @property
    def _promise(self) -> Promise | None:
        return self._state.promise

    def _set(self, **changes: object) -> None:
        self._state = self._state.model_copy(update=changes)

    def _renewal_due(self) -> bool:
        return (
            workflow.info().is_continue_as_new_suggested()
            or self._state.orders_seen >= MAX_ORDERS_PER_RUN
        )

    def _renew_if_due(self) -> None:
        if self._renewal_due() and workflow.all_handlers_finished():
            self._renew()

    def _renew(self) -> NoReturn:
        state = self._state.model_copy(update={"orders_seen": 0, "runs": self._state.runs + 1})
        workflow.continue_as_new(self._start.model_copy(update={"resume": state}))
