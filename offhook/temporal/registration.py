"""What a worker serves, which code it is, and what must be registered in the namespace."""

from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows import search_attributes
from workflows.call_check import ReconcileWorkflow
from workflows.callback import CallbackWorkflow
from workflows.callback_jobs import CallbackMirrorWorkflow, CallbackWakeWorkflow
from workflows.campaign import CampaignWorkflow
from workflows.contact_import import ContactImportWorkflow
from workflows.ivr_session import IvrSessionWorkflow
from workflows.phonebook_sync import PhonebookSyncWorkflow
from workflows.retention import RetentionWorkflow
from workflows.scheduled_job import ScheduledJobWorkflow

log = structlog.get_logger()

WORKFLOWS: tuple[type, ...] = (
    CallbackMirrorWorkflow,
    CallbackWakeWorkflow,
    CallbackWorkflow,
    CampaignWorkflow,
    ContactImportWorkflow,
    IvrSessionWorkflow,
    PhonebookSyncWorkflow,
    ReconcileWorkflow,
    RetentionWorkflow,
    ScheduledJobWorkflow,
)
"""Every workflow type of the task queue."""

KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
_CODE = ("workflows", "activities", "dialer", "ivr")


@cache
def build_id() -> str:
    """The version, and a digest of the code that workflows depend on: two workers of one task
    queue that show different ones don't run the same code.
    """
    digest = blake2b(digest_size=4)
    for package in _CODE:
        for source in sorted(files(package).iterdir(), key=lambda entry: entry.name):
            if source.name.endswith(".py"):
                digest.update(source.read_bytes())
    return f"{version('offhook')}-{digest.hexdigest()}"


async def register_search_attributes(client: Client) -> list[str]:
    """Register what is missing and return the names; safe to repeat.

    A hosted namespace registers by its own tools: being refused is logged, and starting a
    workflow says which name is missing.
    """
    service = client.operator_service
    try:
        known = await service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = [
            key.name for key in search_attributes.ALL if key.name not in known.custom_attributes
        ]
        if missing:
            await service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace,
                    search_attributes=dict.fromkeys(
                        missing, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
                    ),
                )
            )
    except RPCError as error:
        if error.status is RPCStatusCode.UNAVAILABLE:
            raise
        log.warning("search_attributes_not_registered", detail=str(error)[:200])
        return []
    return missing
