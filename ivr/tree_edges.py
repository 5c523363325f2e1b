"""Where a node can lead: one list for the checks, the drawings and the coverage of tests."""

from collections.abc import Iterator
from typing import NamedTuple

from ivr.tree import Trees
from ivr.tree_nodes import (
    ActionType,
    AnyNode,
    Callback,
    Collect,
    Goto,
    Hangup,
    Hook,
    Hours,
    Listening,
    Menu,
    Message,
    OptOut,
    PbxNode,
    Pin,
    Route,
    SetLanguage,
    Survey,
    Transfer,
)
from ivr.tree_parts import InputType


class Place(NamedTuple):
    """A node of a tree."""

    tree: str
    node: str

    def __str__(self) -> str:
        return f"{self.tree}/{self.node}"


class Edge(NamedTuple):
    """One way out of a node."""

    label: str
    """Why it is taken: `key 1`, `no_input`, `ok`; one label is one branch to cover by tests."""
    target: Place
    path: tuple[str | int, ...]
    """Where the target is written, inside the node."""
    pressed: bool
    """The caller has pressed something to get here."""


def edges(trees: Trees, place: Place) -> list[Edge]:
    """Every way out of a node, also to nodes that don't exist."""
    node = trees[place.tree].nodes[place.node]
    if isinstance(node, Goto):
        start = trees[node.tree].start if node.tree in trees else ""
        return [Edge("goto", Place(node.tree, node.node or start), ("tree",), pressed=False)]
    return [
        Edge(label, Place(place.tree, target), path, pressed)
        for label, target, path, pressed in _ways(node)
        if target is not None
    ]


_Way = tuple[str, str | None, tuple[str | int, ...], bool]


def _ways(node: AnyNode) -> Iterator[_Way]:
    yield from _keys(node)
    if isinstance(node, Listening):
        yield from _named(node, "no_match", pressed=True)
    match node:
        case PbxNode():
            if node.back is not None and node.action.type is ActionType.next:
                yield f"key {node.back}", node.parent, ("parent",), True
            yield "fallback", node.action.fallback, ("action", "fallback"), False
        case Pin():
            yield from _named(node, "ok", "wrong", "locked", "expired", "unavailable", pressed=True)
        case Collect():
            yield from _named(node, "next", pressed=True)
        case Hours():
            yield from _named(node, "open", "closed", "holiday")
        case Route():
            yield from _named(node, "nobody", "timeout")
        case Transfer():
            yield from _named(node, "failed")
        case Hook():
            for result, target in node.results.items():
                yield f"result {result}", target, ("results", result), False
            yield from _named(node, "fallback")
        case OptOut() | Callback():
            yield from _named(node, "next", "failed")
        case Message() | SetLanguage() | Survey():
            yield from _named(node, "next")
        case Menu() | Hangup() | Goto():
            pass
    if isinstance(node, Listening):
        yield from _named(node, "no_input")


def _keys(node: AnyNode) -> Iterator[_Way]:
    if isinstance(node, PbxNode | Menu | Route):
        for keys, target in node.keys.items():
            yield f"key {keys}", target, ("keys", keys), True


def _named(node: AnyNode, *fields: str, pressed: bool = False) -> Iterator[_Way]:
    for field in fields:
        yield field, getattr(node, field), (field,), pressed


def may_end(node: AnyNode) -> bool:
    """Whether a caller's way through the trees may rightly end here."""
    if isinstance(node, PbxNode):  # one that plays until somebody takes the call is a hold menu
        holds = node.input.type is InputType.none and node.action.type is ActionType.none
        return holds or node.action.type is ActionType.call
    return isinstance(node, Hangup | Transfer | Route)


def reachable(trees: Trees, start: Place) -> set[Place]:
    """Every node that a call beginning at `start` may enter; targets that don't exist are left."""
    found, waiting = set(), [start]
    while waiting:
        place = waiting.pop()
        if place in found or not exists(trees, place):
            continue
        found.add(place)
        waiting += [edge.target for edge in edges(trees, place)]
    return found


def exists(trees: Trees, place: Place) -> bool:
    """Whether there is such a node."""
    return place.tree in trees and place.node in trees[place.tree].nodes


def cycles(links: dict[Place, list[Place]]) -> list[list[Place]]:
    """The sets of places that lead to one another, each with more than one or with itself.

    Tarjan's strongly connected components, without recursion: a tree may be a thousand nodes deep.
    """
    order: dict[Place, int] = {}
    low: dict[Place, int] = {}
    stack: list[Place] = []
    held: set[Place] = set()
    found: list[list[Place]] = []
    for root in links:
        if root in order:
            continue
        work = [(root, iter(links[root]))]
        order[root] = low[root] = len(order)
        stack.append(root)
        held.add(root)
        while work:
            place, after = work[-1]
            step = next(after, None)
            if step is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == order[place]:
                    found.append(_component(place, stack, held))
            elif step not in order:
                order[step] = low[step] = len(order)
                stack.append(step)
                held.add(step)
                work.append((step, iter(links.get(step, []))))
            elif step in held:
                low[place] = min(low[place], order[step])
    return [one for one in found if len(one) > 1 or one[0] in links.get(one[0], [])]


def _component(root: Place, stack: list[Place], held: set[Place]) -> list[Place]:
    members: list[Place] = []
    while True:
        place = stack.pop()
        held.discard(place)
        members.append(place)
        if place == root:
            return members[::-1]
