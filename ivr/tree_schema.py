"""The JSON schema of a tree file, for editors that complete and mark.

`python -m ivr.tree_schema > docs/reference/ivr-tree.schema.json` writes it; a test says when that
is due.
"""

import json
import sys
from typing import Any

from ivr.tree import Tree


def tree_schema() -> dict[str, Any]:
    """The schema; typed loosely, as JSON is."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_authored(Tree.model_json_schema(mode="validation")),
        "title": "An offhook IVR tree",
    }


def _authored(value: Any) -> Any:
    """What an author may write beside what the models hold: short forms, and hours as text."""
    if isinstance(value, list):
        return [_authored(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _authored(inner) for key, inner in value.items()}
    for name, short in _SHORT.items():
        if name in made.get("$defs", {}):
            made["$defs"][name] = {"anyOf": [short, made["$defs"][name]]}
    return made


_SHORT: dict[str, dict[str, Any]] = {
    "CallingHours": {
        "type": "string",
        "description": "Such as: mon-fri 09:00-18:00; not 2026-12-25; in Europe/Rome",
    },
    "Destination": {"type": ["string", "integer"], "description": "A number."},
    "Skill": {"type": "string", "description": "A name, or name:level."},
    "Speech": {"type": "string", "description": "Words for a voice to say."},
}


def rendered() -> str:
    """The schema's file."""
    return json.dumps(tree_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rendered())
