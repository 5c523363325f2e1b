"""`offhook ivr`: check a tree, look at it, talk to it, test it, publish it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import typer
from pydantic import BaseModel, ValidationError
from rich.console import Console

from ivr.check import World, check, has_errors
from ivr.drawing import mermaid, outline
from ivr.machine_words import PinAnswer
from ivr.problems import Problem, Severity, TreeInvalid
from ivr.tree_schema import rendered, tree_schema
from ivr.trial import Caller, Scripted, ScriptUnreadable, Setting, run_trial
from ivr.trial_file import Expected, coverage, load_tests, run_tests
from offhook.cli import agent_profile_cmd, ivr_publish_cmd
from offhook.cli.ivr_files import (
    TreeFiles,
    audio_exists,
    read_destinations,
    read_forest,
    read_text,
)
from offhook.cli.ivr_keyboard import Keyboard
from offhook.cli.ivr_page import outline_page, problems_page, tests_page, trial_page
from offhook.cli.output import JsonOption, emit

_Model = TypeVar("_Model", bound=BaseModel)
Agent = Literal["connected", "nobody", "timeout"]

app = typer.Typer(
    name="ivr",
    help="Check, draw, try, test and publish IVR trees.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command("publish")(ivr_publish_cmd.publish)
app.command("list")(ivr_publish_cmd.list_trees)
app.command("route")(ivr_publish_cmd.route)
app.command("unroute")(ivr_publish_cmd.unroute)
app.command("sessions")(ivr_publish_cmd.sessions)
app.command("audio")(ivr_publish_cmd.audio)


@app.callback()
def _ivr() -> None:
    """Choose what to do with a tree."""


@app.command("check")
def check_command(
    files: TreeFiles,
    destinations: Annotated[
        Path | None,
        typer.Option(
            help="What the switch can put calls through to: a number, or `group:5`, a line."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Find what would go wrong on the telephone: dead ends, silent loops, unusable keys, gaps.

    Every finding has a file, a line, the reason and how to mend it. Exits 1 if there are errors.

    Example: offhook ivr check support.yaml sales.yaml --strict
    """
    known = read_destinations(destinations) if destinations else None
    try:
        problems: Sequence[Problem] = check(
            read_forest(files), World(destinations=known, audio=audio_exists)
        )
    except TreeInvalid as error:
        problems = error.problems
    errors = sum(one.severity is Severity.error for one in problems)
    found = {
        "ok": not has_errors(problems),
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [one.model_dump(mode="json") for one in problems],
    }
    emit(found, json_output, problems_page)
    if errors or (strict and problems):
        raise typer.Exit(1)


@app.command("show")
def show_command(
    files: TreeFiles,
    as_mermaid: Annotated[
        bool, typer.Option("--mermaid", help="A Mermaid flow chart, for documents.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Draw a tree in the terminal, or as Mermaid.

    Example: offhook ivr show support.yaml --mermaid
    """
    forest = read_forest(files)
    if as_mermaid and not json_output:
        typer.echo(mermaid(forest), nl=False)
        return
    found: dict[str, Any] = {
        "trees": [tree.model_dump(mode="json") for tree in forest.trees.values()],
        "mermaid": mermaid(forest),
    }
    title = forest.first.title or forest.first.ivr
    emit(found, json_output, lambda _: outline_page(title, outline(forest)))


@app.command("try")
def try_command(
    files: TreeFiles,
    digits: Annotated[
        str | None,
        typer.Option(
            help="What the caller presses: 0-9 * #, `,` a pause, `;` silence, `!` hangs up. "
            "Without it the keyboard is the caller."
        ),
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(help="What must come of it, as KEY=VALUE: end, node, to, customer, said."),
    ] = None,
    pin: Annotated[
        list[str] | None, typer.Option(help="A PIN that is right, as PIN=CUSTOMER.")
    ] = None,
    pin_answer: Annotated[
        PinAnswer | None, typer.Option(help="What every check of a PIN gives.")
    ] = None,
    hook: Annotated[
        list[str] | None, typer.Option(help="What a service answers, as NODE=RESULT.")
    ] = None,
    agent: Annotated[str, typer.Option(help="connected, nobody or timeout.")] = "connected",
    at: Annotated[
        datetime | None, typer.Option(help="When the call comes, in UTC; hours go by it.")
    ] = None,
    calling: Annotated[str | None, typer.Option(help="The number that calls.")] = None,
    language: Annotated[str | None, typer.Option(help="The caller's language.")] = None,
    with_coverage: Annotated[
        bool, typer.Option("--coverage", help="Say which ways this call didn't take.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Talk to a tree: by keyboard, or with a script of keys and what must come of it.

    Example: offhook ivr try support.yaml --digits '1,123456' --pin 123456=C7 --expect end=connected
    """
    forest = read_forest(files)
    expected = _model(Expected, _pairs(expect, "--expect"), "--expect")
    setting = _setting(
        pins=_pairs(pin, "--pin"),
        pin_answer=pin_answer,
        hooks=_pairs(hook, "--hook"),
        agent=agent,
        at=at.replace(tzinfo=UTC) if at else None,
        calling=calling,
        language=language,
    )
    result = run_trial(forest, _caller(digits), setting)
    misses = expected.misses(result)
    found: dict[str, Any] = {
        "result": result.model_dump(mode="json"),
        "misses": misses,
        "told": digits is not None,
    }
    if with_coverage:
        found["coverage"] = coverage(forest, result.ways).model_dump(mode="json")
    emit(found, json_output, trial_page)
    if misses:
        raise typer.Exit(1)


@app.command("test")
def prove(
    files: TreeFiles,
    tests: Annotated[Path, typer.Argument(metavar="TESTS", help="YAML file of scripted calls.")],
    json_output: JsonOption = False,
) -> None:
    """Run a file of scripted calls and say which ways callers can take were never taken.

    Example: offhook ivr test support.yaml support.tests.yaml
    """
    forest = read_forest(files)
    report = run_tests(forest, load_tests(read_text(tests, "TESTS"), str(tests)))
    found = {"passed": report.passed, **report.model_dump(mode="json")}
    emit(found, json_output, tests_page)
    if not report.passed:
        raise typer.Exit(1)


@app.command("schema")
def schema_command(json_output: JsonOption = False) -> None:
    """Print the JSON schema of tree files, for editors that complete and mark.

    Example: offhook ivr schema > ivr-tree.schema.json
    """
    emit(tree_schema(), json_output, lambda _: rendered().rstrip())


def _caller(digits: str | None) -> Caller:
    if digits is None:
        console = Console(stderr=True, soft_wrap=True)
        return Keyboard(console.input, console.print)
    try:
        return Scripted(digits)
    except ScriptUnreadable as error:
        raise typer.BadParameter(str(error), param_hint="--digits") from error


def _pairs(given: Sequence[str] | None, option: str) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for one in given or ():
        key, equals, value = one.partition("=")
        if not equals:
            raise typer.BadParameter("write KEY=VALUE", param_hint=option)
        pairs[key.strip()] = value.strip()
    return pairs


def _setting(agent: str, **given: Any) -> Setting:
    if agent not in get_args(Agent):
        raise typer.BadParameter("connected, nobody or timeout", param_hint="--agent")
    kept = {name: value for name, value in given.items() if value is not None}
    return _model(Setting, {"agent": agent, **kept}, "the options")


def _model(kind: type[_Model], values: dict[str, Any], option: str) -> _Model:
    """A model of what was typed; what it refuses is a wrong command line."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise typer.BadParameter(f"{place}: {first['msg']}", param_hint=option) from error


for _command in (agent_profile_cmd.queue, agent_profile_cmd.caller):
    app.command()(_command)
