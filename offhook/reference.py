"""Pages of `docs/reference` that are made from the code, so that they can't be wrong.

`python -m offhook.reference` writes them; a test compares them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from offhook.settings import CONFIG_VARIABLE, documented

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


_SETTINGS_INTRODUCTION = f"""# Settings

Each setting is an environment variable, or a key in a TOML file: `OFFHOOK_API__PORT=9000` is
`port = 9000` under `[api]`. The environment is stronger than the file. The file is the one that
`{CONFIG_VARIABLE}` names, else `offhook.toml` in the home, else `offhook.toml` in the working
folder. A key that is no setting is an error; `offhook doctor` finds variables that set nothing.

| variable | default | meaning |
|---|---|---|"""


def settings_page() -> str:
    """Every setting, its default and its meaning."""
    lines = [_SETTINGS_INTRODUCTION]
    for variable, default, description in documented():
        shown = f"`{default}`" if default else ""
        lines.append(f"| `{variable}` | {shown} | {description} |")
    return "\n".join(lines) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {"settings.md": settings_page}


def write() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


if __name__ == "__main__":
    write()
