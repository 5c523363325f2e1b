"""The description of the API leaves nothing out: words, parameters, refusals, examples that fit."""

from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from offhook.api.app import PREFIX, build_app
from offhook.api.description import JSON, examples
from offhook.api.problems import MEDIA_TYPE
from offhook.api.services import Services
from offhook.health import Health
from offhook.storage.database import Database
from tests.support.api import no_temporal
from tests.support.matrix import ROUTES, name_of

STREAMS = "GET /stream"


class Operation(NamedTuple):
    """A route as it is described."""

    name: str
    said: "dict[str, Any]"
    whole: "dict[str, Any]"

    def faults_of(self, value: object, schema: "dict[str, Any]") -> str:
        """Why a value does not fit a schema; nothing where it does."""
        rooted = {**schema, "components": self.whole["components"]}
        found = jsonschema_rs.validator_for(rooted).iter_errors(value)
        return "; ".join(f"{one.instance_path}: {one.message[:200]}" for one in found)

    def without_example(self, content: "dict[str, Any]", where: str) -> str:
        """What is wrong with the examples of a body."""
        if JSON not in content:
            return ""
        body = content[JSON]
        shown = [one["value"] for one in body.get("examples", {}).values()]
        if not shown:
            return f"{where} has no example"
        faults = [self.faults_of(one, body["schema"]) for one in shown]
        return "; ".join(f"{where}: {fault}" for fault in faults if fault)


def _operations() -> list[Operation]:
    database = Database.__new__(Database)
    whole = build_app(Health("api"), Services(database, no_temporal)).openapi()
    return [
        Operation(f"{method.upper()} {path.removeprefix(PREFIX)}", said, whole)
        for path, item in whole["paths"].items()
        for method, said in item.items()
    ]


OPERATIONS = _operations()


def faults_of(one: Operation) -> list[str]:
    """Everything that is left out of the description of a route."""
    said = one.said
    faults = [f"no {part}" for part in ("summary", "description", "tags") if not said.get(part)]
    faults += [
        f"parameter {parameter['name']} is not explained"
        for parameter in said.get("parameters", ())
        if not parameter.get("description")
    ]
    faults += [
        f"{status} is no problem"
        for status in ("401", "403", "422", "503")
        if MEDIA_TYPE not in said["responses"].get(status, {}).get("content", {})
    ]
    if one.name == STREAMS:
        return faults
    bodies = [("request", said.get("requestBody", {}).get("content", {}))]
    done = {key: value for key, value in said["responses"].items() if key.startswith("2")}
    bodies += [(f"answer {key}", value.get("content", {})) for key, value in done.items()]
    found = [one.without_example(content, where) for where, content in bodies]
    recorded = [fault for fault in found if fault]
    if any(fault.startswith("answer") and fault.endswith("no example") for fault in recorded):
        # Of several ways to succeed, one has to be shown.
        shown = [key for key, value in done.items() if _has_example(value)]
        recorded = [f for f in recorded if not (shown and f.endswith("no example"))]
    return faults + recorded


def _has_example(answer: "dict[str, Any]") -> bool:
    return bool(answer.get("content", {}).get(JSON, {}).get("examples"))


@pytest.mark.parametrize("one", OPERATIONS, ids=[one.name for one in OPERATIONS])
def test_route_is_described_whole(one: Operation) -> None:
    assert faults_of(one) == []


def test_names_for_clients_are_all_different_and_examples_are_of_routes_that_are_there() -> None:
    ids = [one.said["operationId"] for one in OPERATIONS]
    assert len(set(ids)) == len(ids) == len(ROUTES)
    assert all(one.isidentifier() for one in ids)
    assert examples().keys() <= {name_of(method, route) for method, route in ROUTES}


def test_what_is_left_out_or_does_not_fit_is_found() -> None:
    (one,) = (one for one in OPERATIONS if one.name == "POST /tokens")
    content = {JSON: dict(one.said["requestBody"]["content"][JSON])}
    content[JSON]["examples"] = {"wrong": {"value": {"name": 5}}}
    bare = {**one.said, "description": "", "requestBody": {"content": content}}
    faults = faults_of(Operation(one.name, bare, one.whole))
    assert faults[0] == "no description"
    assert '5 is not of type "string"' in faults[1]
    content[JSON]["examples"] = {}
    assert "request has no example" in faults_of(Operation(one.name, bare, one.whole))
