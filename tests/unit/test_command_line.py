"""The top of the command line: quick, lazy, and with errors that say what next."""

import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

from offhook.cli import main
from offhook.cli.output import report_error
from offhook.errors import StackNotRunning


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(
        name in shown and row.help.rstrip(".") in shown for name, row in main.COMMANDS.items()
    )


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'temporalio', 'sqlalchemy', 'fastapi', 'asyncpg', 'numpy', 'rich'}"
    code = (
        "import sys; from offhook.cli.main import run; run(['--help'])\n"
        f"print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("name", sorted(main.COMMANDS))
def test_command_can_be_loaded(name: str) -> None:
    assert find_spec(f"offhook.cli.{main.COMMANDS[name].module}") is not None
    assert main.load(name).help


def test_unknown_command_is_a_usage_error_with_a_suggestion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.run(["doctr"]) == 2
    assert "doctor" in capsys.readouterr().err


def test_failure_says_what_and_what_next_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.run(["db", "status"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "no offhook stack is running" in shown.err
    assert "next: start it with `offhook up`" in shown.err


def test_failure_is_one_object_on_standard_output_when_json_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main.run(["db", "status", "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == StackNotRunning.code
    assert error["hint"] == "start it with `offhook up`"


def test_keys_are_made_listed_and_rotated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["keys", "list", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main.run(["keys", "rotate", "--json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert second["keys"] == [*first["keys"], second["active"]]


def test_unexpected_error_shows_its_trace_without_numbers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report_error(ValueError("bad +37120000000"), json_output=True)
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["code"] == "internal"
    assert "ValueError" in shown.err
    assert "+3712" not in shown.out + shown.err


def test_connection_error_points_to_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    report_error(ConnectionRefusedError(111, "refused"), json_output=False)
    assert "offhook doctor" in capsys.readouterr().err
