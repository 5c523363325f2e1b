"""Trees and the machine as drawings: Mermaid for documents, an outline for the terminal."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ivr.machine import CHOICE, TRANSITIONS
from ivr.machine_words import Phase
from ivr.tree import Forest
from ivr.tree_edges import Edge, Place, edges, exists
from ivr.tree_nodes import AnyNode, Goto, Pin, Route, SetLanguage, Transfer

_SHAPES = {
    "menu": ("{{", "}}"),
    "node": ("{{", "}}"),
    "collect": ("[/", "/]"),
    "pin": ("[/", "/]"),
    "hours": ("{", "}"),
    "hook": ("[[", "]]"),
    "transfer": ("([", "])"),
    "route": ("([", "])"),
    "hangup": ("((", "))"),
}


def mermaid(forest: Forest) -> str:
    """The forest as a Mermaid flow chart, one box for each tree."""
    lines = ["flowchart TD"]
    trees = forest.trees
    for name, tree in trees.items():
        lines.append(f'    subgraph {_id(Place(name, ""))}["{name}"]')
        for node_name, node in tree.nodes.items():
            left, right = _SHAPES.get(node.kind, ("[", "]"))
            place = Place(name, node_name)
            lines.append(f'        {_id(place)}{left}"{node_name}<br/>{describe(node)}"{right}')
        lines.append("    end")
    for name, tree in trees.items():
        for node_name in tree.nodes:
            lines += _arrows(forest, Place(name, node_name))
    return "\n".join(lines) + "\n"


def _arrows(forest: Forest, place: Place) -> Iterator[str]:
    """One arrow for each pair of nodes, with all its labels."""
    labels: dict[Place, list[str]] = {}
    for edge in edges(forest.trees, place):
        if exists(forest.trees, edge.target):
            labels.setdefault(edge.target, []).append(edge.label)
    for target, names in labels.items():
        yield f'    {_id(place)} -->|"{", ".join(names)}"| {_id(target)}'


def _id(place: Place) -> str:
    """An id that Mermaid takes for anything but its own words."""
    return f"n_{place.tree}__{place.node}".replace("-", "_d_")


def describe(node: AnyNode) -> str:
    """What a node is, in a few words."""
    match node:
        case Transfer():
            return f"transfer to {node.to}"
        case Route():
            return f"route to {node.group or 'any agent'}"
        case Goto():
            return f"goto {node.tree}"
        case Pin():
            return f"pin, {node.tries or 'unlimited'} tries"
        case SetLanguage():
            return f"language {node.language}"
        case _:
            return node.kind


@dataclass(slots=True)
class Outline:
    """A node where it is first met from above, and what lies below it."""

    place: Place
    label: str
    words: str
    seen: bool = False
    """It is drawn elsewhere already, so what is below it is not drawn again."""
    missing: bool = False
    below: list["Outline"] = field(default_factory=list)


def outline(forest: Forest) -> Outline:
    """The forest from its start, breadth first, so that each node stands as high as it can."""
    trees = forest.trees
    start = Place(forest.first.ivr, forest.first.start)
    root = _outlined(forest, Edge("start", start, (), pressed=False), set())
    waiting, met = [root], {start}
    while waiting:
        here = waiting.pop(0)
        if here.seen or here.missing:
            continue
        for edge in edges(trees, here.place):
            child = _outlined(forest, edge, met)
            here.below.append(child)
            met.add(edge.target)
            waiting.append(child)
    return root


def _outlined(forest: Forest, edge: Edge, met: set[Place]) -> Outline:
    place = edge.target
    if not exists(forest.trees, place):
        return Outline(place, edge.label, "", missing=True)
    words = describe(forest.trees[place.tree].nodes[place.node])
    return Outline(place, edge.label, words, seen=place in met)


def machine_diagram() -> str:
    """The machine's table as a Mermaid state diagram; `choice` is the next node's first phase."""
    lines = ["stateDiagram-v2", "    state choice <<choice>>", f"    [*] --> {Phase.new}"]
    for phase, events in TRANSITIONS.items():
        grouped: dict[frozenset[Phase], list[str]] = {}
        for event, after in events.items():
            if event != "hung_up":
                grouped.setdefault(after, []).append(event)
        for after, names in grouped.items():
            target = "choice" if after == CHOICE else ", ".join(sorted(after))
            lines.append(f"    {phase} --> {target}: {', '.join(names)}")
    lines += [f"    choice --> {phase}" for phase in Phase if phase in CHOICE]
    lines.append(f"    {Phase.ended} --> [*]")
    return "\n".join(lines) + "\n"


def machine_table() -> str:
    """The machine's table in Markdown: what each phase listens to."""
    rows = ["| phase | event | then |", "|---|---|---|"]
    for phase, events in TRANSITIONS.items():
        for event, after in events.items():
            then = "the next node's first phase" if after == CHOICE else ", ".join(sorted(after))
            rows.append(f"| {phase} | {event} | {then} |")
    return "\n".join(rows) + "\n"
