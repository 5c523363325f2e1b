"""Calls without a telephone: scripts of keys, what must come of them, and what they cover."""

import pytest

from ivr.gather import Gathered, pause, press
from ivr.problems import TreeInvalid
from ivr.tree_parts import Input
from ivr.trial import Result, Scripted, ScriptUnreadable, Setting, run_trial
from ivr.trial_file import Expected, coverage, load_tests, run_tests
from tests.unit.ivr.trees import TUTORIAL, forest, written

BYE = "bye: {kind: hangup}"


def gathered(entry: Input, keys: str) -> Gathered:
    got = Gathered()
    for key in keys:
        got = pause(got) if key == "," else press(entry, got, key)
    return got


@pytest.mark.parametrize(
    ("entry", "keys", "got", "whole"),
    [
        (Input(length=2), "1", "1", False),
        (Input(length=2), "12", "12", True),
        (Input(length=2), "123", "12", True),
        (Input(length=2), "1,", "1", True),
        (Input.model_validate({"type": 2, "length": 4}), "12#", "12", True),
        (Input.model_validate({"type": 2, "length": 4}), "*1#9", "*1", True),
        (Input.model_validate({"type": 2, "length": 2}), "12", "12", True),
        (Input.model_validate({"type": 3, "length": 4}), "12", "12", False),
        (Input.model_validate({"type": 3, "length": 4}), "12,", "12", True),
        (Input.model_validate({"type": 3, "length": 4}), ",", "", False),
        (Input.model_validate({"type": 0}), "1", "", False),
    ],
)
def test_keys_become_an_input_as_its_type_says(
    entry: Input, keys: str, got: str, whole: bool
) -> None:
    assert gathered(entry, keys) == (got, whole)


def test_gathered_keys_are_not_shown() -> None:
    assert repr(Gathered("4829")) == "Gathered(4 keys, whole=False)"


def call(digits: str, *nodes: str, **setting: object) -> Result:
    return run_trial(written(*nodes), Scripted(digits), Setting.model_validate(setting))


def test_script_of_keys_pauses_and_terminators_goes_through_two_inputs() -> None:
    result = call(
        "1,*123456#",
        "start: {kind: menu, keys: {1: pin}}",
        "pin: {kind: pin, tries: 1, input: {type: terminated, length: 8}, ok: bye, wrong: start}",
        BYE,
        pins={"*123456": "c7"},
    )
    assert (result.end, result.customer) == ("completed", "c7")
    assert result.path == ("t/start", "t/pin", "t/bye")


def test_silence_and_hang_up_are_part_of_a_script() -> None:
    nodes = ("start: {kind: menu, tries: 1, keys: {1: bye}, no_input: quiet}", BYE)
    quiet = "quiet: {kind: menu, keys: {1: bye}}"
    assert call(";1", *nodes, quiet).path == ("t/start", "t/quiet", "t/bye")
    gone = call(";!", *nodes, quiet)
    assert (gone.end, gone.node) == ("hung_up", "quiet")


def test_caller_whose_script_is_over_is_silent_until_the_tree_ends_the_call() -> None:
    assert call("", "start: {kind: menu, keys: {1: bye}}", BYE).end == "no_way_on"
    hold = "start: {kind: node, prompt: {en: Hold.}, loop: true, input: {type: 0}}"
    assert call("", hold).end == "completed"


def test_key_leaves_the_queue_only_if_the_node_lists_it() -> None:
    nodes = ("start: {kind: route, group: g, keys: {9: bye}, nobody: bye}", BYE)
    assert call("9", *nodes).end == "completed"
    assert call("5", *nodes).to == "g"


def test_service_answers_as_the_setting_says() -> None:
    nodes = (
        "start: {kind: hook, url: 'https://x.example', results: {a: bye}, fallback: other}",
        "other: {kind: transfer, to: 5}",
        BYE,
    )
    assert call("", *nodes, hooks={"start": "a"}).end == "completed"
    assert call("", *nodes).to == "5"
    assert call("", *nodes, transfers=False).end == "no_way_on"


def test_script_with_an_unknown_sign_is_refused() -> None:
    with pytest.raises(ScriptUnreadable, match="'x' means nothing"):
        Scripted("1x")


def test_result_that_is_not_as_expected_is_told_in_words() -> None:
    result = call("1", "start: {kind: menu, keys: {1: bye}}", BYE)
    expected = Expected.model_validate(
        {"end": "connected", "to": 5, "through": ["bye", "start"], "avoids": ["bye"], "said": "Hi"}
    )
    assert expected.misses(result) == [
        "end is completed, not connected",
        "to is nothing, not 5",
        "the call didn't come through start in this order",
        "the call came through bye",
        "the caller didn't hear 'Hi'",
    ]


def test_coverage_names_the_ways_that_were_not_taken() -> None:
    tree = written("start: {kind: menu, keys: {1: bye, 2: bye}, no_input: bye}", BYE)
    result = run_trial(tree, Scripted("1"), Setting())
    covered = coverage(tree, result.ways)
    assert (covered.taken, covered.total) == (1, 3)
    assert covered.missing == ("t/start: key 2", "t/start: no_input")


def test_tutorial_tests_pass_and_cover_every_way() -> None:
    text = (TUTORIAL / "support.tests.yaml").read_text(encoding="utf-8")
    report = run_tests(forest(TUTORIAL / "support.yaml"), load_tests(text, "support.tests.yaml"))
    assert {one.name: one.misses for one in report.tests if one.misses} == {}
    assert report.coverage.missing == ()
    assert report.passed


def test_report_fails_when_too_little_is_covered() -> None:
    tree = written("start: {kind: menu, keys: {1: bye, 2: bye}}", BYE)
    text = "coverage: 0.9\ntests: [{name: one, digits: 1, expect: {}}]"
    with pytest.raises(TreeInvalid, match="`digits`"):
        load_tests(text, "t.yaml")
    report = run_tests(tree, load_tests(text.replace("1,", "'1',"), "t.yaml"))
    assert not report.tests[0].misses
    assert not report.passed


def test_pins_of_a_setting_are_not_shown() -> None:
    assert "482915" not in repr(Setting(pins={"482915": "c7"}))
