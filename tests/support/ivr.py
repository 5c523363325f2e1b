"""Sessions for tests: trees and a record in memory, a world that does as it is told, and a PBX."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.errors import NotConfigured
from activities.ivr import IvrActivities, TreeRoute
from activities.ivr_contracts import (
    AdvanceSession,
    AgentFound,
    AgentSearch,
    BeginSession,
    BookCallback,
    CallHook,
    FrontEnd,
    Heard,
    HookSaid,
    LeaveQueue,
    OptOut,
    PinVerdict,
    SaveAnswers,
    SeekAgent,
    SessionReply,
    SessionResult,
    StartSession,
    StepSession,
    VerifyPin,
)
from activities.ports import StoreUnavailable
from dialer.model import AgentId, SwitchId
from ivr.machine_words import Collect, PinAnswer, Play, SecretRef, Step
from ivr.prompts import SayText
from ivr.tree import Trees, plant
from offhook.temporal.ivr import IvrDesk, session_workflow_id
from workflows.ivr_session import IvrSessionWorkflow

PBX = SwitchId("pbx")
ANNA = AgentFound(agent_id=AgentId("anna"), address="101", number="201", reasons=("idle for 9 s",))

SUPPORT = """
ivr: support
language: en
start: greet
nodes:
  greet: {kind: message, prompt: {en: Welcome}, next: pin}
  pin:
    kind: pin
    prompt: {en: Type your PIN}
    input: {length: 6}
    tries: 2
    wrong_prompt: {en: Wrong}
    no_input: bye
    ok: agent
    wrong: default
    unavailable: default
  agent:
    kind: route
    group: support
    prompt: {en: Please hold}
    position_prompt: {en: "You are number {position}"}
    keys: {"9": menu}
    max_wait: 2m
    nobody: default
    timeout: menu
  menu:
    kind: menu
    prompt: {en: "9 no more calls, 8 call back, 7 ask, 6 rate"}
    keys: {"9": out, "8": back, "7": ask, "6": rate}
    no_input: bye
    no_match: bye
  out: {kind: opt_out, next: thanks, failed: sorry}
  back: {kind: callback, next: thanks, failed: sorry}
  ask: {kind: hook, url: "http://crm.test/x", results: {gold: agent}, fallback: sorry}
  rate:
    kind: survey
    questions: [{name: happy, prompt: {en: How was it}}]
    next: thanks
  thanks: {kind: hangup, prompt: {en: Thanks}}
  sorry: {kind: hangup, prompt: {en: Sorry}}
  bye: {kind: hangup}
  default: {kind: transfer, to: {entity: user, id: 7}}
"""


@dataclass
class IvrWorld:
    """What sessions ask of the world, in memory; implements every port of `activities.ivr`."""

    trees: Trees = field(default_factory=lambda: plant([("support.yaml", SUPPORT)]).trees)
    routed: bool = True
    pins: dict[str, PinAnswer] = field(default_factory=dict)
    """The answer to each reference."""
    searches: list[AgentSearch] = field(default_factory=list)
    """What looking for an agent gives, in turn; the last one for ever."""
    refuses: bool = False
    """Callbacks and opt-outs can't be written."""
    outages: int = 0
    """Writes of steps that fail before the record is back."""
    gone: bool = False
    """The published tree was deleted."""
    hook_result: str | None = "gold"
    steps: dict[tuple[str, int], tuple[AdvanceSession, Step]] = field(default_factory=dict)
    verified: list[VerifyPin] = field(default_factory=list)
    sought: list[SeekAgent] = field(default_factory=list)
    left: list[LeaveQueue] = field(default_factory=list)
    booked: list[BookCallback] = field(default_factory=list)
    opted_out: list[OptOut] = field(default_factory=list)
    answers: list[SaveAnswers] = field(default_factory=list)
    now: datetime = datetime(2026, 3, 2, 10, tzinfo=UTC)

    def clock(self) -> datetime:
        """Half a minute later each time: a look at the queue ends at once."""
        self.now += timedelta(seconds=30)
        return self.now

    async def route(self, start: StartSession) -> TreeRoute | None:
        route = TreeRoute(tree="support", version=1, entry="support", callback_list="support")
        return route if self.routed else None

    async def load(self, tree: str, version: int) -> Trees:
        assert (tree, version) == ("support", 1)
        if self.gone:
            raise NotConfigured("the tree is gone", code="ivr_tree_unknown")
        return self.trees

    async def begin(self, request: BeginSession, found: TreeRoute) -> None:
        assert found.tree == "support"

    async def advance(self, request: AdvanceSession, step: Step) -> None:
        if self.outages:
            self.outages -= 1
            raise StoreUnavailable("the database is away")
        self.steps[request.session_id, request.seq] = request, step

    async def save_answers(self, request: SaveAnswers) -> None:
        self.answers.append(request)

    async def verify(self, request: VerifyPin) -> PinVerdict:
        self.verified.append(request)
        answer = self.pins.get(request.reference, PinAnswer.wrong)
        return PinVerdict(answer=answer, customer="C7" if answer is PinAnswer.ok else None)

    async def find(self, request: SeekAgent) -> AgentSearch:
        self.sought.append(request)
        if len(self.searches) > 1:
            return self.searches.pop(0)
        return self.searches[0] if self.searches else AgentSearch(outcome="reserved", agent=ANNA)

    async def stirred(self, request: SeekAgent, *, within: timedelta) -> bool:
        return False

    async def leave(self, request: LeaveQueue) -> None:
        self.left.append(request)

    async def book(self, request: BookCallback) -> None:
        if self.refuses:
            raise NotConfigured("no callback list", code="ivr_callback_list_missing")
        self.booked.append(request)

    async def record(self, request: OptOut) -> None:
        if self.refuses:
            raise NotConfigured("no list")
        self.opted_out.append(request)

    async def ask(self, request: CallHook) -> HookSaid:
        return HookSaid(result=self.hook_result)


@dataclass
class PbxCall:
    """A responder's side of one call: each answer says what to ask next."""

    desk: IvrDesk
    call_id: str
    front_end: FrontEnd = FrontEnd.asked
    calling: str = "+390230210082"
    reply: SessionReply | None = None

    async def begin(self) -> SessionReply:
        """The first question; again, it is a repetition."""
        start = StartSession(
            switch_id=PBX,
            call_id=self.call_id,
            front_end=self.front_end,
            calling=self.calling,
            called="800",
        )
        self.reply = await self.desk.begin(start, StepSession())
        return self.reply

    async def returned(self, **step: object) -> SessionReply:
        """The node has run, and nothing was typed unless said."""
        assert self.reply is not None
        words: dict[str, object] = {"turn": self.reply.turn, "part": self.reply.part}
        request = StepSession.model_validate(
            {"heard": Heard.returned, "patience": timedelta(seconds=4), **words, **step}
        )
        self.reply = await self.desk.step(PBX, self.call_id, request)
        return self.reply

    async def types(self, digits: str) -> SessionReply:
        """Keys that are no secret."""
        return await self.returned(digits=digits, heard=Heard.typed)

    async def types_secret(self, reference: str) -> SessionReply:
        """A PIN, by what stands for it."""
        return await self.returned(secret=SecretRef(reference), heard=Heard.typed)

    def handle(self) -> WorkflowHandle[IvrSessionWorkflow, SessionResult]:
        """The session's workflow."""
        return self.desk.client.get_workflow_handle_for(
            IvrSessionWorkflow.run, session_workflow_id(PBX, self.call_id)
        )


def words_of(reply: SessionReply) -> list[str]:
    """What a reply has said."""
    pieces = [piece for one in reply.actions if isinstance(one, Play) for piece in one.pieces]
    return [piece.text if isinstance(piece, SayText) else piece.file for piece in pieces]


def gathers(reply: SessionReply) -> Collect | None:
    """What a reply gathers."""
    return next((one for one in reply.actions if isinstance(one, Collect)), None)


async def ended(env: WorkflowEnvironment, call: PbxCall) -> SessionResult:
    """Wait for the end of the session; let time go by where it does not come by itself."""
    handle, step = call.handle(), timedelta(seconds=15)

    async def over() -> bool:
        return (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING

    for _ in range(10):
        if await over():
            break
        await asyncio.sleep(0.1)
    while not await over():
        await env.sleep(step)
        step *= 2
    return await handle.result()


@asynccontextmanager
async def ivr_desk(client: Client, world: IvrWorld) -> AsyncIterator[IvrDesk]:
    """A worker on a queue of its own."""
    queue = f"ivr-{uuid4()}"
    acts = IvrActivities(
        trees=world,
        records=world,
        pins=world,
        agents=world,
        callbacks=world,
        opt_outs=world,
        hooks=world,
        clock=world.clock,
    )
    async with Worker(
        client, task_queue=queue, workflows=[IvrSessionWorkflow], activities=acts.all()
    ):
        yield IvrDesk(client, queue)
