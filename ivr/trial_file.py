"""Tests of a tree: calls with a script and what each must lead to, and how much they cover.

```yaml
setting:
  pins: {"123456": customer-7}
coverage: 0.9
tests:
  - name: the right PIN reaches an engineer
    digits: "1,123456"
    expect: {end: connected, to: Group_support}
```
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, ValidationError

from ivr.machine_words import EndReason, Visit
from ivr.problems import TreeInvalid
from ivr.tree import Forest, schema_problems
from ivr.tree_edges import Place, edges, exists, reachable
from ivr.tree_parts import Name, Part, PbxId, Telephone
from ivr.tree_source import read_source
from ivr.trial import Result, Scripted, Setting, run_trial


class Expected(Part):
    """What a trial must have led to; what isn't given isn't looked at."""

    end: EndReason | None = None
    node: Name | None = None
    to: PbxId | None = None
    customer: PbxId | None = None
    callback: Telephone | None = None
    opted_out: bool | None = None
    through: tuple[Name, ...] = ()
    """Nodes that the call must have entered, in this order, with others between."""
    avoids: tuple[Name, ...] = ()
    said: str | None = None
    """A part of what the caller must have heard."""

    def misses(self, result: Result) -> list[str]:
        """What is not as expected, in words."""
        found = [
            f"{field} is {_shown(getattr(result, field))}, not {_shown(wanted)}"
            for field in ("end", "node", "to", "customer", "callback", "opted_out")
            if (wanted := getattr(self, field)) is not None and wanted != getattr(result, field)
        ]
        nodes = [place.partition("/")[2] for place in result.path]
        left = iter(nodes)
        for node in self.through:
            if node not in left:
                found.append(f"the call didn't come through {node} in this order")
        found += [f"the call came through {node}" for node in self.avoids if node in nodes]
        if self.said is not None and self.said not in " ".join(result.said):
            found.append(f"the caller didn't hear {self.said!r}")
        return found


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)


class Coverage(Part):
    """How many of the ways that callers can take were taken."""

    taken: int
    total: int
    missing: tuple[str, ...]
    """Ways that nothing took, as `tree/node: branch`."""

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.taken / self.total if self.total else 1.0


def coverage(forest: Forest, ways: Iterable[Visit]) -> Coverage:
    """The share of all ways out of the nodes that can be reached which these calls took."""
    start = Place(forest.first.ivr, forest.first.start)
    every = {
        (place, edge.label): None
        for place in sorted(reachable(forest.trees, start))
        for edge in edges(forest.trees, place)
        if exists(forest.trees, edge.target)
    }
    taken = {(Place(way.tree, way.node), way.branch) for way in ways} & every.keys()
    missing = tuple(f"{place}: {label}" for place, label in every if (place, label) not in taken)
    return Coverage(taken=len(taken), total=len(every), missing=missing)


class TestCase(Part):
    """One call."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    digits: Annotated[str, Field(max_length=200)] = ""
    setting: Setting = Setting()
    """The file's setting with what this test says otherwise."""
    expect: Expected


class TestFile(Part):
    """The tests of a tree."""

    setting: Setting = Setting()
    coverage: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """The share of ways that the tests must take together."""
    tests: Annotated[tuple[TestCase, ...], Field(min_length=1, max_length=1000)]


class Tested(Part):
    """What came of one test."""

    name: str
    misses: tuple[str, ...]
    result: Result


class Report(Part):
    """What came of a file of tests."""

    tests: tuple[Tested, ...]
    coverage: Coverage
    wanted: float

    @property
    def passed(self) -> bool:
        """Whether every test and the coverage are as they must be."""
        return not any(one.misses for one in self.tests) and self.coverage.share >= self.wanted


def load_tests(text: str, file: str) -> TestFile:
    """The tests in a YAML text, or `TreeInvalid` with every place that is wrong."""
    source = read_source(text, file)
    try:
        return TestFile.model_validate(source.data)
    except ValidationError as error:
        raise TreeInvalid(schema_problems(source, error)) from None


def run_tests(forest: Forest, tests: TestFile) -> Report:
    """Every call of the file, and what all of them cover."""
    done = []
    for case in tests.tests:
        own = {field: getattr(case.setting, field) for field in case.setting.model_fields_set}
        setting = tests.setting.model_copy(update=own)
        result = run_trial(forest, Scripted(case.digits), setting)
        done.append(Tested(name=case.name, misses=tuple(case.expect.misses(result)), result=result))
    ways = [way for one in done for way in one.result.ways]
    return Report(tests=tuple(done), coverage=coverage(forest, ways), wanted=tests.coverage)
