"""The reference page of the language, made from the models so that it can't be wrong.

`python -m ivr.language_page > docs/reference/ivr-language.md` writes it; a test says when that is
due.
"""

import sys
from collections.abc import Collection, Mapping
from datetime import timedelta
from inspect import cleandoc

from pydantic import BaseModel

from ivr.tree import Limits, Tree
from ivr.tree_nodes import MODELS, Listening, Node, NodeAction, Question, kind_of
from ivr.tree_parts import Destination, Input, Skill, Speech

FINDINGS: Mapping[str, str] = {
    "dead_end": "a node leads nowhere and doesn't end the call itself",
    "destination_unknown": "the switch doesn't have the number or entity (with `--destinations`)",
    "goto_cycle": "trees go to one another in a circle",
    "holidays_missing": "a way for holidays, and no holidays",
    "hook_in_clear": "a service is asked without TLS",
    "hook_slow": "a caller may wait over ten seconds for a service",
    "hook_unsigned": "a service can't know who asks",
    "hook_without_fallback": "nothing is said about a service that doesn't answer",
    "hours_always": "hours that are never closed",
    "hours_never": "hours that are never open",
    "input_missing": "a PIN or a value is wanted and no keys are read",
    "key_ambiguous": "one key leads back and to a child",
    "key_is_terminator": "a key holds what ends the input",
    "key_prefix": "a key is the beginning of another, so callers wait",
    "key_too_long": "a key is longer than what is read",
    "key_too_short": "a key is shorter than what is always read",
    "key_unusable": "keys at a node that reads none",
    "keys_missing": "a node goes to the next node and has none",
    "language_unknown": "a prompt in a language that the tree doesn't speak",
    "length_impossible": "more keys are wanted than are read",
    "next_missing": "a caller who answered is cut off",
    "no_input_missing": "nothing is said about callers who press nothing",
    "no_match_missing": "nothing is said about keys that fit nothing",
    "nobody_missing": "nothing is said about a queue that nobody serves",
    "parent_missing": "a key leads back, to nothing",
    "pin_short": "a PIN of fewer than four keys",
    "pin_unlimited": "a PIN may be guessed without limit",
    "pin_wrong_missing": "nothing is said about a wrong PIN",
    "prompt_absent": "keys are wanted and nothing is said",
    "prompt_file_missing": "the audio folder lacks the file",
    "prompt_file_outside": "a file outside the audio folder",
    "prompt_form_unknown": "a value is to be said in a way that there isn't",
    "prompt_language_missing": "a prompt lacks a language of the tree",
    "prompt_unknown": "a prompt that is not under `prompts`",
    "prompt_unused": "a prompt that no node says",
    "prompt_value_unknown": "a value that nothing provides",
    "repeat_unbounded": "something is asked, played or waited for without end",
    "silent_loop": "a caller who presses nothing goes round for ever",
    "start_unknown": "the tree starts at a node that there isn't",
    "target_unknown": "a way leads to a node that there isn't",
    "timeout_missing": "nothing is said about callers who waited long enough",
    "trap": "nodes that lead only to one another",
    "tree_unknown": "`goto` names a tree that isn't among the files",
    "tries_many": "a caller is asked more than five times",
    "unreachable": "no way leads to a node",
}
"""What `offhook ivr check` finds, by code."""

_INTRODUCTION = """\
# The IVR language

Made from the models by `python -m ivr.language_page`; don't edit by hand. A tree is a YAML file.
Editors complete and mark it with [ivr-tree.schema.json](ivr-tree.schema.json), which
`offhook ivr schema` prints; with the YAML language server, write this as the first line:

    # yaml-language-server: $schema=ivr-tree.schema.json

Keys of mappings are text as written: `1:` is the key 1; `'*':` and `'#':` need quotes. Durations
are seconds or text such as `500ms`, `5s`, `2m`, `1h`. A target is the name of a node of the same
tree; `goto` leads to another tree. A prompt is a name under `prompts`, or written in place, by
language: `{it: "Buongiorno.", en: {file: hello.wav}}`. Anchors, aliases and tags are refused.

In a prompt's text `{name}` says a value as it stands, `{name|number}` as a number, `{name|digits}`
key by key, `{name|date}` and `{name|time}` as the language says them. Values are what `collect`
kept and hooks answered, and `calling`, `called`, `customer`, `position`, `tries_left`.
"""


def language_page() -> str:
    """The page, in Markdown."""
    parts = [_INTRODUCTION, _section("The file", Tree), _section("limits", Limits)]
    shared = {*Node.model_fields, *Listening.model_fields}
    parts += [
        "## Every node\n",
        _table(Node),
        "Nodes that wait for keys (`node`, `menu`, `collect`, `pin`) also have:\n",
        _table(Listening, without=set(Node.model_fields)),
    ]
    for model in MODELS:
        kind = kind_of(model)
        own = {
            field
            for field in shared
            if field in model.model_fields
            and (field in Node.model_fields or issubclass(model, Listening))
            and not (kind == "pin" and field == "tries")
        }
        parts.append(_section(kind, model, without={"kind", *own}))
    for name, part in _PARTS.items():
        parts.append(_section(name, part))
    rows = [f"| `{code}` | {meaning} |" for code, meaning in FINDINGS.items()]
    parts += ["## Findings of `offhook ivr check`\n", "| code | finding |\n|---|---|"]
    return "\n".join((*parts, *rows)) + "\n"


_PARTS: Mapping[str, type[BaseModel]] = {
    "input": Input,
    "action of a `node`": NodeAction,
    "to": Destination,
    "skills": Skill,
    "questions of a `survey`": Question,
    "one language of a prompt": Speech,
}


def _section(title: str, model: type[BaseModel], without: Collection[str] = ()) -> str:
    words = cleandoc(model.__doc__ or "")
    return f"## {title}\n\n{words}\n\n{_table(model, without)}"


def _table(model: type[BaseModel], without: Collection[str] = ()) -> str:
    rows = []
    for name, field in model.model_fields.items():
        if name in without:
            continue
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        shown = "required" if field.is_required() else _shown(default)
        rows.append(f"| `{name}` | {shown} | {' '.join((field.description or '').split())} |")
    if not rows:
        return ""
    return "\n".join(("| key | default | meaning |", "|---|---|---|", *rows, ""))


def _shown(default: object) -> str:
    if default is None or default in ((), {}, ""):
        return ""
    if isinstance(default, timedelta):
        return f"`{default.total_seconds():g}s`"
    if isinstance(default, BaseModel):
        return "see below"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(language_page())
