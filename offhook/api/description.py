"""The description of the API (OpenAPI), where what routes say by themselves isn't all of it."""

import json
from functools import cache
from importlib import resources
from typing import Any

from fastapi.routing import APIRoute

from offhook.api.problems import Problem

JSON = "application/json"
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


NAMED = {
    "action": "Only this command, such as `campaign.pause`.",
    "actor": "Only what this user, token or account did: id or name.",
    "agent": "Id, address, extension or name of an agent.",
    "attempt": "Id of an attempt.",
    "callback_id": "Id of a callback.",
    "campaign": "Id or name of a campaign.",
    "contact": "Id of a contact.",
    "customer": "Your own key of a customer.",
    "days": "So many days back.",
    "delimiter": "What stands between cells; found out where it is not said.",
    "delivery": "Id of a delivery.",
    "dry_run": "Check and count everything, store nothing.",
    "encoding": "Of the file; found out where it is not said.",
    "import_id": "Id of an import.",
    "kind": "Only of this kind.",
    "limit": "At most so many.",
    "list": "Name of the list that takes the contacts; a new one where there is none.",
    "list_id": "Id or name of a callback list.",
    "month_first": "Whether dates are written with the month first.",
    "name": "Its name.",
    "number": "A telephone number; a national one is of `region`.",
    "policy": "Name of a policy of PINs.",
    "region": "Country of national numbers.",
    "result": "Only with this result.",
    "schedule": "Id of a schedule, which whoever makes it chooses.",
    "session_id": "Id of a session.",
    "source": "Where the numbers come from, as it is to stand in the record.",
    "subject": "Only about this, such as `campaign/ID`.",
    "switch": "Id or name of a switch.",
    "token_id": "Id or name of a token.",
    "tree": "Name of a tree.",
    "user_id": "Id or login of a user.",
    "version": "Of the tree; the newest where none is said.",
    "webhook": "Id or name of a webhook.",
    "zone": "IANA zone, such as `Europe/Rome`.",
}
"""What parameters mean that say nothing of themselves; a name means one thing on all routes."""


def operation_id(route: APIRoute) -> str:
    """What generated clients call a route: its resource and its function."""
    return f"{route.endpoint.__module__.rpartition('.')[2]}_{route.name}"


def completed(described: dict[str, Any]) -> dict[str, Any]:
    """The description with the schema of problems, examples, exact durations, either way to log in.

    The examples are recorded: `python -m tests.support.api_examples`.
    """
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = schema.pop("$defs", {})
    described["components"]["schemas"].update(parts, Problem=schema)
    _either_way(described)
    _exact(described)
    for path, item in described["paths"].items():
        for method, operation in item.items():
            _explain(operation)
            route = f"{method.upper()} {path.removeprefix('/api/v1')}"
            _show(operation, examples().get(route, {}))
    return described


@cache
def examples() -> dict[str, Any]:
    """Of requests and answers, by method and path."""
    text = (resources.files("offhook.api") / "examples.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _explain(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if not parameter.get("description") and parameter["name"] in NAMED:
            parameter["description"] = NAMED[parameter["name"]]


def _show(operation: dict[str, Any], recorded: dict[str, Any]) -> None:
    sent = operation.get("requestBody", {}).get("content", {}).get(JSON)
    if sent is not None and "request" in recorded:
        sent["examples"] = {"recorded": {"value": recorded["request"]}}
    for status, value in recorded.get("responses", {}).items():
        answered = operation["responses"].get(status, {}).get("content", {}).get(JSON)
        if answered is not None:
            answered["examples"] = {"recorded": {"value": value}}


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
