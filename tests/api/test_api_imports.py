"""Contact files over HTTP: streamed to disk, taken up by a worker, refused rows given back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from activities.imports import ImportActivities
from offhook.storage.database import Database
from offhook.temporal.import_process import ImportProcess
from tests.support.backend import served
from tests.support.builders import Rows
from workflows.contact_import import ContactImportWorkflow

FILE = 'Name,"Tel. 1"\nRossi,+390551234567\n=cmd(),nothing\n'


@dataclass
class Importing:
    """The API, and a worker that takes imports up."""

    api: httpx.AsyncClient
    uploads: Path

    async def ended(self, import_id: str) -> dict[str, Any]:
        """The import once it has ended."""
        async with asyncio.timeout(30):
            while True:
                found = await self.api.get(f"campaigns/c1/imports/{import_id}")
                told: dict[str, Any] = found.json()
                if found.status_code == 200 and told["phase"] != "running":
                    return told
                await asyncio.sleep(0.1)


@pytest.fixture
async def importing(
    database: Database, database_url: str, temporal_client: Client, tmp_path: Path
) -> AsyncIterator[Importing]:
    rows = Rows(database)
    await rows.switch()
    await rows.campaign("c1")
    queue = f"test-{uuid4().hex[:8]}"
    async with (
        Worker(
            temporal_client,
            task_queue=queue,
            workflows=[ContactImportWorkflow],
            activities=[ImportActivities(ImportProcess(database_url)).import_contacts],
        ),
        served(database, client=temporal_client, task_queue=queue, home=tmp_path) as app,
        app.client() as api,
    ):
        yield Importing(api, tmp_path / "uploads")


async def test_a_form_with_a_file_is_imported_and_its_refused_rows_are_safe(
    importing: Importing,
) -> None:
    api = importing.api
    begun = await api.post(
        "campaigns/c1/imports",
        params={"map": "number=Tel. 1", "list": "new"},
        files={"file": ("leads.csv", FILE, "text/csv")},
    )
    assert begun.status_code == 202, begun.text
    import_id = begun.json()["import_id"]
    told = await importing.ended(import_id)
    assert (told["phase"], told["progress"]["imported"]) == ("completed", 1), told
    assert sum(told["reasons"].values()) == 1
    refused = await api.get(f"campaigns/c1/imports/{import_id}/refused")
    assert refused.headers["content-type"].startswith("text/csv")
    assert "'=cmd()" in refused.text
    assert (await api.get("campaigns/c1/lists/new")).json()["contacts"] == 1
    (listed,) = (await api.get("campaigns/c1/imports")).json()["items"]
    assert (listed["import_id"], listed["refused"]) == (import_id, 1)


async def test_a_dry_run_of_a_plain_body_counts_and_stores_nothing(importing: Importing) -> None:
    begun = await importing.api.post(
        "campaigns/c1/imports",
        params={"map": "number=Tel. 1", "dry_run": True},
        content=FILE,
        headers={"content-type": "text/csv"},
    )
    told = await importing.ended(begun.json()["import_id"])
    assert (told["dry_run"], told["progress"]["imported"]) == (True, 1)
    assert (await importing.api.get("campaigns/c1/imports")).json()["items"] == []


async def test_a_file_that_can_not_be_imported_leaves_nothing_behind(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, at = importing.api, "campaigns/c1/imports"
    monkeypatch.setattr("offhook.api.frame.MAX_UPLOAD", 1_000)
    large = await api.post(at, content=b"x" * 2_000, headers={"content-type": "text/csv"})
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    empty = await api.post(at, files={"other": ("a.csv", FILE, "text/csv")})
    assert (empty.status_code, empty.json()["code"]) == (400, "file_missing")
    wrong = await api.post(at, params={"map": "nothing"}, content=FILE)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "column_mapping_invalid")
    unknown = await api.get(f"{at}/none")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "import_not_found")
    assert list(importing.uploads.glob("*")) == []
