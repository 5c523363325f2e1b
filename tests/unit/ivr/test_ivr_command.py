"""`offhook ivr`: what it prints and with which exit code."""

import io
import json
import shutil
from pathlib import Path

import pytest

from ivr.machine_words import Collect
from ivr.tree_parts import Input
from offhook.cli import main
from offhook.cli.ivr_keyboard import Keyboard
from tests.unit.ivr.trees import BROKEN, TUTORIAL

SUPPORT = str(TUTORIAL / "support.yaml")
TESTS = str(TUTORIAL / "support.tests.yaml")

Captured = pytest.CaptureFixture[str]


def said(capsys: Captured, *given: str, code: int = 0) -> str:
    assert main.run(["ivr", *given]) == code
    return capsys.readouterr().out


def object_of(capsys: Captured, *given: str, code: int = 0) -> dict[str, object]:
    made = json.loads(said(capsys, *given, "--json", code=code))
    assert isinstance(made, dict)
    return made


def test_check_is_content_with_the_tutorial(capsys: Captured) -> None:
    assert "no errors, no warnings" in said(capsys, "check", SUPPORT, "--strict")


def test_check_names_file_line_reason_and_remedy(capsys: Captured) -> None:
    path = BROKEN / "dead_end.yaml"
    shown = said(capsys, "check", str(path), code=1)
    assert f"{path}:5:3: error 'hello' leads nowhere" in shown
    assert "add `next:`" in shown
    found = object_of(capsys, "check", str(path), code=1)
    assert (found["ok"], found["errors"], found["warnings"]) == (False, 1, 0)


def test_check_lists_what_cannot_be_read_like_any_finding(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "t.yaml").write_text("ivr: t\nnodes: {}\n")
    found = object_of(capsys, "check", str(tmp_path / "t.yaml"), code=1)
    assert found["errors"] == 3


def test_warnings_fail_only_when_strict(capsys: Captured) -> None:
    path = str(BROKEN / "unreachable.yaml")
    assert "no errors, 1 warning" in said(capsys, "check", path)
    said(capsys, "check", path, "--strict", code=1)


def test_check_looks_for_audio_files_beside_the_tree(tmp_path: Path, capsys: Captured) -> None:
    shutil.copy(BROKEN / "prompts.yaml", tmp_path / "t.yaml")
    assert "prompt_file_missing" in said(capsys, "check", str(tmp_path / "t.yaml"), code=1)
    (tmp_path / "hello.wav").touch()
    assert "prompt_file_missing" not in said(capsys, "check", str(tmp_path / "t.yaml"), code=1)


def test_check_holds_destinations_against_those_of_the_switch(
    tmp_path: Path, capsys: Captured
) -> None:
    known = tmp_path / "switch.txt"
    known.write_text("385  # reception\ngroup:77\n\n")
    path = str(BROKEN / "destinations.yaml")
    said(capsys, "check", path, "--destinations", str(known))
    known.write_text("385\n")
    assert "group:77" in said(capsys, "check", path, "--destinations", str(known), code=1)


def test_file_that_is_not_there_is_a_wrong_command_line(capsys: Captured) -> None:
    assert main.run(["ivr", "check", "nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err


def test_show_draws_each_node_once(capsys: Captured) -> None:
    shown = said(capsys, "show", SUPPORT)
    assert "Support for subscribers" in shown
    assert shown.count("reception transfer to 100") == 1
    assert "failed ↑ reception" in shown


def test_show_marks_what_is_missing(capsys: Captured) -> None:
    assert "slaes (missing)" in said(capsys, "show", str(BROKEN / "targets.yaml"))


def test_show_writes_mermaid(capsys: Captured) -> None:
    drawn = said(capsys, "show", SUPPORT, "--mermaid")
    assert drawn.startswith("flowchart TD\n")
    assert 'n_support__pin -->|"ok"| n_support__pin_ok' in drawn
    assert object_of(capsys, "show", SUPPORT)["mermaid"] == drawn


def test_try_runs_a_script_and_compares(capsys: Captured) -> None:
    given = ["try", SUPPORT, "--digits", "1,482915", "--pin", "482915=c7"]
    shown = said(capsys, *given, "--expect", "end=connected", "--expect", "customer=c7")
    assert "connected at engineer to Group_support" in shown
    shown = said(capsys, *given, "--expect", "node=reception", code=1)
    assert "node is engineer, not reception" in shown


def test_try_never_prints_a_pin(capsys: Captured) -> None:
    given = ["try", SUPPORT, "--digits", "1,482915", "--pin", "482915=c7", "--coverage"]
    for form in ([], ["--json"]):
        assert "482915" not in said(capsys, *given, *form)


def test_try_says_what_was_not_covered(capsys: Captured) -> None:
    shown = said(capsys, "try", SUPPORT, "--digits", "9", "--coverage")
    assert "2 of 17 ways taken" in shown
    assert "not taken: support/pin: wrong" in shown


@pytest.mark.parametrize(
    "given",
    [
        ["--digits", "1x"],
        ["--digits", "1", "--expect", "connected"],
        ["--digits", "1", "--expect", "colour=red"],
        ["--digits", "1", "--agent", "asleep"],
    ],
)
def test_try_refuses_options_that_make_no_sense(given: list[str], capsys: Captured) -> None:
    assert main.run(["ivr", "try", SUPPORT, *given]) == 2
    assert "Invalid value" in capsys.readouterr().err


def test_try_talks_to_a_person_at_a_keyboard(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n111111\n482915\n"))
    assert main.run(["ivr", "try", SUPPORT, "--pin", "482915=c7", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["result"]["end"] == "connected"
    assert "IVR Digiti il suo PIN" in shown.err
    assert "Restano 2 tentativi." in shown.err


def test_keyboard_asks_again_for_what_is_no_key_and_hangs_up_at_the_end() -> None:
    lines = iter(["hello", "12", "", "!"])
    shown: list[str] = []

    def read(_prompt: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    keyboard = Keyboard(read, shown.append)
    wanted = Collect(turn=1, input=Input(length=2))
    assert [keyboard.keys(wanted) for _ in range(4)] == ["12", "", None, None]
    assert "only 0-9" in shown[0]


def test_test_runs_a_file_of_calls(capsys: Captured) -> None:
    shown = said(capsys, "test", SUPPORT, TESTS)
    assert "passed  the right PIN reaches the support group" in shown
    assert "17 of 17 ways taken (100%)" in shown
    assert object_of(capsys, "test", SUPPORT, TESTS)["passed"] is True


def test_test_fails_and_says_what_is_not_as_expected(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "tests.yaml"
    path.write_text("tests: [{name: wrong, digits: '9', expect: {end: connected}}]")
    shown = said(capsys, "test", SUPPORT, str(path), code=1)
    assert "failed  wrong" in shown
    assert "end is completed, not connected" in shown


def test_tests_that_cannot_be_read_are_told_with_their_line(
    tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "tests.yaml"
    path.write_text("tests:\n  - name: x\n    expect: {ende: connected}\n")
    assert main.run(["ivr", "test", SUPPORT, str(path)]) == 1
    assert f"{path}:3:14: error" in capsys.readouterr().err


def test_schema_is_printed(capsys: Captured) -> None:
    assert json.loads(said(capsys, "schema"))["title"] == "An offhook IVR tree"
