"""Reading IVR trees, their tests and what they refer to from a disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ivr.tree import Forest, LoadedTree, plant

TreeFiles = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Tree files; a call begins in the first one."),
]


def read_text(path: Path, hint: str) -> str:
    """The text of a file; one that can't be read is a wrong command line."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(
            f"{path}: {error.strerror}; name a readable file", param_hint=hint
        ) from error
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{path}: not UTF-8; save it as UTF-8", param_hint=hint) from error


def read_forest(files: Sequence[Path]) -> Forest:
    """The trees in these files, or `TreeInvalid`."""
    return plant([(str(path), read_text(path, "FILE")) for path in files])


def audio_exists(loaded: LoadedTree, name: str) -> bool:
    """Whether a tree's audio folder has the file."""
    return (Path(loaded.source.file).parent / loaded.tree.audio / name).is_file()


def read_destinations(path: Path) -> frozenset[str]:
    """What a switch can put calls through to: one number, or `group:5`, a line."""
    lines = read_text(path, "--destinations").splitlines()
    return frozenset(stripped for line in lines if (stripped := line.partition("#")[0].strip()))
