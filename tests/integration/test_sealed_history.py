"""What a Temporal server really keeps, read back raw."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from offhook.errors import TemporalUnreachable
from offhook.settings import Settings, TemporalSettings
from offhook.temporal.client import connect, data_converter
from offhook.temporal.codec import KeyRing, ring_path
from tests.support.sealed_workflow import SealedWorkflow, refuse
from tests.support.stack import TemporalDev

NUMBER = "+37120123456"


def _handle(client: Client, workflow_id: str) -> "WorkflowHandle[SealedWorkflow, str]":
    return client.get_workflow_handle_for(SealedWorkflow.run, workflow_id)


@pytest.fixture
def settings(temporal_dev: TemporalDev, tmp_path: Path) -> Settings:
    temporal = TemporalSettings(address=temporal_dev.address, namespace=temporal_dev.namespace)
    return Settings(home=tmp_path, temporal=temporal)


async def _run(client: Client, workflow_id: str) -> str:
    queue = f"sealed-{uuid4()}"
    async with Worker(client, task_queue=queue, workflows=[SealedWorkflow], activities=[refuse]):
        return await client.execute_workflow(
            SealedWorkflow.run, NUMBER, id=workflow_id, task_queue=queue
        )


async def test_history_holds_nothing_readable_about_a_person(settings: Settings) -> None:
    client = await connect(settings, role="test")
    workflow_id = f"sealed/{uuid4()}"
    assert NUMBER in await _run(client, workflow_id)

    history = await client.get_workflow_handle(workflow_id).fetch_history()
    raw = b"".join(event.SerializeToString() for event in history.events)
    assert len(raw) > 1000
    assert NUMBER.encode() not in raw
    assert b"37120123456" not in raw


async def test_history_stays_readable_when_the_key_was_rotated(settings: Settings) -> None:
    client = await connect(settings, role="test")
    workflow_id = f"sealed/{uuid4()}"
    await _run(client, workflow_id)
    KeyRing.load(settings).rotated(now=datetime.now(UTC)).save(ring_path(settings.home))

    later = await connect(settings, role="test")
    assert NUMBER in await _handle(later, workflow_id).result()


async def test_history_can_be_read_by_no_converter_without_keys(
    settings: Settings, temporal_dev: TemporalDev
) -> None:
    workflow_id = f"sealed/{uuid4()}"
    await _run(await connect(settings, role="test"), workflow_id)
    stranger = await Client.connect(
        temporal_dev.address, namespace=temporal_dev.namespace, data_converter=data_converter(None)
    )
    with pytest.raises(KeyError, match="binary/encrypted"):
        await _handle(stranger, workflow_id).result()


async def test_connect_says_where_it_tried_when_nothing_answers(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, temporal=TemporalSettings(address="127.0.0.1:1"))
    with pytest.raises(TemporalUnreachable, match=r"127\.0\.0\.1:1"):
        await connect(settings)
