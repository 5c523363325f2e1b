"""Record golden histories: `python -m tests.replay.record [NAME...]`, then commit what changed.

Run it when a workflow's commands change on purpose, that is behind `workflow.patched` for every
history that may still be running. A history of a shipped version is kept, under another name, for
as long as such workflows may run.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from activities.contracts import CampaignResult, DialReason
from dialer.model import CampaignPhase
from offhook.temporal.client import data_converter
from tests.replay.callbacks import CALLBACKS, record_callback
from tests.replay.ivr import SESSIONS, record_session
from tests.replay.pbx_jobs import JOBS, record_job
from tests.replay.schedules import RUNS, record_run
from tests.support.campaigns import FakeFloor, campaign_settings, campaigns_on, in_phase, until
from tests.support.stack import time_skipping_server
from tests.workflow.test_campaign_orders import change, pause, resume, stop
from workflows.campaign import CampaignWorkflow

HISTORIES = Path(__file__).parent / "histories"
FINGERPRINTS = Path(__file__).parent / "fingerprints.json"
COMMANDS = frozenset(
    {
        "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED",
        "EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED",
        "EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED",
        "EVENT_TYPE_TIMER_STARTED",
        "EVENT_TYPE_TIMER_CANCELED",
        "EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
        "EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED",
        "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED",
        "EVENT_TYPE_WORKFLOW_EXECUTION_FAILED",
        "EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED",
        "EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW",
    }
)
"""Events that a workflow's own decisions make."""

Handle = WorkflowHandle[CampaignWorkflow, CampaignResult]
Scenario = Callable[[Handle, FakeFloor], Awaitable[None]]


async def _completed(_handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: floor.dialing == 1)
    floor.finish()


async def _ordered(handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: floor.dialing == 1)
    await pause(handle, clear=True)
    await change(handle)
    await resume(handle)
    await stop(handle)


async def _closed(handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: floor.dialing == 1)
    await change(handle, settings=campaign_settings("never"))
    await in_phase(handle, CampaignPhase.scheduled)
    await stop(handle)


async def _renewed(handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: floor.dialing == 1)
    await change(handle)
    await until(lambda: floor.dials == 2 and floor.dialing == 1)
    floor.finish()


async def _cancelled(handle: Handle, floor: FakeFloor) -> None:
    await until(lambda: floor.dialing == 1)
    await handle.cancel()


SCENARIOS: dict[str, tuple[Callable[[], FakeFloor], Scenario, int]] = {
    "campaign-completed": (FakeFloor, _completed, 1_000),
    "campaign-ordered": (FakeFloor, _ordered, 1_000),
    "campaign-window-closed": (FakeFloor, _closed, 1_000),
    "campaign-renewed": (FakeFloor, _renewed, 1),
    "campaign-cancelled": (FakeFloor, _cancelled, 1_000),
    "campaign-late-order": (
        lambda: FakeFloor(script=[DialReason.window_closed, DialReason.exhausted]),
        lambda _handle, _floor: asyncio.sleep(0),
        1_000,
    ),
}


def fingerprint(history: dict[str, Any]) -> str:
    """A digest of the commands that a history holds, in order."""
    lines = []
    for event in history["events"]:
        if event["eventType"] in COMMANDS:
            scheduled = event.get("activityTaskScheduledEventAttributes", {})
            lines.append(
                f"{event['eventType']} {scheduled.get('activityType', {}).get('name', '')}"
            )
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


async def record(name: str) -> dict[str, Any]:
    """Live through one scenario and return the history of its first run."""
    make_floor, live, renew_after = SCENARIOS[name]
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=time_skipping_server(), data_converter=data_converter(None)
    ) as environment:
        floor = make_floor()
        async with campaigns_on(environment.client, floor) as campaigns:
            handle = await campaigns.start(campaign=name, renew_after=renew_after)
            newest: WorkflowHandle[CampaignWorkflow, CampaignResult] = (
                environment.client.get_workflow_handle_for(CampaignWorkflow.run, handle.id)
            )
            await live(newest, floor)
            await asyncio.gather(newest.result(), return_exceptions=True)
            first = environment.client.get_workflow_handle(
                handle.id, run_id=handle.first_execution_run_id
            )
            history: dict[str, Any] = _anonymous(
                json.loads((await first.fetch_history()).to_json())
            )
            return history


_MASKED = {"identity": "recorder", "stackTrace": ""}


def _anonymous(value: Any) -> Any:
    """The same without the name and the folders of the machine that recorded it."""
    if isinstance(value, dict):
        return {key: _MASKED.get(key, _anonymous(inner)) for key, inner in value.items()}
    return [_anonymous(inner) for inner in value] if isinstance(value, list) else value


def load(name: str) -> WorkflowHistory:
    """A recorded history."""
    return WorkflowHistory.from_json(name, (HISTORIES / f"{name}.json").read_text())


async def _recorded(name: str) -> dict[str, Any]:
    if name in CALLBACKS:
        found: dict[str, Any] = _anonymous(await record_callback(name))
        return found
    if name in JOBS:
        job: dict[str, Any] = _anonymous(await record_job(name))
        return job
    if name in SESSIONS:
        session: dict[str, Any] = _anonymous(await record_session(name))
        return session
    if name in RUNS:
        run: dict[str, Any] = _anonymous(await record_run(name))
        return run
    return await record(name)


async def main(names: list[str]) -> None:
    """Record these scenarios anew, or every one."""
    found = json.loads(await asyncio.to_thread(FINGERPRINTS.read_text)) if names else {}
    for name in names or [*SCENARIOS, *JOBS, *CALLBACKS, *SESSIONS, *RUNS]:
        history = await _recorded(name)
        text = json.dumps(history, indent=1, sort_keys=True)
        await asyncio.to_thread((HISTORIES / f"{name}.json").write_text, text + "\n")
        found[name] = fingerprint(history)
    text = json.dumps(found, indent=1, sort_keys=True)
    await asyncio.to_thread(FINGERPRINTS.write_text, text + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
