"""Publishing trees: checked first, against what the switch has, and kept as a version."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from ivr.check import World, check, has_errors
from ivr.problems import Problem
from ivr.tree import Forest, LoadedTree
from ivr.tree_nodes import AnyNode, PbxNode, Transfer
from ivr.tree_parts import Destination
from offhook.storage.ivr_store import IvrStore


class Published(BaseModel):
    """What came of publishing."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: int | None = None
    """None when errors were found and nothing was published."""
    new: bool = False
    """False for trees that are published already as they are."""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class TreeOffice:
    """Publishes trees for the command and for the API."""

    store: IvrStore
    clock: Callable[[], datetime]

    async def publish(
        self,
        forest: Forest,
        name: str,
        *,
        destinations: Collection[str] | None = None,
        audio: Callable[[LoadedTree, str], bool] | None = None,
    ) -> Published:
        """Check and publish; `destinations` are the entities of a switch (`group:5`), if known.

        Numbers are taken to lead somewhere: where, the switch's own routing says.
        """
        known = None if destinations is None else frozenset(destinations) | numbers_of(forest)
        problems = check(forest, World(destinations=known, audio=audio))
        if has_errors(problems):
            return Published(name=name, problems=tuple(problems))
        version, new = await self.store.publish(name, forest, now=self.clock())
        return Published(name=name, version=version, new=new, problems=tuple(problems))


def numbers_of(forest: Forest) -> frozenset[str]:
    """Numbers that calls are put through to."""
    found = [
        to
        for tree in forest.trees.values()
        for node in tree.nodes.values()
        if (to := _destination(node)) is not None and to.entity is None
    ]
    return frozenset(str(to) for to in found)


def _destination(node: AnyNode) -> Destination | None:
    match node:
        case Transfer():
            return node.to
        case PbxNode():
            return node.action.to
        case _:
            return None
