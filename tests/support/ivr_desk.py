"""Sessions without Temporal or a database, for tests of a front end: the machine, its orders, and
agents, PINs and promises by rote. What the session's workflow does besides has its own tests.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from activities.ivr import TreeRoute
from activities.ivr_contracts import (
    AgentFound,
    FrontEnd,
    Heard,
    SessionReply,
    StartSession,
    StepSession,
)
from dialer.model import SwitchId
from ivr import machine_words as words
from ivr.machine import begin, handle
from ivr.machine_words import AnyEvent, Phase, PinAnswer, SecretRef, Session
from ivr.tree import Trees
from workflows.ivr_orders import event_of, next_order, settled


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Kept:
    """One session."""

    start: StartSession
    session: Session
    order: SessionReply
    heard: list[AnyEvent] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    offered: AgentFound | None = None


@dataclass
class MemoryDesk:
    """Implements `Sessions`, `InboundRoutes` and `Secrets`."""

    trees: Trees
    routes: Mapping[str, str]
    """The tree for a called number."""
    pins: Mapping[str, str] = field(default_factory=dict)
    locked: frozenset[str] = frozenset()
    """PINs whose callers are locked out."""
    agents: Sequence[AgentFound] = ()
    kept: dict[str, Kept] = field(default_factory=dict)
    secrets: dict[SecretRef, str] = field(default_factory=dict)
    booked: list[str] = field(default_factory=list)

    async def route(self, start: StartSession) -> TreeRoute | None:
        tree = self.routes.get(start.called)
        return None if tree is None else TreeRoute(tree=tree, version=1, entry=tree)

    async def keep(self, digits: str, *, call: str) -> SecretRef:
        reference = SecretRef(f"reference-{len(self.secrets)}")
        self.secrets[reference] = digits
        return reference

    async def begin(self, start: StartSession, step: StepSession) -> SessionReply:
        if start.call_id not in self.kept:
            session = begin(self.routes[start.called])
            order = SessionReply(session_id=start.call_id, turn=0, phase=Phase.new)
            self.kept[start.call_id] = Kept(start, session, order)
            self._tell(
                self.kept[start.call_id],
                words.Started(at=_now(), calling=start.calling, called=start.called),
            )
        return await self.step(start.switch_id, start.call_id, step)

    async def step(self, switch: SwitchId, call: str, step: StepSession) -> SessionReply:
        kept = self.kept[call]
        if kept.offered is not None and step.heard in (Heard.carried, Heard.failed):
            outcome = "connected" if step.heard is Heard.carried else "nobody"
            turn, kept.offered = kept.session.turn, None
            self._tell(kept, words.Routed(at=_now(), turn=turn, outcome=outcome))
        elif (event := event_of(kept.session, step, _now())) is not None:
            self._tell(kept, event)
        until = asyncio.get_running_loop().time() + step.patience.total_seconds()
        while not settled(kept.order) or kept.order.serial == step.known:
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                break
            kept.changed.clear()
            try:
                await asyncio.wait_for(kept.changed.wait(), left)
            except TimeoutError:
                break
        return kept.order

    async def caller_gone(self, switch: SwitchId, call: str) -> bool:
        if (kept := self.kept.get(call)) is not None:
            self._tell(kept, words.HungUp(at=_now()))
        return kept is not None

    def of(self, calling: str) -> Kept:
        """The session of a caller."""
        (kept,) = [one for one in self.kept.values() if one.session.calling == calling]
        return kept

    def _tell(self, kept: Kept, event: AnyEvent) -> None:
        following: AnyEvent | None = event
        while following is not None:
            kept.heard.append(following)
            step = handle(self.trees, kept.session, following)
            if step.ignored is not None:
                return
            kept.session = step.session
            kept.visited += [way.to_node for way in step.ways if way.to_node]
            kept.order = next_order(kept.order, kept.session)
            following = self._carry_out(kept)
        kept.changed.set()

    def _carry_out(self, kept: Kept) -> AnyEvent | None:
        turn = kept.session.turn
        for action in kept.session.last:
            match action:
                case words.VerifyPin():
                    typed = self.secrets.pop(action.reference)
                    customer = self.pins.get(typed)
                    said = PinAnswer.ok if customer else PinAnswer.wrong
                    said = PinAnswer.locked if typed in self.locked else said
                    return words.PinChecked(at=_now(), turn=turn, answer=said, customer=customer)
                case words.BookCallback():
                    self.booked.append(action.number)
                    return words.Carried(at=_now(), turn=turn, ok=True)
                case words.RecordOptOut():
                    return words.Carried(at=_now(), turn=turn, ok=True)
                case words.FindAgent():
                    if not self.agents:
                        return words.Routed(at=_now(), turn=turn, outcome="nobody")
                    kept.offered = self.agents[0]
                    changes = {"agent": kept.offered, "serial": kept.order.serial + 1}
                    kept.order = kept.order.model_copy(update=changes)
                    if kept.start.front_end is FrontEnd.asked:
                        return words.Routed(at=_now(), turn=turn, outcome="connected")
                case words.Transfer() if kept.start.front_end is FrontEnd.asked:
                    return words.Carried(at=_now(), turn=turn, ok=True)
                case _:
                    pass
        return None
