"""Static analysis of IVR trees: what would go wrong on the telephone, found at the desk.

`check` looks at whole forests, since a loop may run through several trees. What needs the world
(which audio files there are, what the switch knows) is passed in.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ivr.check_nodes import node_problems
from ivr.check_prompts import prompt_problems
from ivr.problems import Problem, Severity
from ivr.tree import Forest, LoadedTree, nearest
from ivr.tree_edges import Edge, Place, cycles, edges, exists, may_end, reachable
from ivr.tree_nodes import AnyNode, Goto, Route, Transfer
from ivr.tree_parts import Destination


@dataclass(frozen=True, slots=True)
class World:
    """What a check may know beside the trees; None is not known, and not checked."""

    destinations: Collection[str] | None = None
    """What the switch can put a call through to: numbers, and entities as `group:5`."""
    audio: Callable[[LoadedTree, str], bool] | None = None
    """Whether an audio file exists, by the tree and the name in it."""


def check(forest: Forest, world: World = World()) -> list[Problem]:  # it is frozen
    """Every finding, by file, line and column."""
    found: list[Problem] = []
    for loaded in forest.loaded:
        found += _targets(forest, loaded)
        found += _destinations(loaded, world)
        found += node_problems(loaded)
        found += prompt_problems(loaded, world.audio)
    found += _reachability(forest)
    found += _dead_ends(forest)
    found += _loops(forest)
    found += _tree_cycles(forest)
    files = [loaded.source.file for loaded in forest.loaded]
    return sorted(found, key=lambda one: (files.index(one.file), one.line, one.column, one.code))


def has_errors(problems: Collection[Problem]) -> bool:
    """Whether anything must be mended before callers meet the trees."""
    return any(one.severity is Severity.error for one in problems)


def _targets(forest: Forest, loaded: LoadedTree) -> Iterator[Problem]:
    tree, trees = loaded.tree, forest.trees
    if tree.start not in tree.nodes:
        why = f"the tree starts at {tree.start!r}, which is no node"
        yield loaded.problem("start_unknown", ("start",), why, nearest(tree.start, tree.nodes))
    for name, node in tree.nodes.items():
        for edge in edges(trees, Place(tree.ivr, name)):
            if exists(trees, edge.target):
                continue
            path = ("nodes", name, *edge.path)
            if isinstance(node, Goto) and node.tree not in trees:
                why = f"{name!r} goes to tree {node.tree!r}, which isn't among the files given"
                mend = f"give its file too, or correct the name ({nearest(node.tree, trees)})"
                yield loaded.problem("tree_unknown", path, why, mend)
                continue
            why = f"{name!r} leads to {edge.target.node!r} ({edge.label}), which is no node"
            mend = nearest(edge.target.node, trees[edge.target.tree].nodes)
            yield loaded.problem("target_unknown", path, why, mend)


def _destinations(loaded: LoadedTree, world: World) -> Iterator[Problem]:
    if world.destinations is None:
        return
    for name, node in loaded.tree.nodes.items():
        to: Destination | None = None
        path: tuple[str, ...] = ("to",)
        if isinstance(node, Transfer):
            to = node.to
        elif node.kind == "node":
            to, path = node.action.to, ("action", "to")
        if to is not None and str(to) not in world.destinations:
            why = f"{name!r} puts calls through to {to}, which the switch doesn't have"
            mend = nearest(str(to), world.destinations)
            yield loaded.problem("destination_unknown", ("nodes", name, *path), why, mend)


def _reachability(forest: Forest) -> Iterator[Problem]:
    """A node is reached from the start of any tree: each may be a switch's entry."""
    trees = forest.trees
    reached: set[Place] = set()
    for name, tree in trees.items():
        reached |= reachable(trees, Place(name, tree.start))
    for loaded in forest.loaded:
        for name in loaded.tree.nodes:
            if Place(loaded.tree.ivr, name) not in reached:
                why = f"no way leads to {name!r}"
                mend = "lead a key or a `next` to it, or remove it"
                yield loaded.problem(
                    "unreachable", ("nodes", name), why, mend, severity=Severity.warning
                )


def _ways_on(forest: Forest) -> dict[Place, list[Edge]]:
    trees = forest.trees
    return {
        (place := Place(tree.ivr, name)): [
            edge for edge in edges(trees, place) if exists(trees, edge.target)
        ]
        for tree in trees.values()
        for name in tree.nodes
    }


def _node(forest: Forest, place: Place) -> AnyNode:
    return forest.trees[place.tree].nodes[place.node]


def _loaded(forest: Forest, place: Place) -> LoadedTree:
    return next(one for one in forest.loaded if one.tree.ivr == place.tree)


def _dead_ends(forest: Forest) -> Iterator[Problem]:
    ways = _ways_on(forest)
    trees = forest.trees
    stops = {
        place for place in ways if not edges(trees, place) and not may_end(_node(forest, place))
    }
    for place in stops:
        why = f"{place.node!r} leads nowhere: the call is cut off there"
        mend = "add `next:` (or keys), or end in a `hangup` node"
        yield _loaded(forest, place).problem("dead_end", ("nodes", place.node), why, mend)
    good = {place for place in ways if may_end(_node(forest, place))} | stops
    # What leads to something missing has its own finding and is no trap beside it.
    good |= {place for place in ways if len(ways[place]) < len(edges(trees, place))}
    spread = True
    while spread:
        more = {p for p in ways if p not in good and any(e.target in good for e in ways[p])}
        good |= more
        spread = bool(more)
    trapped = {place: [edge.target for edge in ways[place]] for place in ways if place not in good}
    for circle in cycles(trapped):
        first = min(circle, key=lambda place: _line(forest, place))
        names = ", ".join(sorted(place.node for place in circle))
        why = f"from {names} no way leads out: a caller can only hang up"
        mend = "add a way to a `hangup`, `transfer` or `route` node"
        yield _loaded(forest, first).problem("trap", ("nodes", first.node), why, mend)


def _line(forest: Forest, place: Place) -> tuple[int, int]:
    mark = _loaded(forest, place).source.mark(("nodes", place.node))
    return mark.line, mark.column


def _loops(forest: Forest) -> Iterator[Problem]:
    ways = _ways_on(forest)
    silent = {
        place: [edge.target for edge in out if not edge.pressed] for place, out in ways.items()
    }
    for circle in cycles(silent):
        first = min(circle, key=lambda place: _line(forest, place))
        waits = any(isinstance(_node(forest, place), Route) for place in circle)
        names = " -> ".join(place.node for place in _from(circle, first))
        why = f"a caller who presses nothing goes round for ever: {names} -> {first.node}"
        mend = "let one of these ways end the call, or ask for a key on the way"
        yield _loaded(forest, first).problem(
            "silent_loop",
            ("nodes", first.node),
            why,
            mend,
            severity=Severity.warning if waits else Severity.error,
        )


def _from(circle: list[Place], first: Place) -> list[Place]:
    at = circle.index(first)
    return circle[at:] + circle[:at]


def _tree_cycles(forest: Forest) -> Iterator[Problem]:
    links: dict[Place, list[Place]] = {}
    for loaded in forest.loaded:
        links[Place(loaded.tree.ivr, "")] = [
            Place(node.tree, "")
            for node in loaded.tree.nodes.values()
            if isinstance(node, Goto) and node.tree in forest.trees
        ]
    for circle in cycles(links):
        names = {place.tree for place in circle}
        for loaded in forest.loaded:
            for name, node in loaded.tree.nodes.items():
                if isinstance(node, Goto) and loaded.tree.ivr in names and node.tree in names:
                    why = f"trees go round: {' -> '.join(sorted(names))} and back"
                    mend = "make sure that a caller ends it; `limits.steps` cuts the call else"
                    yield loaded.problem(
                        "goto_cycle",
                        ("nodes", name, "tree"),
                        why,
                        mend,
                        severity=Severity.warning,
                    )
