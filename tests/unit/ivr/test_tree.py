"""Tree files: what can be written, and what is said about what can't be read."""

from datetime import timedelta

import pytest

from ivr.problems import TreeInvalid
from ivr.tree import load, plant
from ivr.tree_nodes import ActionType, Menu, PbxNode, Pin, Route, Transfer
from ivr.tree_parts import EntityKind, InputType, Skill
from ivr.tree_source import read_source
from tests.unit.ivr.trees import written

HEAD = "ivr: t\nlanguage: en\nstart: a\n"


def problem(text: str) -> tuple[int, int, str, str]:
    """The one problem of a text: line, column, why and how to mend it."""
    with pytest.raises(TreeInvalid) as caught:
        load(text, "t.yaml")
    (one,) = caught.value.problems
    return one.line, one.column, one.why, one.mend


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("", 1, 1, "the file is empty"),
        ("a: [1", 1, 6, "isn't YAML"),
        ("a: *b", 1, 4, "isn't YAML"),
        ("a: 1\na: 2", 2, 1, "stands here twice"),
        ("a: &x 1\nb: *x", 1, 4, "an alias"),
        ("a: !!python/object:os.system 1", 1, 4, "isn't known"),
        ("? [1]\n: 2", 1, 3, "a key that isn't text"),
        ("- 1", 1, 1, "must be a mapping"),
        (HEAD, 1, 1, "`nodes` is missing"),
        (HEAD + "nodes:\n  a: {kind: hangup}\nvoice: x", 6, 1, "`voice` isn't known here"),
        (HEAD + "nodes:\n  a: {kind: hangpu}", 5, 7, "no kind 'hangpu'"),
        (HEAD + "nodes:\n  a: {note: x}", 5, 3, "the node has no `kind`"),
        (HEAD + "nodes:\n  a:\n    kind: menu\n    keys: {x: a}", 7, 12, "isn't written"),
        (HEAD + "nodes:\n  a:\n    kind: transfer\n    to: {entity: group}", 7, 5, "needs both"),
        (HEAD + "nodes:\n  a: {kind: transfer, to: {}}", 5, 23, "give a `number`"),
        (HEAD + "nodes:\n  a: {kind: message, prompt: {en: {}}}", 5, 31, "either `file` or"),
        (HEAD + "nodes:\n  a: {kind: node, action: {type: call}}", 5, 19, "needs `to`"),
        (HEAD + "nodes:\n  a: {kind: node, action: {type: 3}}", 5, 19, "needs `script`"),
        (HEAD + "nodes:\n  a: {kind: route, max_wait: soon}", 5, 20, "write a duration"),
        (HEAD + "nodes:\n  a: {kind: route, max_wait: true}", 5, 20, "a number of seconds"),
        (
            HEAD + "nodes:\n  a: {kind: hours, hours: noon, open: a, closed: a}",
            5,
            20,
            "can't read 'noon'",
        ),
        (
            HEAD + "nodes:\n  a: {kind: survey, questions: [{name: q, prompt: p, min: 5, max: 1}]}",
            5,
            33,
            "`min` is above `max`",
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(
    text: str, line: int, column: int, said: str
) -> None:
    found = problem(text)
    assert found[:2] == (line, column)
    assert said in found[2]
    assert found[3]


def test_misspelt_key_of_a_node_gets_a_hint() -> None:
    found = problem(HEAD + "nodes:\n  a:\n    kind: pin\n    ok: a\n    wrnog: a")
    assert found[2:] == ("`wrnog` isn't known here", "did you mean 'wrong'?")


def test_every_problem_of_every_file_is_told_at_once() -> None:
    with pytest.raises(TreeInvalid) as caught:
        plant([("a.yaml", HEAD + "nodes: {a: {kind: x}, b: {kind: y}}"), ("b.yaml", "")])
    assert [one.file for one in caught.value.problems] == ["a.yaml", "a.yaml", "b.yaml"]


def test_two_trees_of_one_name_are_refused() -> None:
    text = HEAD + "nodes: {a: {kind: hangup}}"
    with pytest.raises(TreeInvalid, match=r"a\.yaml is a tree called 't' already"):
        plant([("a.yaml", text), ("b.yaml", text)])


def test_too_long_and_too_deep_files_are_refused() -> None:
    assert "too long" in problem("#" * 1_000_001)[2]
    assert "nested too deeply" in problem("a: " + "[" * 30 + "]" * 30)[2]


def test_keys_are_text_as_written() -> None:
    assert read_source("{1: a, 007: b, no: c, 12:30: d}", "f").data == {
        "1": "a",
        "007": "b",
        "no": "c",
        "12:30": "d",
    }


def test_scalars_are_text_unless_plainly_something_else() -> None:
    assert read_source("[1, -2, 007, 1.5, true, yes, 12:30, '3', null]", "f").data == [
        1,
        -2,
        "007",
        1.5,
        True,
        "yes",
        "12:30",
        "3",
        None,
    ]


def test_voispeed_node_can_say_everything() -> None:
    node = written(
        """
start:
  kind: node
  prompt: {en: {file: hello.wav}}
  loop: true
  input: {type: 2, length: 8, terminator: "#", digit_timeout: 1500ms, wait: 10}
  action: {type: 1}
  keys: {1: start}
  back: "*"
  parent: start
"""
    ).first.nodes["start"]
    assert isinstance(node, PbxNode)
    assert (node.input.type, node.input.type.code) == (InputType.terminated, 2)
    assert node.input.digit_timeout == timedelta(milliseconds=1500)
    assert node.input.wait == timedelta(seconds=10)
    assert (node.action.type, node.action.type.code) == (ActionType.next, 1)


@pytest.mark.parametrize(
    ("code", "kind"), list(enumerate(["none", "fixed", "terminated", "pause"]))
)
def test_input_type_is_written_by_number_or_name(code: int, kind: str) -> None:
    for said in (code, kind):
        node = written(f"start: {{kind: node, input: {{type: {said}}}}}").first.nodes["start"]
        assert isinstance(node, PbxNode)
        assert node.input.type == kind


def test_destination_is_a_number_or_an_entity() -> None:
    nodes = written(
        "start: {kind: transfer, to: 385}",
        "group: {kind: transfer, to: {entity: group, id: 5, number: '0733'}}",
    ).first.nodes
    number, group = nodes["start"], nodes["group"]
    assert isinstance(number, Transfer)
    assert isinstance(group, Transfer)
    assert (str(number.to), str(group.to)) == ("385", "group:5")
    assert group.to.entity is EntityKind.group


def test_skills_are_written_with_or_without_a_level() -> None:
    node = written("start: {kind: route, required: [support, 'german:5']}").first.nodes["start"]
    assert isinstance(node, Route)
    assert node.required == (Skill(name="support", level=1), Skill(name="german", level=5))


def test_tries_of_a_pin_have_no_default_but_those_of_a_menu_have() -> None:
    nodes = written(
        "start: {kind: pin, ok: start}", "m: {kind: menu, keys: {1: start}}"
    ).first.nodes
    pin, menu = nodes["start"], nodes["m"]
    assert isinstance(pin, Pin)
    assert isinstance(menu, Menu)
    assert (pin.tries, menu.tries) == (None, 3)
