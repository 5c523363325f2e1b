"""Callbacks from a file, on a real PostgreSQL."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dialer.contacts_csv import FileOptions
from offhook.callback_import import CallbackImport
from offhook.storage.callback_lists import CallbackLists, CallbackListView
from offhook.storage.database import Database
from tests.support.callbacks import AFTERNOON, MORNING

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FILE = """name;phone;due;Ditta;period
Anna;+39 02 3021 0082;05/03/2026;Rossi S.r.l.;Morning
Bruno;3489654123;01/03/2026;;
Carla;3489654124;06/03/2026;;Night
Dario;347;06/03/2026;;
Elena;3489654125;;;
"""


@pytest.fixture
async def lists(database: Database) -> CallbackLists:
    made = CallbackLists(database)
    view = CallbackListView(
        list_id="support",
        name="Support",
        queue="",
        campaign_id=None,
        switch_id=None,
        external_id="",
        rules={},
        periods=(MORNING, AFTERNOON),
    )
    await made.create(view, now=NOW)
    return made


@pytest.fixture
def promises(tmp_path: Path) -> Path:
    path = tmp_path / "promises.csv"
    path.write_bytes(FILE.replace("Elena", "Eléna").encode("cp1252"))
    return path


async def test_file_is_booked_once_and_its_refused_rows_say_why(
    lists: CallbackLists, promises: Path, tmp_path: Path
) -> None:
    importing = CallbackImport(lists.database, FileOptions(), {"company": "Ditta"})
    refused = tmp_path / "refused.csv"
    dry = await importing.run("Support", promises, now=NOW, dry_run=True)
    assert (dry.booked, dry.refused) == (2, 3)
    assert await lists.rows(None) == []
    done = await importing.run("Support", promises, now=NOW, refused_path=refused)
    assert (done.rows, done.booked, done.known) == (5, 2, 0)
    assert {"callback_in_the_past", "callback_period_unknown"} < set(done.reasons)
    lines = refused.read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == ["3", "4", "5"]
    assert "Bruno" in lines[1]
    again = await importing.run("Support", promises, now=NOW)
    assert (again.booked, again.known) == (0, 2)
    first, second = sorted(
        (row.promise.request for row in await lists.rows(None)), key=lambda one: one.last_name
    )
    assert (first.company, first.due_on, first.period) == (
        "Rossi S.r.l.",
        date(2026, 3, 5),
        MORNING,
    )
    assert (second.last_name, second.due_on, second.period) == ("Eléna", NOW.date(), AFTERNOON)
