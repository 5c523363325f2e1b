"""The IVR language: a YAML file is a tree of nodes with prompts and limits.

`load` reads one file's text, `Forest` is the trees that may go to one another. Reading never
touches a disk: whoever has the text passes it, with the name that problems shall show.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import Field, ValidationError

from ivr.problems import Problem, Severity, TreeInvalid
from ivr.tree_nodes import KINDS, MODELS, AnyNode, Said, kind_of
from ivr.tree_parts import Duration, Language, Name, Part, Prompt
from ivr.tree_source import Source, read_source


class Limits(Part):
    """What bounds every call, whatever the nodes say."""

    steps: Annotated[int, Field(ge=10, le=2000)] = 200
    """Nodes that one call may enter."""
    prompt: Duration = timedelta(minutes=2)
    """How long one prompt may take before the call goes on without its end."""


class Tree(Part):
    """One IVR tree."""

    ivr: Name
    """The tree's name."""
    title: Annotated[str, Field(max_length=120)] = ""
    """For people."""
    language: Language
    """What is spoken unless a node chooses another, and where a prompt lacks one."""
    languages: Annotated[tuple[Language, ...], Field(max_length=20)] = ()
    """Every language that the tree speaks; each prompt should have all of them."""
    audio: Annotated[str, Field(max_length=200)] = "."
    """Folder of the audio files, seen from the tree's file."""
    start: Name
    """The node where a call begins."""
    limits: Limits = Limits()
    """Bounds of every call; see below."""
    prompts: Annotated[dict[Name, Prompt], Field(max_length=1000)] = Field(default_factory=dict)
    """What is said, by name."""
    nodes: Annotated[dict[Name, AnyNode], Field(min_length=1, max_length=1000)]
    """The nodes, by name."""

    @property
    def spoken(self) -> tuple[str, ...]:
        """The tree's languages, the default first."""
        return (self.language, *(one for one in self.languages if one != self.language))

    def prompt(self, said: Said) -> Prompt | None:
        """A prompt by its name or as written in place; None for a name that nothing has."""
        return self.prompts.get(said) if isinstance(said, str) else said


Trees = Mapping[str, Tree]
"""The trees that a session may reach, by name."""


@dataclass(frozen=True, slots=True)
class LoadedTree:
    """A tree and the file it was read from."""

    tree: Tree
    source: Source

    def problem(
        self,
        code: str,
        path: Sequence[str | int],
        why: str,
        mend: str,
        *,
        severity: Severity = Severity.error,
    ) -> Problem:
        """A finding at a place of this tree."""
        mark = self.source.mark(path)
        return Problem(
            code=code,
            severity=severity,
            file=self.source.file,
            line=mark.line,
            column=mark.column,
            where=".".join(map(str, path)),
            why=why,
            mend=mend,
        )


def load(text: str, file: str) -> LoadedTree:
    """The tree in a YAML text, or `TreeInvalid` with every place that is wrong."""
    source = read_source(text, file)
    try:
        return LoadedTree(Tree.model_validate(source.data), source)
    except ValidationError as error:
        raise TreeInvalid(schema_problems(source, error)) from None


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees that may go to one another; the first is where a call begins."""

    loaded: tuple[LoadedTree, ...]

    @property
    def trees(self) -> dict[str, Tree]:
        """The trees by name."""
        return {one.tree.ivr: one.tree for one in self.loaded}

    @property
    def first(self) -> Tree:
        """The tree where a call begins."""
        return self.loaded[0].tree


def plant(texts: Iterable[tuple[str, str]]) -> Forest:
    """The forest of (file, text) pairs; problems of all files are raised together."""
    loaded: list[LoadedTree] = []
    problems: list[Problem] = []
    names: dict[str, str] = {}
    for file, text in texts:
        try:
            one = load(text, file)
        except TreeInvalid as error:
            problems += error.problems
            continue
        other = names.setdefault(one.tree.ivr, file)
        if other != file:
            why = f"{other} is a tree called {one.tree.ivr!r} already"
            problems.append(one.problem("tree_name_taken", ("ivr",), why, "rename one of them"))
        loaded.append(one)
    if problems:
        raise TreeInvalid(problems)
    return Forest(tuple(loaded))


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at a name that may be meant, or at all there are if they are few."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there are {', '.join(names)}" if 0 < len(names) <= 20 else "check the spelling"


def schema_problems(source: Source, error: ValidationError) -> list[Problem]:
    """What a schema says against a file, in an author's words, by line."""
    found: dict[tuple[int, int, str], Problem] = {}
    errors = error.errors(include_url=False)
    for one in errors:
        if one["type"] == "too_short" and _inside(one["loc"], errors):
            continue
        path = source.known(one["loc"])
        if one["type"] == "union_tag_invalid":
            path = (*path, "kind")
        mark = source.mark(path)
        why, mend = _told(one, source, path)
        problem = Problem(
            code=f"tree_{one['type']}"[:64],
            file=source.file,
            line=mark.line,
            column=mark.column,
            where=".".join(map(str, path)),
            why=why,
            mend=mend,
        )
        found.setdefault((mark.line, mark.column, why), problem)
    return sorted(found.values(), key=lambda problem: (problem.line, problem.column))


def _inside(place: Sequence[object], errors: Iterable[Any]) -> bool:
    """Whether an item of this list is wrong itself: the list only seems too short without it."""
    depth = len(place)
    return any(len(one["loc"]) > depth and one["loc"][:depth] == place for one in errors)


def _told(error: Any, source: Source, path: Sequence[str | int]) -> tuple[str, str]:
    """Why and how to mend, from a pydantic error; typed loosely as pydantic's own record is."""
    last = str(error["loc"][-1]) if error["loc"] else "the file"
    context = error.get("ctx") or {}
    match error["type"]:
        case "missing":
            return f"`{last}` is missing", f"add `{last}:`"
        case "extra_forbidden":
            return f"`{last}` isn't known here", nearest(last, _siblings(source, path))
        case "union_tag_invalid":
            tag = str(context.get("tag"))
            return f"there is no kind {tag!r} of node", nearest(tag, KINDS)
        case "union_tag_not_found":
            return "the node has no `kind`", f"add `kind:`, one of {', '.join(KINDS)}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"`{last}` must be a mapping", "write `key: value` lines below it"
        case "string_pattern_mismatch":
            return f"`{last}`: {error['input']!r} isn't written as it must be", error["msg"]
        case "value_error":
            return str(context.get("error", error["msg"])), "correct the value"
        case _:
            return f"`{last}`: {error['msg']}", "correct the value"


def _siblings(source: Source, path: Sequence[str | int]) -> list[str]:
    """The names that a mapping at this depth may have, as far as the kind of node tells them."""
    if len(path) == 1:
        return list(Tree.model_fields)
    if len(path) >= 3 and path[0] == "nodes" and isinstance(source.data, dict):
        nodes = source.data["nodes"]
        node = nodes.get(str(path[1])) if isinstance(nodes, dict) else None
        kind = node.get("kind") if isinstance(node, dict) else None
        for model in MODELS:
            if kind == kind_of(model) and len(path) == 3:
                return list(model.model_fields)
    return []
