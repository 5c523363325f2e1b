"""Sessions in menus by their call: told what the switch says, asked what it is to do."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

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
from workflows.ivr_session import IvrSessionWorkflow

ANSWER_WITHIN = timedelta(seconds=15)
"""How long a caller may hear silence: a worker that died is replaced within this."""
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
        """The first word about a call: its session is started, unless it runs."""
        starting = WithStartWorkflowOperation(
            IvrSessionWorkflow.run,
            start,
            id=session_workflow_id(start.switch_id, start.call_id),
            task_queue=self.task_queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            # A PBX counts its calls anew when it restarts: an id may come again.
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
    cause = error.cause if isinstance(error, WorkflowUpdateFailedError) else None
    if isinstance(cause, ApplicationError):
        return SessionUnanswered(call, cause.type or "failed")
    return SessionUnanswered(call, "timeout")
