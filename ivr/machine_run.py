"""One step of a session in the making: what nodes and answers are written in terms of.

A `Run` lives for one event. It holds the session as it becomes, and collects what is to be done and
which ways were taken. Nothing leaves it but the finished `Step`.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from ivr.machine_words import (
    Action,
    AnyAction,
    Collect,
    EndReason,
    HangUp,
    LeaveQueue,
    Phase,
    Play,
    SaveAnswers,
    Session,
    SetTimer,
    Step,
    Visit,
)
from ivr.prompts import Piece, speak
from ivr.tree import Tree, Trees
from ivr.tree_nodes import AnyNode, Listening, Menu, PbxNode, Pin, Said, Survey
from ivr.tree_nodes import Collect as CollectNode
from ivr.tree_parts import Input, InputType

MAX_VALUES = 50
CARRY_OUT = timedelta(seconds=15)
"""How long recording something or checking a PIN may take before the call goes on without it."""

Act = TypeVar("Act", bound=Action)


class Way(NamedTuple):
    """A way out of the present node."""

    branch: str
    target: str | None
    tree: str | None = None
    """Another tree, if the way leads there."""


Onward = Way | None
"""Where a session goes now; None when it waits or is over."""


class Run:
    """The session as it becomes during one event."""

    def __init__(self, trees: Trees, session: Session, at: datetime) -> None:
        self.trees = trees
        self.session = session
        self.at = at
        self.actions: list[AnyAction] = []
        self.ways: list[Visit] = []

    @property
    def tree(self) -> Tree:
        """The tree that the call is in."""
        return self.trees[self.session.tree]

    @property
    def node(self) -> AnyNode:
        """The node that the call is in."""
        return self.tree.nodes[self.session.node]

    def set(self, **changes: object) -> None:
        """Change the session."""
        self.session = self.session.model_copy(update=changes)

    def do(self, action: type[Act], **what: object) -> None:
        """Ask for an action of the present turn."""
        self.actions.append(action(turn=self.session.turn, **what))  # type: ignore[arg-type]

    def wait(self, phase: Phase, after: timedelta) -> Onward:
        """Wait for something, and for silence at the latest; nothing leads on yet."""
        self.do(SetTimer, after=after)
        self.set(phase=phase)
        return None

    def pieces(self, *said: Said | None) -> tuple[Piece, ...]:
        """What these prompts say to this caller."""
        found: list[Piece] = []
        for one in said:
            prompt = self.tree.prompt(one) if one is not None else None
            if prompt:
                found += speak(
                    prompt,
                    language=self.session.language,
                    default=self.tree.language,
                    values=self._values(),
                )
        return tuple(found)

    def _values(self) -> dict[str, str]:
        session, node = self.session, self.node
        known = {"calling": session.calling, "called": session.called}
        if session.customer is not None:
            known["customer"] = session.customer
        if session.position is not None:
            known["position"] = str(session.position)
        if isinstance(node, Listening) and node.tries is not None:
            known["tries_left"] = str(max(0, node.tries - session.tries))
        return session.values | known

    def say(self, *said: Said | None, loop: bool = False) -> bool:
        """Say something and wait for its end; false if there is nothing to say."""
        pieces = self.pieces(*said)
        if pieces:
            self.do(Play, pieces=pieces, loop=loop)
            self.wait(Phase.saying, self.tree.limits.prompt)
        return bool(pieces)

    def ask(self, *said: Said | None) -> Onward:
        """Say something and gather keys; nothing but an end comes of asking too often."""
        if not self.step():
            return None
        node = self.node
        loop = isinstance(node, PbxNode) and node.loop
        entry, pieces = wanted_input(node), self.pieces(*said)
        if pieces:
            barge_in = not isinstance(node, Listening) or node.barge_in
            self.do(Play, pieces=pieces, barge_in=barge_in, loop=loop)
        self.do(Collect, input=entry, secret=isinstance(node, Pin))
        if pieces and not loop:
            return self.wait(Phase.asking, self.tree.limits.prompt + entry.wait)
        return self.wait(Phase.listening, entry.wait)

    def step(self) -> bool:
        """Count a step; false if that was one too many, and the call is over."""
        self.set(steps=self.session.steps + 1)
        if self.session.steps <= self.trees[self.session.entry].limits.steps:
            return True
        self.end(EndReason.too_many_steps)
        return False

    def keep(self, values: Iterable[tuple[str, str]]) -> None:
        """Remember values, as many as fit."""
        kept = dict(self.session.values)
        for name, value in values:
            if name in kept or len(kept) < MAX_VALUES:
                kept[name] = value
        self.set(values=kept)

    def save_answers(self) -> None:
        """Hand over the answers to a survey, once."""
        if self.session.answers:
            self.do(SaveAnswers, survey=self.session.node, answers=dict(self.session.answers))
            self.set(answers={})

    def passed(self, way: Way) -> None:
        """Note a way that leads out of the trees, or nowhere."""
        here = self.session
        self.ways.append(Visit(tree=here.tree, node=here.node, branch=way.branch))

    def end(self, reason: EndReason) -> Onward:
        """The session is over, and the call is ended unless it goes on elsewhere."""
        if self.session.phase is Phase.queued and reason is not EndReason.connected:
            self.do(LeaveQueue)
        self.save_answers()
        if reason not in {EndReason.hung_up, EndReason.connected, EndReason.transferred}:
            self.do(HangUp, reason=reason)
        self.set(phase=Phase.ended, ended=reason)
        return None

    def finished(self) -> Step:
        """The step, with its actions remembered for a retry."""
        self.set(last=tuple(self.actions))
        return Step(session=self.session, actions=self.session.last, ways=tuple(self.ways))


def wanted_input(node: AnyNode) -> Input:
    """The keys that a listening node, or a survey, gathers."""
    match node:
        case Menu():
            lengths = {len(keys) for keys in node.keys}
            kind = InputType.fixed if len(lengths) == 1 else InputType.pause
            return Input(
                type=kind, length=max(lengths), wait=node.wait, digit_timeout=node.digit_timeout
            )
        case PbxNode() | CollectNode() | Pin():
            return node.input
        case Survey():
            return Input(wait=node.wait)
        case _:
            return Input()
