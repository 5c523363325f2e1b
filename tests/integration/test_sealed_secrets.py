"""Secrets of switches and webhooks in the database: sealed, opened, taken to the newest key."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from dialer.model import SwitchId
from offhook.cli.main import run
from offhook.offices.webhooks import WebhookOffice
from offhook.sealing import MARK, Seals
from offhook.settings import Settings, load_settings
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.switches.inventory import Inventory
from offhook.switches.registry import SwitchConfig
from offhook.temporal.codec import KeyRing
from offhook.webhooks.signing import SecretBox
from tests.support.backend import configure
from tests.support.builders import Rows

TOKEN, HOOK = "the PBX's token", "h" * 32
SWITCH = SwitchConfig(
    switch_id=SwitchId("other"),
    family="voispeed",
    name="other",
    settings={},
    secret=TOKEN,
    hook_secret=HOOK,
)


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("OFFHOOK_DATABASE__URL", database_url)
    return load_settings()


async def _raw(database: Database) -> dict[str, tuple[str, str]]:
    async with database.transaction() as session:
        rows = await session.execute(text("SELECT id, secret, hook_secret FROM switches"))
        return {row.id: (row.secret, row.hook_secret) for row in rows}


async def _command(*words: str) -> None:
    assert await asyncio.to_thread(run, [*words, "--json"]) == 0, words


async def test_a_switch_is_stored_sealed_and_read_as_it_was(
    settings: Settings, database_url: str
) -> None:
    async with Database.open(database_url, seals=Seals.of(settings)) as database:
        store = LinkStore(database)
        await store.save(SWITCH, Inventory(), replace=False, now=datetime.now(UTC))
        secret, hook = (await _raw(database))["other"]
        found = await store.find("other")
    assert TOKEN not in secret
    assert HOOK not in hook
    assert secret.startswith(MARK)
    assert hook.startswith(MARK)
    assert (found.secret, found.hook_secret) == (TOKEN, HOOK)


async def test_secrets_of_before_work_and_are_sealed_with_the_newest_key_by_a_command(
    settings: Settings, database_url: str
) -> None:
    async with Database.open(database_url, seals=Seals.of(settings)) as database:
        await Rows(database).switch()
        await configure(database)  # as a release of before wrote it
        store = LinkStore(database)
        assert (await store.find("pbx")).secret == "t"
        await store.save(SWITCH, Inventory(), replace=False, now=datetime.now(UTC))
        pool = await open_pool(database_url, size=1)
        first = KeyRing.load(settings)
        box = SecretBox.of(first)
        office = WebhookOffice(pool, database, box, settings.webhooks)
        made = await office.add("crm", "https://crm.example.com/x", now=datetime.now(UTC))
        await _command("keys", "rotate")
        await _command("keys", "reseal")

        newest = KeyRing.load(settings)
        only_newest = KeyRing(newest.active, {newest.active: newest.keys[newest.active]})
        kept = await _raw(database)
        key_id, sealed = await office.store.secrets(made.webhook.id)
        await pool.close()
    assert newest.active != first.active
    assert {one.startswith(f"{MARK}{newest.active}:") for row in kept.values() for one in row} == {
        True
    }
    assert SecretBox.of(only_newest).open(key_id, sealed, owner=made.webhook.id) == [made.secret]
    async with Database.open(database_url, seals=Seals(lambda: only_newest)) as database:
        found = {one.name: one.secret for one in await LinkStore(database).switches()}
    assert found == {"pbx": "t", "other": TOKEN}
