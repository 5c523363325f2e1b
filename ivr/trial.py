"""A call to a tree without a telephone: scripted or typed, in virtual time.

The script of a caller is a row of keys: `0-9`, `*` and `#` are pressed, `,` is a pause that ends an
input, `;` is silence until the node gives up waiting, `!` hangs up. A caller whose script is over
stays on the line and is silent. What lies outside the tree (PINs, services, agents) is a `Setting`.
"""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, Protocol

from pydantic import AwareDatetime, Field

from ivr.gather import Gathered, pause, press
from ivr.machine import begin, handle
from ivr.machine_words import (
    AnyAction,
    AnyEvent,
    BookCallback,
    CallHook,
    Carried,
    Collect,
    Digits,
    EndReason,
    FindAgent,
    HookAnswered,
    HungUp,
    Phase,
    PinAnswer,
    PinChecked,
    Play,
    PromptFinished,
    RecordOptOut,
    Routed,
    SecretDigits,
    SecretRef,
    Session,
    SetTimer,
    Silence,
    Started,
    Step,
    Transfer,
    VerifyPin,
    Visit,
)
from ivr.prompts import Piece, SayText
from ivr.tree import Forest, Trees
from ivr.tree_parts import Name, Part, PbxId, Telephone

KEYS = frozenset("0123456789*#")
HANG_UP = "!"
SILENCE = ";"
PAUSE = ","


class Setting(Part):
    """The world around a trial."""

    at: AwareDatetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    """When the call comes; hours are decided by it."""
    calling: Telephone = "+390000000001"
    called: Telephone = "100"
    language: str | None = None
    pins: dict[Annotated[str, Field(pattern=r"^[0-9*#]{1,32}$")], PbxId] = Field(
        default_factory=dict, repr=False
    )
    """Customers by their PIN."""
    pin_answer: PinAnswer | None = None
    """What every check of a PIN gives, whatever `pins` says: `locked` for example."""
    hooks: dict[Name, str] = Field(default_factory=dict)
    """What the service of each hook node answers; those not named don't answer."""
    agent: Literal["connected", "nobody", "timeout"] = "connected"
    transfers: bool = True
    """Whether calls can be put through."""
    records: bool = True
    """Whether a call back can be promised and an opt-out recorded."""


class Caller(Protocol):
    """Who talks to the tree."""

    def hears(self, pieces: Sequence[Piece], *, loop: bool) -> None:
        """Something is said."""

    def keys(self, wanted: Collect) -> str | None:
        """A whole input; empty for silence, None to hang up."""

    def gone(self) -> bool:
        """Whether the caller has hung up meanwhile."""


class Scripted:
    """A caller who follows a script."""

    def __init__(self, script: str) -> None:
        unknown = set(script) - KEYS - {HANG_UP, SILENCE, PAUSE, " "}
        if unknown:
            raise ScriptUnreadable("".join(sorted(unknown)))
        self._left = script.replace(" ", "")

    def hears(self, pieces: Sequence[Piece], *, loop: bool) -> None:
        """A script isn't moved by what is said."""

    def gone(self) -> bool:
        """Whether the script hangs up here."""
        return self._left.lstrip(PAUSE).startswith(HANG_UP)

    def keys(self, wanted: Collect) -> str | None:
        """The next input of the script."""
        got = Gathered()
        self._left = self._left.lstrip(PAUSE)
        while self._left and not got.whole:
            if self._left[0] == HANG_UP:
                return None
            sign, self._left = self._left[0], self._left[1:]
            if sign in (PAUSE, SILENCE):
                got = pause(got)
                break
            got = press(wanted.input, got, sign)
        return got.keys

    def has_keys(self) -> bool:
        """Whether a key comes next."""
        return self._left.lstrip(PAUSE)[:1] in KEYS


class ScriptUnreadable(ValueError):
    """A script of digits with signs that mean nothing."""

    code = "ivr_script_unreadable"

    def __init__(self, unknown: str) -> None:
        super().__init__(
            f"{unknown!r} means nothing in a script; use 0-9 * # for keys, ',' for a pause, "
            "';' for silence and '!' to hang up"
        )


class Result(Part):
    """What came of a trial."""

    end: EndReason
    tree: str
    node: str
    """Where it ended."""
    path: tuple[str, ...]
    """The nodes entered, in order, as `tree/node`."""
    said: tuple[str, ...]
    """The texts and files the caller heard, in order."""
    to: str | None = None
    """Where the call was put through: a number, `group:5`, or the group that took it."""
    customer: str | None = None
    callback: str | None = None
    opted_out: bool = False
    steps: int
    ways: tuple[Visit, ...] = Field(default=(), exclude=True)


def run_trial(forest: Forest, caller: Caller, setting: Setting) -> Result:
    """Let a caller call the forest's first tree, and tell what came of it."""
    return _Trial(forest.trees, caller, setting, forest.first.ivr).run()


class _Trial:
    """One call; the clock moves by the timers that run out."""

    def __init__(self, trees: Trees, caller: Caller, setting: Setting, tree: str) -> None:
        self.trees, self.caller, self.setting = trees, caller, setting
        self.session: Session = begin(tree)
        self.now = setting.at
        self.ways: list[Visit] = []
        self.said: list[str] = []
        self.to: str | None = None
        self.callback: str | None = None
        self.opted_out = False
        self._secrets: dict[SecretRef, str] = {}

    def run(self) -> Result:
        """The whole call."""
        given = self.setting
        step = self._tell(
            Started(
                at=self.now, calling=given.calling, called=given.called, language=given.language
            )
        )
        while self.session.phase is not Phase.ended:
            step = self._tell(self._next(step.actions))
        here = self.session
        return Result(
            end=here.ended or EndReason.hung_up,
            tree=here.tree,
            node=here.node,
            path=tuple(f"{way.to_tree}/{way.to_node}" for way in self.ways if way.to_node),
            said=tuple(self.said),
            to=self.to,
            customer=here.customer,
            callback=self.callback,
            opted_out=self.opted_out,
            steps=here.steps,
            ways=tuple(self.ways),
        )

    def _tell(self, event: AnyEvent) -> Step:
        step = handle(self.trees, self.session, event)
        self.session = step.session
        self.ways += step.ways
        for action in step.actions:
            if isinstance(action, Play):
                self.said += [_words(piece) for piece in action.pieces]
                self.caller.hears(action.pieces, loop=action.loop)
        return step

    def _next(self, actions: Sequence[AnyAction]) -> AnyEvent:
        if self.caller.gone():
            return HungUp(at=self.now)
        turn = self.session.turn
        match self.session.phase:
            case Phase.saying:
                looping = any(isinstance(action, Play) and action.loop for action in actions)
                return self._silence(actions) if looping else PromptFinished(at=self.now, turn=turn)
            case Phase.asking | Phase.listening:
                return self._input(actions)
            case Phase.deciding:
                return self._decision(actions)
            case Phase.queued:
                return self._queue(actions)
            case _:
                return self._handed_over(actions)

    def _silence(self, actions: Sequence[AnyAction]) -> AnyEvent:
        timers = [action.after for action in actions if isinstance(action, SetTimer)]
        self.now += timers[-1]
        return Silence(at=self.now, turn=self.session.turn)

    def _input(self, actions: Sequence[AnyAction]) -> AnyEvent:
        wanted = next(action for action in actions if isinstance(action, Collect))
        keys = self.caller.keys(wanted)
        if keys is None:
            return HungUp(at=self.now)
        if not keys:
            return self._silence(actions)
        if wanted.secret:
            reference = SecretRef(f"trial-{self.session.turn:04}")
            self._secrets[reference] = keys
            return SecretDigits(at=self.now, turn=self.session.turn, reference=reference)
        return Digits(at=self.now, turn=self.session.turn, digits=keys)

    def _decision(self, actions: Sequence[AnyAction]) -> AnyEvent:
        turn = self.session.turn
        for action in actions:
            match action:
                case VerifyPin():
                    whose = self._whose(self._secrets.pop(action.reference))
                    answer = self.setting.pin_answer or (PinAnswer.ok if whose else PinAnswer.wrong)
                    return PinChecked(at=self.now, turn=turn, answer=answer, customer=whose)
                case CallHook():
                    result = self.setting.hooks.get(self.session.node)
                    return HookAnswered(at=self.now, turn=turn, result=result)
                case BookCallback() if self.setting.records:
                    self.callback = action.number
                case RecordOptOut():
                    self.opted_out = self.setting.records
                case _:
                    pass
        return Carried(at=self.now, turn=turn, ok=self.setting.records)

    def _whose(self, typed: str) -> str | None:
        found = None
        for pin, customer in self.setting.pins.items():
            if hmac.compare_digest(pin.encode(), typed.encode()):
                found = customer
        return found

    def _queue(self, actions: Sequence[AnyAction]) -> AnyEvent:
        asked = [action for action in actions if isinstance(action, Collect)]
        if asked and (not isinstance(self.caller, Scripted) or self.caller.has_keys()):
            keys = self.caller.keys(asked[0])
            if keys is None:
                return HungUp(at=self.now)
            event = Digits(at=self.now, turn=self.session.turn, digits=keys) if keys else None
            if event and handle(self.trees, self.session, event).ignored is None:
                return event
        if self.setting.agent == "timeout":
            return self._silence(actions)
        for action in actions:
            if isinstance(action, FindAgent) and self.setting.agent == "connected":
                self.to = action.needs.group
        return Routed(at=self.now, turn=self.session.turn, outcome=self.setting.agent)

    def _handed_over(self, actions: Sequence[AnyAction]) -> AnyEvent:
        if self.setting.transfers:
            self.to = next(str(one.to) for one in actions if isinstance(one, Transfer))
        return Carried(at=self.now, turn=self.session.turn, ok=self.setting.transfers)


def _words(piece: Piece) -> str:
    return piece.text if isinstance(piece, SayText) else piece.file
