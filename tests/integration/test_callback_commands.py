"""`offhook callback remove` on a real database and a real Temporal."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from offhook.callbacks import CallbackOffice, NewCallback
from offhook.cli import main
from offhook.storage.callback_lists import CallbackLists
from offhook.storage.database import Database
from tests.integration.test_callback_promise import LIST


async def test_list_is_removed_with_its_callbacks_once_that_is_confirmed(
    database: Database, services_env: None, capsys: pytest.CaptureFixture[str]
) -> None:
    lists, now = CallbackLists(database), datetime.now(UTC)
    await lists.create(LIST, now=now)
    new = NewCallback(numbers=("+390230210082",), due_on=now.date() + timedelta(days=60))
    await CallbackOffice(database).book(LIST.list_id, new, now=now)

    async def run(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main.run, ["callback", "remove", *words])
        return code, capsys.readouterr().out

    asked, _ = await run("Support")
    assert asked != 0
    assert [one.name for one in await lists.all(now=now)] == ["Support"]
    code, said = await run("Support", "--yes", "--json")
    assert (code, json.loads(said)) == (0, {"removed": "Support", "open_callbacks": 1})
    assert await lists.all(now=now) == []
    assert await lists.rows(None) == []
    again, _ = await run("Support", "--yes")
    assert again == 1
