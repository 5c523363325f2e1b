"""Contact files on a real PostgreSQL: every row once, whatever interrupts it."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

import pytest
from temporalio.exceptions import ApplicationError

from activities import imports as imports_module
from activities.contracts import ImportInput, ImportProgress, ImportResult, ImportSource
from activities.imports import ContactImporter
from activities.ports import StoreUnavailable
from dialer.contacts_csv import (
    ChangedFile,
    ColumnChoices,
    FileOptions,
    NoNumberColumn,
    read_contacts,
)
from dialer.model import CampaignId
from dialer.rejections import CampaignUnknown
from offhook.storage.contact_imports import PostgresContactImports
from offhook.storage.database import Database
from offhook.storage.pool import Pool
from offhook.temporal.import_process import ImportProcess
from tests.support.builders import NOW, Rows
from tests.support.contacts import contact_rows

FILE = "".join(contact_rows(120, seed=3, bad_share=0.1)).encode()


class Interrupted(Exception):
    """What a test raises in the middle of an import."""


class _Kept(io.StringIO):
    def close(self) -> None:
        """Stay readable."""


@dataclass
class Files:
    """Contact files in memory."""

    data: bytes = FILE
    refused: dict[str, _Kept] = field(default_factory=dict)

    def read(self, source: ImportSource, ref: str) -> BinaryIO:
        return io.BytesIO(self.data)

    def write(self, path: str) -> TextIO:
        self.refused[path] = _Kept(newline="")
        return self.refused[path]


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def importer(pool: Pool, files: Files, monkeypatch: pytest.MonkeyPatch) -> ContactImporter:
    monkeypatch.setattr(imports_module, "BATCH_ROWS", 25)
    return ContactImporter(imports=PostgresContactImports(pool), blobs=files, clock=lambda: NOW)


def request(campaign: CampaignId, import_id: str = "i1", **changes: object) -> ImportInput:
    asked = ImportInput(import_id=import_id, campaign_id=campaign, ref="leads.csv")
    return asked.model_copy(update=changes)


def quiet(_progress: ImportProgress) -> None:
    """Nobody watches."""


async def listed(pool: Pool) -> list[tuple[object, ...]]:
    """Everything that dialing will see of the list, whatever the ids."""
    rows = await pool.fetch(
        "SELECT c.external_id, c.name, c.attributes, c.priority, n.position, n.number, n.zones"
        " FROM contacts c JOIN numbers n ON n.contact_id = c.id ORDER BY 1, 5"
    )
    return [tuple(row) for row in rows]


async def stored(pool: Pool) -> tuple[int, ...]:
    counted = ("contacts", "numbers", "imports", "import_refusals", "lists")
    return tuple([await pool.fetchval(f"SELECT count(*) FROM {table}") for table in counted])  # noqa: S608 - our names


async def test_every_row_is_a_contact_or_a_refusal(
    importer: ContactImporter, rows: Rows, pool: Pool, files: Files
) -> None:
    campaign = await rows.campaign()
    result = await importer.run(request(campaign, refused_path="bad.csv"), report=quiet)
    done = result.progress
    assert done.rows == done.imported + done.refused == 120
    assert sum(result.reasons.values()) == done.refused
    assert done.refused == files.refused["bad.csv"].getvalue().count("\n") - 1
    contacts, _, imports, refusals, _ = await stored(pool)
    assert (contacts, imports, refusals) == (done.imported, 1, done.refused)


async def test_import_interrupted_anywhere_ends_with_the_same_rows(
    importer: ContactImporter, rows: Rows, pool: Pool, files: Files
) -> None:
    whole = await importer.run(
        request(await rows.campaign("c1"), refused_path="whole"), report=quiet
    )
    expected = await listed(pool)
    await pool.execute("TRUNCATE contacts CASCADE")
    again = request(await rows.campaign("c2"), "i2", refused_path="again")
    for stop_after in (25, 50, 100):

        def stop(progress: ImportProgress, at: int = stop_after) -> None:
            if progress.rows >= at:
                raise Interrupted

        with pytest.raises(Interrupted):
            await importer.run(again, report=stop)
    result = await importer.run(again, report=quiet)
    assert result.progress == whole.progress
    assert result.reasons == whole.reasons
    assert await listed(pool) == expected
    assert files.refused["again"].getvalue() == files.refused["whole"].getvalue()


async def test_import_repeated_under_another_id_adds_nothing(
    importer: ContactImporter, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    first = await importer.run(request(campaign), report=quiet)
    before = await listed(pool)
    second = await importer.run(request(campaign, "i2"), report=quiet)
    assert (second.progress.imported, second.progress.duplicates) == (0, first.progress.imported)
    assert await listed(pool) == before


async def test_import_repeated_under_its_id_merges_no_batch_again(
    importer: ContactImporter, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    first = await importer.run(request(campaign), report=quiet)
    before = await stored(pool)
    assert await importer.run(request(campaign), report=quiet) == first
    assert await stored(pool) == before


async def test_whoever_dials_is_told_of_each_batch_that_brought_somebody(
    importer: ContactImporter, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    batches = 0

    def count(_: ImportProgress) -> None:
        nonlocal batches
        batches += 1

    await importer.run(request(campaign), report=count)
    told = "SELECT count(*) FROM inbox WHERE channel = 'campaign:c1'"
    assert await pool.fetchval(told) == batches + 1 > 2
    await importer.run(request(campaign, "i2"), report=quiet)
    assert await pool.fetchval(told) == batches + 2


async def test_dry_run_counts_like_an_import_and_stores_nothing(
    importer: ContactImporter, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    before = await stored(pool)
    tried = await importer.run(request(campaign, dry_run=True), report=quiet)
    assert await stored(pool) == before
    done = await importer.run(request(campaign), report=quiet)
    assert (tried.progress, tried.reasons) == (done.progress, done.reasons)
    again = await importer.run(request(campaign, "i2", dry_run=True), report=quiet)
    assert again.progress.duplicates == done.progress.imported


async def test_batches_that_a_crash_of_the_database_lost_are_merged_again(
    importer: ContactImporter, rows: Rows, pool: Pool
) -> None:
    campaign = await rows.campaign()
    whole = await importer.run(request(campaign), report=quiet)
    expected = await listed(pool)
    await pool.execute("UPDATE imports SET checkpoint = 0, accepted = 0, duplicates = 0")
    await pool.execute("TRUNCATE contacts CASCADE")
    batch = next(read_contacts(io.BytesIO(FILE), FileOptions(batch_rows=25)))
    with pytest.raises(StoreUnavailable):
        await importer.imports.merge("i1", number=3, batch=batch, now=NOW)
    assert (await importer.run(request(campaign), report=quiet)).progress == whole.progress
    assert await listed(pool) == expected


async def test_file_that_changed_during_an_interrupted_import_is_refused(
    importer: ContactImporter, rows: Rows, files: Files
) -> None:
    campaign = await rows.campaign()

    def stop(_progress: ImportProgress) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        await importer.run(request(campaign), report=stop)
    files.data = FILE.replace(b"Milano", b"Torino")
    with pytest.raises(ChangedFile):
        await importer.run(request(campaign), report=quiet)


async def test_contact_who_lost_one_number_to_the_list_keeps_the_others(
    importer: ContactImporter, rows: Rows, pool: Pool, files: Files
) -> None:
    campaign = await rows.campaign()
    files.data = b"id,phone\nA,3471234567\n"
    await importer.run(request(campaign), report=quiet)
    files.data = b"id,phone,phone2\nB,3471234567,3471234568\n"
    result = await importer.run(request(campaign, "i2"), report=quiet)
    assert (result.progress.imported, result.progress.duplicates) == (1, 0)
    assert [(row[0], row[5]) for row in await listed(pool)] == [
        ("A", "+393471234567"),
        ("B", "+393471234568"),
    ]


async def test_zone_and_language_of_the_file_win_over_what_a_prefix_tells(
    importer: ContactImporter, rows: Rows, pool: Pool, files: Files
) -> None:
    files.data = b"phone,area,lang\n3471234567,America/Lima,es\n3471234568,,\n"
    chosen = ColumnChoices(zone="area")
    await importer.run(request(await rows.campaign(), columns=chosen), report=quiet)
    found = {row[5]: (row[6], row[2]) for row in await listed(pool)}
    assert found == {
        "+393471234567": (["America/Lima"], '{"language": "es"}'),
        "+393471234568": (["Europe/Rome", "Europe/Vatican"], "{}"),
    }


async def test_refused_rows_can_be_mended_and_imported_again(
    importer: ContactImporter, rows: Rows, pool: Pool, files: Files
) -> None:
    campaign = await rows.campaign()
    files.data = 'id;phone;note\nA;3471234567;"two\nlines"\nB;12;=città\n'.encode("cp1252")
    await importer.run(request(campaign, refused_path="bad"), report=quiet)
    files.data = files.refused["bad"].getvalue().replace(",12,", ",3471234568,").encode()
    result = await importer.run(request(campaign, "i2"), report=quiet)
    assert (result.progress.imported, result.progress.refused) == (1, 0)
    assert [(row[0], row[2]) for row in await listed(pool)] == [
        ("A", '{"note": "two\\nlines"}'),
        ("B", '{"note": "=città"}'),
    ]


async def test_unreadable_file_leaves_a_failed_import(
    importer: ContactImporter, rows: Rows, pool: Pool, files: Files
) -> None:
    files.data = b"name,city\nAnna,Roma\n"
    with pytest.raises(NoNumberColumn):
        await importer.run(request(await rows.campaign()), report=quiet)
    row = await pool.fetchrow("SELECT state, error FROM imports")
    assert row["state"] == "failed"
    assert "looks like phone numbers" in row["error"]


async def test_campaign_that_is_not_there_takes_no_contacts(importer: ContactImporter) -> None:
    with pytest.raises(CampaignUnknown):
        await importer.run(request(CampaignId("nobody")), report=quiet)


async def test_process_of_its_own_imports_the_same(
    rows: Rows, database: Database, pool: Pool, tmp_path: Path
) -> None:
    campaign = await rows.campaign()
    file = tmp_path / "leads.csv"
    file.write_bytes(FILE)
    seen = list[ImportProgress]()
    result = await ImportProcess(database.url).run(
        request(campaign, ref=str(file), refused_path=str(tmp_path / "bad.csv")),
        report=seen.append,
    )
    assert isinstance(result, ImportResult)
    assert seen[-1] == result.progress
    assert (await stored(pool))[0] == result.progress.imported
    assert (tmp_path / "bad.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("changes", "code", "final"),
    [
        ({"ref": "/nowhere.csv"}, "contact_file_unreadable", True),
        ({"campaign_id": "nobody"}, "campaign_unknown", True),
    ],
)
async def test_process_tells_what_a_person_must_put_right(
    rows: Rows,
    database: Database,
    tmp_path: Path,
    changes: dict[str, object],
    code: str,
    final: bool,
) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(FILE)
    asked = request(await rows.campaign(), ref=str(file)).model_copy(update=changes)
    with pytest.raises(ApplicationError) as refused:
        await ImportProcess(database.url).run(asked, report=quiet)
    assert (refused.value.type, refused.value.non_retryable) == (code, final)


async def test_process_that_finds_no_database_may_be_asked_again(tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@localhost/none?host={tmp_path}"
    with pytest.raises(ApplicationError) as refused:
        await ImportProcess(nowhere).run(request(CampaignId("c1")), report=quiet)
    assert refused.value.type == StoreUnavailable.code
    assert not refused.value.non_retryable


async def test_process_is_killed_when_nobody_waits_for_it(
    rows: Rows, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(FILE)

    def stop(_progress: ImportProgress) -> None:
        raise Interrupted

    asked = request(await rows.campaign(), ref=str(file))
    with pytest.raises(Interrupted):
        await ImportProcess(database.url).run(asked, report=stop)
