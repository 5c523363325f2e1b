"""`offhook keys`: the keys that seal what Temporal stores."""

from datetime import UTC, datetime

import typer

from offhook.cli.output import JsonOption, emit, prepare
from offhook.errors import KeyRingError
from offhook.temporal.codec import KeyRing, ring_path

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


def _show(ring: KeyRing, json_output: bool) -> None:
    document = {"active": ring.active, "keys": list(ring.keys)}
    emit(
        document,
        json_output,
        lambda _: "\n".join(
            f"{name}  {'encrypts' if name == ring.active else 'decrypts'}" for name in ring.keys
        ),
    )
