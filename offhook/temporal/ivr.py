"""Sessions in menus by their call: told what the switch says, asked what it is to do."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.ivr_contracts import (
    CallerGone,
    SessionReply,
    SessionResult,
    StartSession,
    StepSession,
)
from activities.options import TASK_QUEUE
from dialer.model import SwitchId
from offhook.errors import OffhookError
from offhook.ivr.talks import Talks
from workflows.ivr_orders import CallIdTaken
from workflows.ivr_session import IvrSessionWorkflow

log = structlog.get_logger()

ANSWER_WITHIN = timedelta(seconds=15)
"""How long a caller may hear silence: a worker that died is replaced within this."""
ENDS_WITHIN, ASK_AGAIN = timedelta(seconds=4), timedelta(milliseconds=200)
"""How long another caller's session may take to end that has the id of a new call."""
TASK_WITHIN = timedelta(seconds=5)
"""After which a step that its worker didn't finish is given to another."""


class SessionOver(OffhookError):
    """A call has no session any more, or never had one."""

    code = "ivr_session_over"

    def __init__(self, call: str) -> None:
        super().__init__(
            f"call {call} is in no menu", hint="its session has ended; the call is to be ended too"
        )


class SessionUnanswered(OffhookError):
    """A session could not be reached in time."""

    code = "ivr_session_unanswered"

    def __init__(self, call: str, why: str) -> None:
        super().__init__(
            f"the session of call {call} gave no answer: {why}",
            hint="check that a worker runs and that Temporal answers: `offhook doctor`",
        )


class _Taken(Exception):
    """Another caller's session has the id."""


def session_workflow_id(switch: str, call: str) -> str:
    """The workflow of a call in a menu."""
    return f"ivr/{switch}/{call}"


@dataclass(frozen=True)
class IvrDesk:
    """Speaks with sessions by switch and call."""

    client: Client
    task_queue: str = TASK_QUEUE
    talks: Talks | None = None
    """Told when a call is over that an agent has; without it nobody is."""

    async def begin(self, start: StartSession, step: StepSession) -> SessionReply:
        """The first word about a call: its session is started, unless it runs.

        A PBX that was restarted counts its calls anew: the session of the call that had this id
        before is ended first.
        """
        step = step.model_copy(update={"calling": start.calling})
        for _ in range(ENDS_WITHIN // ASK_AGAIN):
            try:
                return await self._begin(start, step)
            except _Taken:
                log.warning("ivr_call_id_taken", switch=start.switch_id, call=start.call_id)
                await self.caller_gone(start.switch_id, start.call_id)
                await asyncio.sleep(ASK_AGAIN.total_seconds())
        raise SessionUnanswered(start.call_id, CallIdTaken.code)

    async def _begin(self, start: StartSession, step: StepSession) -> SessionReply:
        starting = WithStartWorkflowOperation(
            IvrSessionWorkflow.run,
            start,
            id=session_workflow_id(start.switch_id, start.call_id),
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            task_timeout=TASK_WITHIN,
        )
        try:
            return await self.client.execute_update_with_start_workflow(
                IvrSessionWorkflow.step,
                step,
                id=uuid4().hex,
                start_workflow_operation=starting,
                rpc_timeout=ANSWER_WITHIN,
            )
        except (WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, RPCError) as e:
            if _code(e) == CallIdTaken.code:
                raise _Taken from None
            raise _failed(start.call_id, e) from e

    async def step(self, switch: SwitchId, call: str, step: StepSession) -> SessionReply:
        """A further word about a call; `SessionOver` when its session isn't there."""
        handle = self._handle(switch, call)
        try:
            return await handle.execute_update(
                IvrSessionWorkflow.step, step, id=uuid4().hex, rpc_timeout=ANSWER_WITHIN
            )
        except (WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError, RPCError) as e:
            raise _failed(call, e) from e

    def _handle(
        self, switch: SwitchId, call: str
    ) -> WorkflowHandle[IvrSessionWorkflow, SessionResult]:
        return self.client.get_workflow_handle_for(
            IvrSessionWorkflow.run, session_workflow_id(switch, call)
        )

    async def caller_gone(self, switch: SwitchId, call: str) -> bool:
        """Tell that a call is over; false when it was in no menu any more."""
        known = await self._tell_session(switch, call)
        if self.talks is not None:
            await self.talks.talks_over(switch, [call], now=datetime.now(UTC))
        return known

    async def _tell_session(self, switch: SwitchId, call: str) -> bool:
        handle = self._handle(switch, call)
        try:
            await handle.signal(IvrSessionWorkflow.caller_gone, CallerGone())
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True


def _failed(call: str, error: Exception) -> OffhookError:
    if isinstance(error, RPCError):
        if error.status is RPCStatusCode.NOT_FOUND:
            return SessionOver(call)
        return SessionUnanswered(call, error.status.name.lower())
    return SessionUnanswered(call, _code(error) or "timeout")


def _code(error: Exception) -> str | None:
    cause = error.cause if isinstance(error, WorkflowUpdateFailedError) else None
    return (cause.type or "failed") if isinstance(cause, ApplicationError) else None
