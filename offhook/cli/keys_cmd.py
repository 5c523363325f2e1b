"""`offhook keys`: the keys that seal what Temporal stores."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import typer

from offhook.cli.output import JsonOption, emit, prepare, run_async
from offhook.errors import KeyRingError
from offhook.home import database_url
from offhook.offices.webhooks import WebhookOffice
from offhook.sealing import Seals
from offhook.storage.database import Database
from offhook.storage.link_store import LinkStore
from offhook.storage.pool import open_pool
from offhook.temporal.codec import KeyRing, ring_path
from offhook.webhooks.signing import SecretBox

app = typer.Typer(
    help="List and rotate the keys that seal what Temporal stores.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_keys(json_output: JsonOption = False) -> None:
    """Show the ids of the keys, and which of them encrypts; never the keys.

    Example: offhook keys list
    """
    _show(KeyRing.load(prepare()), json_output)


@app.command()
def rotate(json_output: JsonOption = False) -> None:
    """Make a new key the active one; old ones stay, to read what they sealed.

    Example: offhook keys rotate
    """
    settings = prepare()
    if settings.encryption.keys:
        raise KeyRingError(
            "the keys are set by OFFHOOK_ENCRYPTION__KEYS, which a command can't change",
            hint="add a key there, and name it in OFFHOOK_ENCRYPTION__ACTIVE",
        )
    ring = KeyRing.load(settings).rotated(now=datetime.now(UTC))
    ring.save(ring_path(settings.home))
    _show(ring, json_output)


@app.command()
def reseal(json_output: JsonOption = False) -> None:
    """Seal the secrets in the database with the active key: those of switches and webhooks.

    Secrets of before they were sealed are sealed too. Afterwards no secret needs an old key, but
    histories and PINs may.

    Example: offhook keys rotate && offhook keys reseal
    """
    settings = prepare()

    async def work() -> dict[str, int]:
        async with AsyncExitStack() as stack:
            url = database_url(settings)
            database = await stack.enter_async_context(
                Database.open(url, pool_size=1, seals=Seals.of(settings))
            )
            pool = await open_pool(url, size=1, application="offhook-cli")
            stack.push_async_callback(pool.close)
            box = SecretBox.of(KeyRing.load(settings))
            office = WebhookOffice(pool, database, box, settings.webhooks)
            return {
                "switches": await LinkStore(database).reseal(),
                "webhooks": await office.reseal(),
            }

    emit(
        run_async(work()),
        json_output,
        lambda done: f"sealed anew: {done['switches']} switches, {done['webhooks']} webhooks",
    )


def _show(ring: KeyRing, json_output: bool) -> None:
    document = {"active": ring.active, "keys": list(ring.keys)}
    emit(
        document,
        json_output,
        lambda _: "\n".join(
            f"{name}  {'encrypts' if name == ring.active else 'decrypts'}" for name in ring.keys
        ),
    )
