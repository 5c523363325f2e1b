"""YAML text to plain values that remember where they stood.

Only the part of YAML that an author of a menu needs is read: mappings, lists and scalars. Keys are
always text as written (so `1:` and `no:` are the key 1 and Norwegian, not a number and a boolean),
only `true`, `false`, `null` and plain numbers are more than text, and anchors, aliases and tags are
refused: they let a small file become a huge one, and hide where a value comes from.
"""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ivr.problems import Problem, TreeInvalid

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 20

Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]
Path = tuple[str | int, ...]

_INTEGER = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,14})\.\d{1,15}")
_WORDS: dict[str, Plain] = {"true": True, "false": False, "null": None, "~": None, "": None}
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "map", "seq")
)


class Mark(NamedTuple):
    """A place in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """What a file says, and where it says it."""

    file: str
    data: Plain
    marks: dict[Path, Mark] = field(default_factory=dict)

    def mark(self, path: Sequence[str | int]) -> Mark:
        """Where `path` stands, or the nearest thing around it that the file has."""
        found = tuple(path)
        while found not in self.marks:
            found = found[:-1]
        return self.marks[found]

    def known(self, path: Sequence[Hashable]) -> Path:
        """The part of `path` that the file has, leaving out steps that only a schema knows."""
        value, kept = self.data, list[str | int]()
        for step in path:
            if isinstance(value, dict) and isinstance(step, str) and step in value:
                value = value[step]
                kept.append(step)
            if isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
                kept.append(step)
        return tuple(kept)


def read_source(text: str, file: str) -> Source:
    """The values of a YAML text with their places, or `TreeInvalid`."""
    if len(text) > MAX_CHARACTERS:
        raise _invalid(file, Mark(1, 1), "the file is too long", f"keep to {MAX_CHARACTERS:,}")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = Mark(at.line + 1, at.column + 1) if at else Mark(1, 1)
        raise _invalid(file, mark, f"this isn't YAML: {error.problem}", _QUOTE) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise _invalid(file, Mark(1, 1), f"this isn't YAML: {said}", _QUOTE) from None
    if root is None:
        raise _invalid(file, Mark(1, 1), "the file is empty", "start with `ivr: NAME`")
    reader = _Reader(file)
    data = reader.plain(root, ())
    return Source(file, data, reader.marks)


_QUOTE = "indent with spaces, and put keys like '*' and '#', and text with a colon, into quotes"


def _invalid(file: str, mark: Mark, why: str, mend: str) -> TreeInvalid:
    return TreeInvalid(
        [
            Problem(
                code="yaml_invalid",
                file=file,
                line=mark.line,
                column=mark.column,
                where="",
                why=why,
                mend=mend,
            )
        ]
    )


class _Reader:
    """Turns composed nodes into plain values and notes the place of each."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[Path, Mark] = {}
        self._seen: set[int] = set()

    def plain(self, node: Node, path: Path) -> Plain:
        mark = _mark(node)
        self.marks.setdefault(path, mark)
        if id(node) in self._seen:
            raise _invalid(self.file, mark, "an alias", "write the value out again")
        self._seen.add(id(node))
        if len(path) > MAX_DEPTH:
            raise _invalid(self.file, mark, "this is nested too deeply", "flatten it")
        if str(node.tag) not in _TAGS:
            raise _invalid(self.file, mark, f"tag {node.tag} isn't known", "remove the tag")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.plain(item, (*path, place)) for place, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: MappingNode, path: Path) -> Plain:
        found: dict[str, Plain] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise _invalid(self.file, _mark(key), "a key that isn't text", "use a word")
            name = str(key.value)
            if name in found:
                raise _invalid(
                    self.file, _mark(key), f"{name!r} stands here twice", "keep one of the two"
                )
            self.marks[(*path, name)] = _mark(key)
            found[name] = self.plain(value, (*path, name))
        return found


def _mark(node: Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _scalar(node: Node) -> Plain:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
