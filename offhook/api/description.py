"""The description of the API (OpenAPI), where what routes say by themselves isn't all of it."""

from typing import Any

from offhook.api.problems import Problem

DURATION = {
    "type": "string",
    "pattern": r"^-?P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$",
    "description": "ISO 8601; seconds may have a fraction.",
    "examples": ["PT1M30.5S"],
}
"""JSON Schema's own `duration` knows no fractions of a second."""
CLOCK = {
    "type": "string",
    "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$",
    "description": "On the clock of the zone that is named beside it.",
    "examples": ["09:00"],
}
"""JSON Schema's own `time` has to have an offset."""


def completed(described: dict[str, Any]) -> dict[str, Any]:
    """The description with the schema of problems, exact durations, and either way to log in."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = schema.pop("$defs", {})
    described["components"]["schemas"].update(parts, Problem=schema)
    _either_way(described)
    _exact(described)
    return described


def _either_way(described: dict[str, Any]) -> None:
    """Have each operation say that a token is enough, or a session; not that both are needed."""
    for item in described["paths"].values():
        for operation in item.values():
            ways = [way for needed in operation.get("security", ()) for way in needed]
            if ways:
                operation["security"] = [{way: []} for way in dict.fromkeys(ways)]


def _exact(part: Any) -> None:
    if isinstance(part, dict):
        known = {"duration": DURATION, "time": CLOCK}.get(str(part.get("format")))
        if known is not None and part.get("type") == "string":
            del part["format"]
            part.update(known | part)
        for inner in part.values():
            _exact(inner)
    elif isinstance(part, list):
        for inner in part:
            _exact(inner)
