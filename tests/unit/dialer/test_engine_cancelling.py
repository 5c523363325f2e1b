"""Calls that a pacer wants back: ended once they rang as long as the law wants, oldest first."""

from datetime import datetime

from dialer.commands import CloseAttempt, HangUp, PlaceCall
from dialer.engine import Engine
from dialer.model import Mode, PacingSettings
from dialer.outcomes import Outcome
from dialer.pacing.base import Decision, Floor
from dialer.pacing.power import PowerPacer
from tests.support.dialing import agent, contact, settings, started, trunk
from tests.support.fake_switch import Fate
from tests.support.floor import Floor as Room


class Repentant(PowerPacer):
    """Places three calls at first, and after ten seconds wants two of them back at every look."""

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Three, then less than none."""
        ringing = len(floor.ringing_ages)
        if self._first is None:
            self._first = now
        if (now - self._first).total_seconds() < 10.0:
            return Decision(place=3 - ringing, reason="begin")
        return Decision(place=0, reason="too many", cancel=max(0, ringing - 1))

    _first: datetime | None = None


def test_calls_are_taken_back_after_the_least_ring_time_and_no_more_than_asked() -> None:
    room = Room(
        started(
            agents=(agent(1),),
            trunks=(trunk(10),),
            settings=settings(mode=Mode.power, pacing=PacingSettings(calls_per_second=50.0)),
        ),
        contacts=[contact(number) for number in range(3)],
        engine=Engine(pacer_factory=Repentant),
    )
    room.switch.fate = Fate(ring=60.0, answers=False)
    room.start().run(24.0)
    commands = [(step.at, command) for step in room.steps for command in step.commands]
    placed = {str(c.attempt_id): at for at, c in commands if isinstance(c, PlaceCall)}
    taken = [(at, c) for at, c in commands if isinstance(c, HangUp) and c.reason == "too_many"]
    assert len(placed) == 3
    assert [c.correlator for _, c in taken] == list(placed)[:2]
    assert all((at - placed[c.correlator]).total_seconds() >= 15.0 for at, c in taken)
    closed = [c.outcome for _, c in commands if isinstance(c, CloseAttempt)]
    assert closed == [Outcome.no_answer] * 2
