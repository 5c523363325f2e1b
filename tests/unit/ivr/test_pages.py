"""The pages about the IVR say what the code says."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import ivr
from ivr.drawing import machine_diagram, machine_table
from ivr.language_page import FINDINGS, language_page
from ivr.machine import TRANSITIONS
from ivr.machine_words import AnyAction, AnyEvent
from ivr.tree import Tree
from ivr.tree_schema import rendered, tree_schema
from tests.unit.ivr.trees import TUTORIAL

DOCS = Path(__file__).parents[3] / "docs"
MACHINE = (DOCS / "explanation" / "ivr-machine.md").read_text(encoding="utf-8")


def names(union: object, field: str) -> set[str]:
    models: tuple[type[BaseModel], ...] = union.__origin__.__args__  # type: ignore[attr-defined]
    return {str(model.model_fields[field].default) for model in models}


def test_schema_is_up_to_date() -> None:
    written = (DOCS / "reference" / "ivr-tree.schema.json").read_text(encoding="utf-8")
    assert written == rendered(), (
        "run python -m ivr.tree_schema > docs/reference/ivr-tree.schema.json"
    )


def test_language_page_is_up_to_date() -> None:
    written = (DOCS / "reference" / "ivr-language.md").read_text(encoding="utf-8")
    assert written == language_page(), (
        "run python -m ivr.language_page > docs/reference/ivr-language.md"
    )


def test_every_key_of_the_language_has_a_meaning() -> None:
    rows = [line for line in language_page().splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_finding_of_the_checks_is_listed() -> None:
    source = "".join(path.read_text() for path in Path(str(ivr.__path__[0])).glob("check*.py"))
    called = r'(?:_error|_warning|\.problem)\(\s*"(\w+)"'
    assert set(re.findall(called, source)) == FINDINGS.keys()


def test_machine_page_shows_the_table_the_machine_runs_by() -> None:
    assert machine_diagram() in MACHINE
    assert machine_table() in MACHINE


def test_machine_page_tells_front_ends_about_every_action() -> None:
    assert {name for name in names(AnyAction, "do") if f"`{name}`" not in MACHINE} == set()


def test_table_lists_every_event() -> None:
    listed = {event for events in TRANSITIONS.values() for event in events}
    assert listed == names(AnyEvent, "event")


def test_schema_names_every_key_of_a_tree() -> None:
    schema = tree_schema()
    assert schema["properties"].keys() == Tree.model_fields.keys()
    assert json.loads(rendered()) == schema


@pytest.mark.parametrize("quoted", re.findall(r"```yaml\n(.*?)```", (DOCS / "tutorial" / "ivr.md").read_text(), re.DOTALL))  # fmt: skip  # noqa: E501
def test_tutorial_quotes_the_files_it_talks_about(quoted: str) -> None:
    files = "".join(
        (TUTORIAL / name).read_text() for name in ("support.yaml", "support.tests.yaml")
    )
    wanted = [line for line in quoted.splitlines() if line.strip()]
    assert set(wanted) <= set(files.splitlines())
