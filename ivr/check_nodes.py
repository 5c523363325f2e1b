"""Checks of one node at a time: keys, handling of silence, limits, hooks, hours."""

from collections.abc import Iterator
from datetime import timedelta

from ivr.problems import Problem, Severity
from ivr.tree import LoadedTree
from ivr.tree_nodes import (
    ActionType,
    AnyNode,
    Collect,
    Hook,
    Hours,
    Listening,
    Menu,
    PbxNode,
    Pin,
    Route,
)
from ivr.tree_parts import Input, InputType

SHORTEST_PIN = 4
PATIENT = 5
"""More tries than this annoy people, and let a machine guess."""

_Finding = tuple[str, tuple[str | int, ...], str, str, Severity]


def node_problems(loaded: LoadedTree) -> Iterator[Problem]:
    """What is wrong inside single nodes."""
    for name, node in loaded.tree.nodes.items():
        for code, path, why, mend, severity in _findings(name, node):
            yield loaded.problem(code, ("nodes", name, *path), why, mend, severity=severity)


def _findings(name: str, node: AnyNode) -> Iterator[_Finding]:
    if isinstance(node, Listening):
        yield from _handling(name, node)
    match node:
        case Menu():
            yield from _prefixes(name, tuple(node.keys), fixed=None)
        case PbxNode():
            yield from _pbx_keys(name, node)
        case Pin():
            yield from _pin(name, node)
        case Collect():
            yield from _collect(name, node)
        case Hook():
            yield from _hook(name, node)
        case Hours():
            yield from _hours(name, node)
        case Route():
            yield from _route(name, node)
        case _:
            pass


def _error(code: str, why: str, mend: str, *path: str | int) -> _Finding:
    return code, path, why, mend, Severity.error


def _warning(code: str, why: str, mend: str, *path: str | int) -> _Finding:
    return code, path, why, mend, Severity.warning


def _handling(name: str, node: Listening) -> Iterator[_Finding]:
    waits = not (isinstance(node, PbxNode) and node.input.type is InputType.none)
    if not waits:
        return
    if node.prompt is None:
        mend = "add `prompt:`; a caller hears silence there"
        yield _warning("prompt_absent", f"{name!r} asks for keys and says nothing", mend)
    if node.no_input is None:
        mend = "add `no_input:` with the node for callers who press nothing"
        yield _error("no_input_missing", f"{name!r} cuts off a caller who presses nothing", mend)
    matches = isinstance(node, Menu | Collect) or (
        isinstance(node, PbxNode) and node.action.type is ActionType.next
    )
    if matches and node.no_match is None:
        mend = "add `no_match:` with the node for callers who press something else"
        yield _error("no_match_missing", f"{name!r} cuts off a caller whose keys fit nothing", mend)
    if node.tries is None and not isinstance(node, Pin):
        mend = "set `tries:` to a number"
        yield _error("repeat_unbounded", f"{name!r} asks without end", mend, "tries")
    elif node.tries is not None and node.tries > PATIENT:
        mend = f"{PATIENT} are plenty"
        yield _warning("tries_many", f"{name!r} asks {node.tries} times", mend, "tries")
    if isinstance(node, PbxNode) and node.loop and not node.input.wait:
        mend = "set `input.wait`: a looping prompt ends only with it"
        yield _error("repeat_unbounded", f"{name!r} plays its prompt without end", mend, "loop")


def _prefixes(name: str, keys: tuple[str, ...], fixed: int | None) -> Iterator[_Finding]:
    for short in keys:
        longer = sorted(k for k in keys if k != short and k.startswith(short))
        if longer and fixed is None:
            why = f"{name!r}: key {short} is also the beginning of {longer[0]}"
            mend = f"callers who press {short} wait for `digit_timeout`; use another key"
            yield _warning("key_prefix", why, mend, "keys", short)


def _pbx_keys(name: str, node: PbxNode) -> Iterator[_Finding]:
    if node.action.type is ActionType.script:
        fixed: tuple[str, ...] = ()
    else:
        fixed = tuple(node.keys)
    if node.action.type is ActionType.next and not node.keys:
        mend = "add `keys:`, the children by their key"
        yield _error("keys_missing", f"{name!r} goes to the next node and has none", mend, "action")
    for keys in fixed:
        yield from _usable(name, keys, node.input)
    if node.input.type is not InputType.fixed:
        yield from _prefixes(name, fixed, fixed=None)
    if node.back is not None and node.back in node.keys:
        why = f"{name!r}: key {node.back} leads back and to {node.keys[node.back]!r}"
        yield _error("key_ambiguous", why, "give one of them another key", "keys", node.back)
    if node.back is not None and node.parent is None:
        mend = "add `parent:`"
        yield _error(
            "parent_missing", f"{name!r} has a key that leads back, to nothing", mend, "back"
        )


def _usable(name: str, keys: str, entry: Input) -> Iterator[_Finding]:
    if entry.type is InputType.none:
        why = f"{name!r} expects no input, so key {keys} is never read"
        yield _error("key_unusable", why, "set `input.type`", "keys", keys)
    elif len(keys) > entry.length:
        why = f"{name!r}: key {keys} is longer than the {entry.length} that are read"
        yield _error("key_too_long", why, "raise `input.length` or shorten the key", "keys", keys)
    elif entry.type is InputType.fixed and len(keys) < entry.length:
        why = f"{name!r}: key {keys} is shorter than the {entry.length} that are always read"
        yield _error("key_too_short", why, "lengthen the key or lower `input.length`", "keys", keys)
    elif entry.type is InputType.terminated and entry.terminator in keys:
        why = f"{name!r}: key {keys} holds {entry.terminator}, which ends the input"
        yield _error("key_is_terminator", why, "use another key or terminator", "keys", keys)


def _pin(name: str, node: Pin) -> Iterator[_Finding]:
    if node.tries is None:
        mend = "set `tries:`, three for example"
        yield _error("pin_unlimited", f"{name!r} lets a caller guess without limit", mend)
    if node.input.length < SHORTEST_PIN:
        why = f"{name!r}: a PIN of {node.input.length} keys is guessed in no time"
        yield _warning("pin_short", why, "use six keys", "input", "length")
    if node.wrong is None:
        mend = "add `wrong:` with the node for callers whose PIN is wrong"
        yield _error("pin_wrong_missing", f"{name!r} cuts off a caller whose PIN is wrong", mend)
    if node.input.type is InputType.none:
        yield _error(
            "input_missing", f"{name!r} reads no keys", "set `input.type`", "input", "type"
        )


def _collect(name: str, node: Collect) -> Iterator[_Finding]:
    if node.input.type is InputType.none:
        yield _error(
            "input_missing", f"{name!r} reads no keys", "set `input.type`", "input", "type"
        )
    elif node.min_length > node.input.length:
        why = f"{name!r} wants {node.min_length} keys and reads {node.input.length}"
        yield _error("length_impossible", why, "lower `min_length`", "min_length")
    if node.next is None:
        mend = "add `next:`"
        yield _error("next_missing", f"{name!r} cuts off a caller who answered", mend)


def _hook(name: str, node: Hook) -> Iterator[_Finding]:
    if node.fallback is None:
        mend = "add `fallback:` with the node for when the service doesn't answer"
        yield _error("hook_without_fallback", f"{name!r} cuts the call if the URL fails", mend)
    if node.url.startswith("http://") and "://localhost" not in node.url:
        why = f"{name!r} sends what it knows of the caller in clear"
        yield _warning("hook_in_clear", why, "use https", "url")
    if node.secret is None:
        why = f"the service at {name!r} can't know that we ask"
        yield _warning("hook_unsigned", why, "name a `secret:` to sign with")
    if node.timeout > timedelta(seconds=10):
        why = f"{name!r} lets the caller wait {node.timeout.total_seconds():g} s for an answer"
        yield _warning("hook_slow", why, "keep `timeout` at a few seconds", "timeout")


def _hours(name: str, node: Hours) -> Iterator[_Finding]:
    if node.hours.is_never:
        yield _warning("hours_never", f"{name!r} is never open", "give it hours", "hours")
    elif node.hours.is_always:
        yield _warning("hours_always", f"{name!r} is never closed", "give it hours", "hours")
    if node.holiday is not None and not node.hours.holidays:
        why = f"{name!r} has a way for holidays and no holidays"
        yield _warning("holidays_missing", why, "list them after `not` in `hours`", "holiday")


def _route(name: str, node: Route) -> Iterator[_Finding]:
    if node.nobody is None:
        mend = "add `nobody:`, a voicemail or a call back for example"
        yield _error("nobody_missing", f"{name!r} cuts the call if nobody is on duty", mend)
    if node.max_wait is None:
        mend = "set `max_wait`"
        yield _error(
            "repeat_unbounded", f"{name!r} lets callers wait without end", mend, "max_wait"
        )
    elif node.timeout is None:
        mend = "add `timeout:` with the node for callers who have waited long enough"
        yield _error("timeout_missing", f"{name!r} cuts off a caller after `max_wait`", mend)
