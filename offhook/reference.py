"""Pages of `docs/reference` that are made from the code, so that they can't be wrong.

`python -m offhook.reference` writes them; a test compares them.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import typer
from fastapi.routing import APIRoute
from typer.core import TyperCommand, TyperGroup

from dialer.compliance.profiles import PROFILES
from dialer.compliance.words import says
from offhook.accounts.roles import ROLES, Permission, Role
from offhook.api.auth import asks_who, permission_of
from offhook.api.routes import routes
from offhook.cli.main import COMMANDS, load
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


_COMMANDS_INTRODUCTION = """# Commands

With `--json` a command prints one JSON object on standard output and nothing else there; logs go to
standard error. The exit code is 0 for done, 1 for failed, 2 for a wrong command line. A failure
has a code that never changes: see [errors](errors.md). `offhook --home FOLDER` works on the local
stack in that folder."""


def commands() -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    """Every command that does something, by its words, in the order of the help page."""
    for name in COMMANDS:
        yield from _leaves((name,), load(name))


def _leaves(
    words: tuple[str, ...], found: TyperCommand | TyperGroup
) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    if isinstance(found, TyperCommand):
        yield words, found
        return
    for name in found.list_commands(typer.Context(found)):
        inner = found.get_command(typer.Context(found), name)
        if isinstance(inner, TyperCommand | TyperGroup):
            yield from _leaves((*words, name), inner)


def commands_page() -> str:
    """Every command with its help, arguments and options."""
    lines = [_COMMANDS_INTRODUCTION]
    for words, found in commands():
        path = " ".join(("offhook", *words))
        context = typer.Context(found, info_name=path)
        usage = " ".join(found.collect_usage_pieces(context))
        lines += ["", f"## {path}", "", f"`{path} {usage}`", "", cleandoc(found.help or "")]
        rows = [row for row in map(_option, found.get_params(context)) if row]
        if rows:
            lines += ["", "| | default | meaning |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _option(parameter: Any) -> str:
    """A row; typed loosely because Typer keeps the type to itself."""
    if "--help" in parameter.opts:
        return ""
    names = ", ".join((*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = str(getattr(parameter, "metavar", None) or parameter.name).upper().strip("[]")
    default = parameter.default
    shown = "" if default is None or default is False or callable(default) else f"`{default}`"
    meaning = str(getattr(parameter, "help", None) or "").replace("|", "\\|")
    return f"| `{names}` | {shown} | {meaning} |"


_ERRORS_INTRODUCTION = """# Errors

What a command, the API or a workflow says when it refuses or fails. Codes never change; messages
say which thing and mostly what to do about it.

| code | meaning |
|---|---|"""

_ROOTS = ("dialer", "ivr", "activities", "workflows", "offhook")


def errors() -> Mapping[str, str]:
    """Every code that an error of ours has, and the first line of what it means."""
    for root in _ROOTS:
        for module in walk_packages(import_module(root).__path__, f"{root}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:
                import_module(module.name)
    found: dict[str, str] = {}
    waiting: list[type[BaseException]] = [Exception]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            code = vars(kind).get("code")
            if kind.__module__.partition(".")[0] in _ROOTS and isinstance(code, str):
                found.setdefault(code, cleandoc(kind.__doc__ or "").splitlines()[0])
    return dict(sorted(found.items()))


def errors_page() -> str:
    """Every error code and its meaning."""
    rows = [f"| `{code}` | {meaning} |" for code, meaning in errors().items()]
    return "\n".join([_ERRORS_INTRODUCTION, *rows]) + "\n"


_PROFILES_INTRODUCTION = """# Compliance profiles

What `offhook compliance show` says, made from `dialer/compliance/profiles.py`. **Not legal
advice**: a lawyer must check a profile before a campaign relies on it. *Known by* tells how:
`excerpt` was read in an excerpt or summary of the source, `unverified` is general knowledge,
`assumed` was chosen where the source is silent. How rules work together:
[how the law is kept](../explanation/compliance.md)."""


def profiles_page() -> str:
    """Every jurisdiction profile: its rules, the source of each number, and what it leaves out."""
    lines = [_PROFILES_INTRODUCTION]
    for one in PROFILES.values():
        covers = " ".join((*one.regions, *one.areas)) or "every number"
        lines += ["", f"## {one.name}", "", f"{one.title}. Covers: {covers}."]
        if one.includes:
            lines += ["", f"Comes with {', '.join(f'`{name}`' for name in one.includes)}."]
        if one.rules:
            lines += ["", "| rule | says | source | known by |", "|---|---|---|---|"]
        for rule in one.rules:
            source = rule.source
            name = f"`{one.name}/{rule.id}`"
            lines.append(f"| {name} | {says(rule)} | {source.text} | {source.evidence} |")
        if one.notes:
            lines += ["", *(f"- {note}" for note in one.notes)]
    return "\n".join(lines) + "\n"


_API_INTRODUCTION = """# API

Routes of `offhook api`, under `/api/v1`; `GET /api/v1/openapi.json` describes each with its fields
and examples, and asks for nothing. Programs send `Authorization: Bearer TOKEN` of a token with the
route's permission among its scopes (`offhook token create`); browsers have a session, and send
`X-CSRF-Token` with what changes something. How to use it:
[the API](../how-to/api.md), [access](../how-to/accounts.md),
[keep promises to call back](../how-to/callbacks.md).

| route | permission | what it does |
|---|---|---|"""

_ROLES_INTRODUCTION = """
## Roles

What a person may, by role; a token may what its scopes say.

"""


def api_page() -> str:
    """Every route of the API with the permission that it asks for, and who has which."""
    rows = [
        f"| `{method} {route.path}` | {_asked(route)} | {route.summary} |"
        for route in routes()
        for method in sorted(route.methods or ())
    ]
    head = f"| permission | {' | '.join(Role)} |\n|---|{'---|' * len(Role)}"
    table = [
        f"| `{one}` | {' | '.join('yes' if one in ROLES[role] else '' for role in Role)} |"
        for one in Permission
    ]
    return "\n".join([_API_INTRODUCTION, *rows, _ROLES_INTRODUCTION + head, *table]) + "\n"


def _asked(route: APIRoute) -> str:
    permission = permission_of(route)
    if permission is not None:
        return f"`{permission}`"
    return "to be known" if asks_who(route) else "nothing"


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
    "api.md": api_page,
    "compliance-profiles.md": profiles_page,
}


def write() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())


if __name__ == "__main__":
    write()
