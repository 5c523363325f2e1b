"""What a session in a menu asks of the world.

`advance` is the heart: the pure machine handles one event and the outcome is written, in one go, so
that the record is never behind what a caller hears. Everything else carries out one action.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import activity

from activities.errors import NotConfigured, coded_errors
from activities.ivr_contracts import (
    AdvanceSession,
    AgentSearch,
    BeginSession,
    BookCallback,
    CallHook,
    Done,
    HookSaid,
    LeaveQueue,
    OptOut,
    PinVerdict,
    SaveAnswers,
    SeekAgent,
    SessionAdvanced,
    SessionBegun,
    StartSession,
    VerifyPin,
)
from ivr.machine import begin, handle, without_trees
from ivr.machine_words import HungUp, SecretRef, Step
from ivr.tree import Trees

BEAT = timedelta(seconds=2)
"""How often a look that waits shows that it lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRoute:
    """The published tree that answers a call."""

    tree: str
    version: int
    entry: str
    """The tree of the forest where a call begins."""
    hold_audio: str = ""
    callback_list: str = ""


class IvrTrees(Protocol):
    """Published trees. Raises `StoreUnavailable` as `DialStore` does."""

    async def route(self, start: StartSession) -> TreeRoute | None:
        """The newest version of the tree that answers; None when none does."""
        ...

    async def load(self, tree: str, version: int) -> Trees:
        """A version's forest, which never changes; a `NotConfigured` when there is none."""
        ...


class IvrRecords(Protocol):
    """Sessions in the system of record."""

    async def begin(self, request: BeginSession, found: TreeRoute) -> None:
        """Write that a session begins; once for its id."""
        ...

    async def advance(self, request: AdvanceSession, step: Step) -> None:
        """Write what an event led to; once for its `seq`."""
        ...

    async def save_answers(self, request: SaveAnswers) -> None:
        """Write answers; again, they replace those that are there."""
        ...


class Secrets(Protocol):
    """The claim-check store of digits: encrypted at rest, redeemed once, kept for minutes."""

    async def keep(self, digits: str, *, call: str) -> SecretRef:
        """Store what was typed and return what stands for it; `StoreUnavailable` if it can't."""
        ...


class Pins(Protocol):
    """Redeems a reference, judges by the policy, and writes the audit row."""

    async def verify(self, request: VerifyPin) -> PinVerdict:
        """The verdict; the same for a repetition of the same reference."""
        ...


class AgentFinder(Protocol):
    """The queue, and the most suitable agent."""

    async def find(self, request: SeekAgent) -> AgentSearch:
        """Look once: join the queue or stay in it, and reserve an agent if it is this caller's
        turn. Repeated after an agent was reserved, it tells the same agent while the lease lasts.
        """
        ...

    async def stirred(self, request: SeekAgent, *, within: timedelta) -> bool:
        """Wait until another look may bring the caller something new; false if nothing has
        changed so long.
        """
        ...

    async def leave(self, request: LeaveQueue) -> None:
        """Give back the place, and the agent unless connected; nothing if there is none."""
        ...


class CallbackBooker(Protocol):
    """Books promises to call back."""

    async def book(self, request: BookCallback) -> None:
        """Book it once for its key; a refusal is a `Rejected` or `NotConfigured`."""
        ...


class OptOuts(Protocol):
    """The do-not-call list."""

    async def record(self, request: OptOut) -> None:
        """List the number; a number that makes no sense is a `Rejected`."""
        ...


class Hooks(Protocol):
    """Somebody's web service."""

    async def ask(self, request: CallHook) -> HookSaid:
        """POST and read the answer; every failure is an answer without result."""
        ...


@dataclass(frozen=True)
class IvrActivities:
    """Keeps the record of sessions in step with their workflows, and carries out actions."""

    trees: IvrTrees
    records: IvrRecords
    pins: Pins
    agents: AgentFinder
    callbacks: CallbackBooker
    opt_outs: OptOuts
    hooks: Hooks
    clock: Callable[[], datetime]

    @activity.defn(name="ivr.begin")
    async def begin(self, request: BeginSession) -> SessionBegun:
        """Find the tree that answers, and pin its version."""
        with coded_errors():
            found = await self.trees.route(request.start)
            if found is None:
                return SessionBegun(tree=None)
            await self.records.begin(request, found)
            return SessionBegun(
                tree=found.tree,
                version=found.version,
                session=begin(found.entry),
                hold_audio=found.hold_audio,
                callback_list=found.callback_list,
            )

    @activity.defn(name="ivr.advance")
    async def advance(self, request: AdvanceSession) -> SessionAdvanced:
        """Have the machine handle an event, and write what it led to."""
        with coded_errors():
            step = await self._step(request)
            await self.records.advance(request, step)
            return SessionAdvanced(session=step.session, ignored=step.ignored)

    async def _step(self, request: AdvanceSession) -> Step:
        try:
            trees = await self.trees.load(request.tree, request.version)
        except NotConfigured:
            if isinstance(request.event, HungUp):
                return without_trees(request.session, request.event)
            raise
        return handle(trees, request.session, request.event)

    @activity.defn(name="ivr.verify_pin")
    async def verify_pin(self, request: VerifyPin) -> PinVerdict:
        """Judge a PIN by its reference."""
        with coded_errors():
            return await self.pins.verify(request)

    @activity.defn(name="ivr.call_hook")
    async def call_hook(self, request: CallHook) -> HookSaid:
        """Ask somebody's service."""
        with coded_errors():
            return await self.hooks.ask(request)

    @activity.defn(name="ivr.find_agent")
    async def find_agent(self, request: SeekAgent) -> AgentSearch:
        """Look until there is an agent, a better place, or an end of waiting."""
        until = self.clock() + request.wait
        with coded_errors():
            while True:
                found = await self.agents.find(request)
                better = found.position is not None and (
                    request.position is None or found.position < request.position
                )
                if found.outcome != "waiting" or better or self.clock() >= until:
                    return found
                while not await self.agents.stirred(request, within=BEAT):
                    activity.heartbeat()
                    if self.clock() >= until:
                        return found

    @activity.defn(name="ivr.leave_queue")
    async def leave_queue(self, request: LeaveQueue) -> None:
        """Give back the place in the queue and whoever was reserved."""
        with coded_errors():
            await self.agents.leave(request)

    @activity.defn(name="ivr.book_callback")
    async def book_callback(self, request: BookCallback) -> Done:
        """Promise to call back."""
        with coded_errors():
            await self.callbacks.book(request)
        return Done(ok=True)

    @activity.defn(name="ivr.opt_out")
    async def opt_out(self, request: OptOut) -> Done:
        """Put the number on the do-not-call list."""
        with coded_errors():
            await self.opt_outs.record(request)
        return Done(ok=True)

    @activity.defn(name="ivr.save_answers")
    async def save_answers(self, request: SaveAnswers) -> None:
        """Keep the answers to a survey."""
        with coded_errors():
            await self.records.save_answers(request)

    def all(self) -> Sequence[Callable[..., object]]:
        """Every activity, for a worker."""
        return [
            self.begin,
            self.advance,
            self.verify_pin,
            self.call_hook,
            self.find_agent,
            self.leave_queue,
            self.book_callback,
            self.opt_out,
            self.save_answers,
        ]
