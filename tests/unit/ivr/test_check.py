"""Static analysis finds what would go wrong on the telephone, at the right line."""

from pathlib import Path

import pytest

from ivr.check import World, check, has_errors
from ivr.problems import Problem, Severity
from ivr.tree import Forest, load
from tests.unit.ivr.trees import BROKEN, TUTORIAL, expected, forest, written

WORLD = World(destinations={"385", "group:5"}, audio=lambda loaded, name: False)


def found(*nodes: str, head: str = "") -> dict[str, Problem]:
    return {one.code: one for one in check(written(*nodes, head=head))}


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_broken_tree_is_reported_with_the_right_lines(path: Path) -> None:
    problems = check(forest(path), WORLD)
    assert {(one.line, one.code) for one in problems} == expected(path)
    assert all(one.file == path.name and one.why and one.mend for one in problems)


def test_there_are_ten_broken_trees_at_least() -> None:
    assert sum(bool(expected(path)) for path in BROKEN.glob("*.yaml")) >= 10


def test_tutorial_tree_has_no_finding() -> None:
    assert check(forest(TUTORIAL / "support.yaml")) == []


def test_finding_says_how_to_mend_it() -> None:
    problem = found("start: {kind: message, prompt: {en: Hi.}, next: by}", "bye: {kind: hangup}")[
        "target_unknown"
    ]
    assert problem.mend == "did you mean 'bye'?"
    assert str(problem).startswith("t.yaml:6:")


def test_loop_over_two_trees_without_a_key_is_found() -> None:
    first = written("start: {kind: goto, tree: u}").loaded[0]
    text = "ivr: u\nlanguage: en\nstart: back\nnodes:\n  back: {kind: goto, tree: t}\n"
    codes = {one.code for one in check(Forest((first, load(text, "u.yaml"))))}
    assert codes == {"silent_loop", "goto_cycle", "trap"}


def test_loop_that_waits_for_an_agent_is_only_a_warning() -> None:
    problems = found(
        "start: {kind: route, nobody: bye, timeout: again}",
        "again: {kind: message, prompt: {en: Please hold.}, next: start}",
        "bye: {kind: hangup}",
    )
    assert problems["silent_loop"].severity is Severity.warning
    assert not has_errors(list(problems.values()))


@pytest.mark.parametrize(
    ("node", "code"),
    [
        ("{kind: hook, url: 'http://crm.example/x', secret: s, fallback: bye}", "hook_in_clear"),
        ("{kind: hook, url: 'https://crm.example/x', fallback: bye}", "hook_unsigned"),
        (
            "{kind: hook, url: 'https://c.example', secret: s, timeout: 11s, fallback: bye}",
            "hook_slow",
        ),
        ("{kind: hours, hours: never, open: bye, closed: bye}", "hours_never"),
        ("{kind: hours, hours: always, open: bye, closed: bye}", "hours_always"),
        (
            "{kind: hours, hours: mon 09:00-10:00, open: bye, closed: bye, holiday: bye}",
            "holidays_missing",
        ),
        ("{kind: route, nobody: bye}", "timeout_missing"),
        ("{kind: route, timeout: bye}", "nobody_missing"),
        ("{kind: menu, keys: {1: bye}, no_input: bye, no_match: bye}", "prompt_absent"),
        ("{kind: menu, keys: {1: bye}, tries: 9, no_input: bye, no_match: bye}", "tries_many"),
        ("{kind: node, input: {type: 0}, keys: {1: bye, 2: bye}}", "key_unusable"),
        (
            "{kind: node, input: {type: 1, length: 2}, keys: {1: bye}, no_input: bye}",
            "key_too_short",
        ),
        ("{kind: node, input: {length: 1}, action: {type: next}, no_input: bye}", "keys_missing"),
        (
            "{kind: node, input: {length: 1}, keys: {1: bye}, back: 2, no_input: bye}",
            "parent_missing",
        ),
        ("{kind: node, loop: true, input: {wait: 0}, no_input: bye}", "repeat_unbounded"),
        ("{kind: pin, tries: 3, ok: bye, no_input: bye}", "pin_wrong_missing"),
        (
            "{kind: pin, tries: 3, ok: bye, wrong: bye, no_input: bye, input: {type: 0}}",
            "input_missing",
        ),
        (
            "{kind: collect, input: {type: 0}, variable: x, next: bye, no_input: bye}",
            "input_missing",
        ),
        (
            "{kind: collect, input: {length: 2}, min_length: 3, variable: x, next: bye}",
            "length_impossible",
        ),
        ("{kind: message, prompt: {en: {file: ../x.wav}}, next: bye}", "prompt_file_outside"),
        ("{kind: message, prompt: {en: '{amount|money}'}, next: bye}", "prompt_form_unknown"),
        ("{kind: message, prompt: {en: '{amount}'}, next: bye}", "prompt_value_unknown"),
        ("{kind: message, prompt: {en: Hi., fr: Salut.}, next: bye}", "language_unknown"),
        ("{kind: message, prompt: {fr: Salut.}, next: bye}", "prompt_language_missing"),
    ],
)
def test_single_node_is_reported(node: str, code: str) -> None:
    problems = found(f"start: {node}", "bye: {kind: hangup}")
    assert code in problems
    assert problems[code].line in {6, 7}


def test_prompt_that_nobody_says_is_a_warning() -> None:
    problems = found("start: {kind: hangup}", head="prompts: {lonely: {en: Hi.}}")
    assert problems["prompt_unused"].severity is Severity.warning


def test_start_that_is_no_node_is_found() -> None:
    assert found("begin: {kind: hangup}")["start_unknown"].line == 3


def test_hold_tree_of_a_switch_needs_no_key_handling() -> None:
    waiting = "start: {kind: node, prompt: {en: Please hold.}, loop: true, input: {type: none}}"
    assert found(waiting) == {}
