"""Checks of what is said: prompts that nothing has, languages and files that are missing."""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from ivr.problems import Problem, Severity
from ivr.prompts import placeholders
from ivr.tree import LoadedTree, nearest
from ivr.tree_nodes import Collect, prompts_of
from ivr.tree_parts import Prompt

GIVEN = frozenset({"calling", "called", "position", "customer", "tries_left"})
"""Values that the machine itself provides to prompts."""

Audio = Callable[[LoadedTree, str], bool]
_Path = tuple[str | int, ...]


def prompt_problems(loaded: LoadedTree, audio: Audio | None) -> Iterator[Problem]:
    """What callers would not hear, or hear in the wrong language."""
    tree = loaded.tree
    used: set[str] = set()
    for name, prompt in tree.prompts.items():
        yield from _prompt(loaded, ("prompts", name), f"prompt {name!r}", prompt, audio)
    for name, node in tree.nodes.items():
        for inside, said in prompts_of(node):
            path: _Path = ("nodes", name, *inside)
            if not isinstance(said, str):
                yield from _prompt(loaded, path, f"a prompt of {name!r}", said, audio)
            elif said in tree.prompts:
                used.add(said)
            else:
                why = f"{name!r} says {said!r}, which is no prompt"
                mend = nearest(said, tree.prompts) if tree.prompts else "add it under `prompts:`"
                yield loaded.problem("prompt_unknown", path, why, mend)
    for name in tree.prompts.keys() - used:
        yield loaded.problem(
            "prompt_unused",
            ("prompts", name),
            f"no node says {name!r}",
            "use it or remove it",
            severity=Severity.warning,
        )


def _prompt(
    loaded: LoadedTree, path: _Path, name: str, prompt: Prompt, audio: Audio | None
) -> Iterator[Problem]:
    tree = loaded.tree
    for language in tree.spoken:
        if language not in prompt:
            default = language == tree.language
            why = f"{name} is missing in {language!r}"
            mend = (
                f"add `{language}:`" if default else f"add `{language}:`; {tree.language!r} plays"
            )
            severity = Severity.error if default else Severity.warning
            yield loaded.problem("prompt_language_missing", path, why, mend, severity=severity)
    for language, speech in prompt.items():
        at = (*path, language)
        if language not in tree.spoken:
            why = f"{name} is in {language!r}, which the tree doesn't speak"
            mend = f"add {language!r} to `languages` or remove it"
            yield loaded.problem("language_unknown", at, why, mend, severity=Severity.warning)
        if speech.file is not None:
            yield from _file(loaded, at, speech.file, audio)
        elif speech.text is not None:
            yield from _values(loaded, at, speech.text)


def _file(loaded: LoadedTree, path: _Path, file: str, audio: Audio | None) -> Iterator[Problem]:
    pure = PurePosixPath(file)
    if pure.is_absolute() or ".." in pure.parts:
        why = f"{file} is outside the tree's audio folder"
        yield loaded.problem("prompt_file_outside", path, why, "put the file into the folder")
    elif audio is not None and not audio(loaded, file):
        why = f"audio file {file} isn't in {loaded.tree.audio}"
        mend = "record it, correct the name, or give `text:`"
        yield loaded.problem("prompt_file_missing", path, why, mend)


def _values(loaded: LoadedTree, path: _Path, text: str) -> Iterator[Problem]:
    known = set(GIVEN)
    hooked = False
    for node in loaded.tree.nodes.values():
        if isinstance(node, Collect):
            known.add(node.variable)
        hooked = hooked or node.kind in {"hook", "survey", "node"}
    for name, form in placeholders(text):
        if form is None:
            why = f"{{{name}}} asks for a way of saying that there isn't"
            mend = "use |number, |digits, |date or |time"
            yield loaded.problem("prompt_form_unknown", path, why, mend)
        elif name not in known and not hooked:
            why = f"nothing in this tree gives {{{name}}} a value"
            yield loaded.problem(
                "prompt_value_unknown", path, why, nearest(name, known), severity=Severity.warning
            )
