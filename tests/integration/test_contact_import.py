"""An import is one activity: its result is the workflow's, its refusal too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker

from activities.contracts import ImportInput, ImportPhase, ImportProgress, ImportResult
from dialer.model import CampaignId
from offhook.temporal.campaigns import CampaignDesk, OrderRefused
from offhook.temporal.registration import register_search_attributes
from tests.support.campaigns import trouble
from workflows.contact_import import ContactImportWorkflow

REQUEST = ImportInput(import_id="i1", campaign_id=CampaignId("c1"), ref="/tmp/leads.csv")  # noqa: S108 - never opened
RESULT = ImportResult(import_id="i1", progress=ImportProgress(rows=3, imported=2, refused=1))


class _Importer:
    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    @activity.defn(name="contacts.import")
    async def run(self, request: ImportInput) -> ImportResult:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return RESULT


@asynccontextmanager
async def _desk(client: Client, importer: _Importer) -> AsyncIterator[CampaignDesk]:
    await register_search_attributes(client)
    queue = f"test-{uuid4().hex[:8]}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[ContactImportWorkflow],
        activities=[importer.run],
    ):
        yield CampaignDesk(client, task_queue=queue)


async def test_import_gives_the_same_result_when_it_is_repeated_by_id(
    temporal_client: Client,
) -> None:
    request = REQUEST.model_copy(update={"import_id": uuid4().hex})
    importer = _Importer(trouble("store_unavailable"))
    async with _desk(temporal_client, importer) as desk:
        first = await desk.import_result(await desk.start_import(request))
        handle = await desk.start_import(request)
        assert await desk.import_result(handle) == first == RESULT
        assert (await handle.query(ContactImportWorkflow.snapshot)).phase is ImportPhase.completed
    assert importer.calls == 2


async def test_import_may_be_repeated_by_id_when_its_file_was_refused(
    temporal_client: Client,
) -> None:
    request = REQUEST.model_copy(update={"import_id": uuid4().hex})
    importer = _Importer(trouble("empty_file", final=True))
    async with _desk(temporal_client, importer) as desk:
        with pytest.raises(OrderRefused) as refusal:
            await desk.import_result(await desk.start_import(request))
        assert refusal.value.code == "empty_file"
        assert await desk.import_result(await desk.start_import(request)) == RESULT
