"""The baseline's workflow, its activities that do nothing, and the process that runs both.

Not part of the product: nothing but the bench imports this.
"""

import asyncio
import json
import signal
import sys
from datetime import timedelta
from time import time

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "bench-baseline"
READY = "ready"
_LIMIT = timedelta(seconds=30)


@activity.defn(name="baseline.place")
async def place(_name: str) -> None:
    """Dial nobody."""


@activity.defn(name="baseline.bridge")
async def bridge(_name: str) -> float:
    """Connect nobody; say when."""
    return time()


@activity.defn(name="baseline.record")
async def record(_name: str) -> None:
    """Write nothing."""


@workflow.defn(name="BaselineCallWorkflow")
class CallWorkflow:
    """One call: place, answer, bridge, end, record."""

    def __init__(self) -> None:
        self._answered = False
        self._ended = False

    @workflow.run
    async def run(self, name: str) -> float:
        """Return when the bridge was made."""
        await workflow.execute_activity(place, name, start_to_close_timeout=_LIMIT)
        await workflow.wait_condition(lambda: self._answered)
        bridged = await workflow.execute_activity(bridge, name, start_to_close_timeout=_LIMIT)
        await workflow.wait_condition(lambda: self._ended)
        await workflow.execute_activity(record, name, start_to_close_timeout=_LIMIT)
        return bridged

    @workflow.signal
    def answered(self) -> None:
        """Somebody picked up."""
        self._answered = True

    @workflow.signal
    def ended(self) -> None:
        """Somebody hung up."""
        self._ended = True


async def _serve(address: str, namespace: str) -> None:
    client = await Client.connect(address, namespace=namespace)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[CallWorkflow],
        activities=[place, bridge, record],
    ):
        sys.stdout.write(json.dumps(READY) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2]))
