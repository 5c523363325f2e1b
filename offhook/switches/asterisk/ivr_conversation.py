"""What one caller hears and presses, decided without I/O: a session's actions in, orders out.

A session asks for a prompt and an input; a PBX that plays sounds and tells single keys knows
neither turns nor inputs. Between them stands a `Conversation`. It gathers keys and times silence as
a VOIspeed node does by itself, so that a tree behaves alike on both:

- a key stops a prompt that lets itself be interrupted; where it doesn't, keys count all the same,
  and the input is told when the prompt has ended, so that nobody skips what must be heard;
- a key begins the wait anew: a caller who is typing isn't silent;
- an input that ends without a key is silence.

A turn's orders are void when the next turn begins. Digits of a PIN leave only as `Keep`, for the
store that encrypts them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ivr.gather import Gathered, pause, press
from ivr.machine_words import (
    AnyAction,
    AnyEvent,
    Collect,
    Digits,
    EndReason,
    HangUp,
    Phase,
    Play,
    PromptFinished,
    Silence,
    Transfer,
)
from ivr.prompts import Piece
from ivr.tree_parts import Destination, InputType


@dataclass(frozen=True, slots=True)
class Say:
    """Play these pieces, instead of what plays."""

    playback: int
    """Tells this one from those before: its end is told by it."""
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop what plays."""

    playback: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Tell `ran_out` after this long, or not at all; replaces the wait before."""

    after: timedelta | None


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the session."""

    event: AnyEvent


@dataclass(frozen=True, slots=True)
class Keep:
    """Store these keys, and tell the session the reference."""

    turn: int
    keys: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Music:
    """Begin or end the music of somebody who waits."""

    on: bool


@dataclass(frozen=True, slots=True)
class PutThrough:
    """Put the call through, and say whether that worked."""

    turn: int
    to: Destination


@dataclass(frozen=True, slots=True)
class Release:
    """End the call."""

    reason: EndReason


Order = Say | Hush | Wait | Tell | Keep | Music | PutThrough | Release


@dataclass
class Conversation:
    """One caller. Orders are to be carried out in the order in which they stand."""

    _turn: int = -1
    _collect: Collect | None = None
    _keys: Gathered = field(default_factory=Gathered)
    _play: Play | None = None
    """What plays now, or would have if it had not been interrupted."""
    _playback: int = 0
    _playing: bool = False
    _phase: Phase = Phase.new
    _orders: list[Order] = field(default_factory=list)

    def do(self, turn: int, phase: Phase, actions: Iterable[AnyAction]) -> list[Order]:
        """Carry out what a session wants now; a turn that is over is void."""
        if turn < self._turn:
            return []
        if turn > self._turn:
            self._begin(turn)
        self._phase = phase
        for action in actions:
            self._one(action)
        if phase is Phase.queued and not self._playing:
            self._orders.append(Music(on=True))
        if not self._playing:
            self._await_key()
        return self._out()

    def pressed(self, key: str, at: datetime) -> list[Order]:
        """A key."""
        asked = self._collect
        if asked is None or asked.input.type is InputType.none or self._keys.whole:
            return []
        if self._play is not None and self._play.barge_in:
            self._hush()
            if self._phase is Phase.queued:
                self._orders.append(Music(on=True))
        self._keys = press(asked.input, self._keys, key)
        if self._keys.whole:
            self._input_ended(at)
        else:
            patient = asked.input.type is InputType.fixed
            after = asked.input.wait if patient else asked.input.digit_timeout
            self._orders.append(Wait(after))
        return self._out()

    def said(self, playback: int, at: datetime) -> list[Order]:
        """A playback has ended, or could not be played."""
        if playback != self._playback or not self._playing or self._play is None:
            return []
        if self._play.loop and not self._keys.keys:
            self._say(self._play)
            return self._out()
        self._playing = False
        if self._keys.whole:
            self._input_ended(at)
        elif self._phase is Phase.saying:
            self._orders.append(Tell(PromptFinished(turn=self._turn, at=at)))
        else:
            self._await_key()
        if self._phase is Phase.queued:
            self._orders.append(Music(on=True))
        return self._out()

    def ran_out(self, at: datetime) -> list[Order]:
        """The wait is over."""
        asked = self._collect
        if asked is None:
            return []
        if asked.input.type is not InputType.fixed:
            self._keys = pause(self._keys)
        if self._keys.whole:
            self._input_ended(at)
        elif self._phase is Phase.queued:
            self._keys = Gathered()
        else:
            self._silent(at)
        return self._out()

    def _begin(self, turn: int) -> None:
        self._turn = turn
        self._collect, self._keys = None, Gathered()
        self._hush()
        self._play = None
        self._orders.append(Wait(None))
        if self._phase is Phase.queued:
            self._orders.append(Music(on=False))

    def _one(self, action: AnyAction) -> None:
        match action:
            case Play():
                if self._phase is Phase.queued:
                    self._orders.append(Music(on=False))
                self._say(action)
            case Collect():
                self._collect = action
            case Transfer():
                self._orders.append(PutThrough(action.turn, action.to))
            case HangUp():
                self._orders.append(Release(action.reason))
            case _:  # the session's own affairs
                pass

    def _await_key(self) -> None:
        """Silence counts from here, unless somebody is typing; in a queue nobody need press."""
        asked = self._collect
        if asked is not None and not self._keys.keys and self._phase is not Phase.queued:
            self._orders.append(Wait(asked.input.wait))

    def _say(self, play: Play) -> None:
        self._play, self._playing = play, True
        self._playback += 1
        self._orders.append(Say(self._playback, play.pieces))

    def _hush(self) -> None:
        if self._playing:
            self._playing = False
            self._orders.append(Hush(self._playback))

    def _input_ended(self, at: datetime) -> None:
        """Tell a whole input; one that came under a prompt that must be heard waits for its end."""
        if self._playing or self._collect is None:
            return
        keys, secret = self._keys.keys, self._collect.secret
        if not keys:
            self._silent(at)
            return
        self._collect = None
        if secret:
            self._orders.append(Keep(self._turn, keys))
        else:
            self._orders.append(Tell(Digits(turn=self._turn, digits=keys, at=at)))

    def _silent(self, at: datetime) -> None:
        self._collect = None
        self._orders.append(Tell(Silence(turn=self._turn, at=at)))

    def _out(self) -> list[Order]:
        orders, self._orders = self._orders, []
        return orders
