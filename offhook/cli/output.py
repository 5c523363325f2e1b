"""What commands say and in which form: a page for people, one JSON object for programs."""

import asyncio
import json
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, TypeAdapter
from rich.console import Console, RenderableType

from offhook.logging import configure_logging, mask_numbers
from offhook.settings import Settings, load_settings

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object; logs go to standard error.")
]
"""The type of every command's `json_output` parameter: `json_output: JsonOption = False`."""

Result = TypeVar("Result", bound=BaseModel | Mapping[str, Any] | Sequence[Any])
_T = TypeVar("_T")
_OUR_ROOTS = frozenset({"offhook", "workflows", "activities", "ivr", "dialer"})


def prepare(process: str | None = None) -> Settings:
    """The settings of this command, with logging set up by them."""
    settings = load_settings()
    configure_logging(settings.log, process=process)
    return settings


def run_async(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a command's coroutine to its end."""
    return asyncio.run(main)


def emit(
    result: Result, json_output: bool, renderer: Callable[[Result], RenderableType | str]
) -> None:
    """Print `result`: as one JSON document, or as whatever `renderer` makes of it."""
    if json_output:
        document = TypeAdapter(Any).dump_python(_plain(result), mode="json")
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return
    Console(soft_wrap=True).print(renderer(result))


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def report_error(error: Exception, *, json_output: bool) -> None:
    """Tell a failure: what and what next; as JSON on standard output when asked for.

    An error without a code of its own is a bug of ours: its stack trace goes to standard error.
    """
    code = getattr(error, "code", None) if _is_ours(error) else None
    hint = getattr(error, "hint", None)
    if isinstance(error, OSError) and code is None:
        code = "unreachable"
    if code in {"unreachable", "store_unavailable"}:
        hint = "run `offhook doctor`, which checks every connection"
    if not isinstance(code, str):
        sys.stderr.write(mask_numbers("".join(traceback.format_exception(error))))
        code = "internal"
        hint = "this is a bug in offhook; please report it with the lines on standard error"
    message = mask_numbers(str(error) or type(error).__name__)
    if json_output:
        body = {"code": code, "message": message} | ({"hint": hint} if hint else {})
        sys.stdout.write(json.dumps({"error": body}, ensure_ascii=False) + "\n")
        return
    sys.stderr.write(f"error: {message} [{code}]\n")
    if hint:
        sys.stderr.write(f"  next: {hint}\n")


def _is_ours(error: Exception) -> bool:
    """Whether the error is told in offhook's words; libraries have attributes named `code` too."""
    return type(error).__module__.partition(".")[0] in _OUR_ROOTS
