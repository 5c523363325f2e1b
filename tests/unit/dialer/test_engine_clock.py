"""A clock that is set: whatever is counted from a moment takes as long as it would have."""

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dialer.audit import replay
from dialer.commands import CloseAttempt, HangUp, Join, NoteOddity, PlaceCall
from dialer.model import Mode, PacingSettings
from tests.support.dialing import agent, capabilities, contact, settings, started, trunk
from tests.support.fake_switch import Fate
from tests.support.floor import Floor
from tests.unit.dialer.test_engine_replay import journal

RING_S = 25.0
SILENT = Fate(ring=600.0, answers=False)


def floor(*, people: int = 1, mode: Mode = Mode.progressive, **fate: object) -> Floor:
    """Agents with somebody to call each, on a switch that leaves time-outs to the engine."""
    made = Floor(
        started(
            agents=tuple(agent(number) for number in range(3)),
            capabilities=capabilities(limits_ringing=False, cancels_ringing=True),
            trunks=(trunk(10),),
            settings=settings(mode=mode, pacing=PacingSettings(concurrency=6)),
        ),
        contacts=[contact(number) for number in range(people)],
    )
    made.switch.fate = Fate(**{"ring": 2.0, "answers": True, "talk": 30.0} | fate)  # type: ignore[arg-type]  # as named
    return made


@given(
    begun=st.floats(1.0, 20.0),
    steps=st.lists(st.sampled_from([-7_200.0, -3_600.0, -90.0, -2.0]), min_size=1, max_size=3),
)
@hypothesis_settings(max_examples=25, deadline=None)
def test_phone_stops_ringing_in_time_however_often_the_clock_is_set_back(
    begun: float, steps: list[float]
) -> None:
    ringing = floor(ring=600.0, answers=False).start()
    while not ringing.of(PlaceCall):
        ringing.run(0.2)
    ringing.run(begun)
    for by in steps:
        ringing.set_clock(by)
        ringing.run(0.4)
    # Between two entries of the journal the engine can't tell a step from silence.
    ringing.run(RING_S - begun + 6.0)
    assert [one.reason for one in ringing.of(HangUp)][:1] == ["ring_timeout"]


def test_nobody_waits_an_hour_longer_for_an_agent_or_a_call_when_the_clock_is_set_back() -> None:
    busy = floor(people=30, mode=Mode.predictive).start().run(20)
    assert not busy.of(NoteOddity)
    joined, placed = len(busy.of(Join)), len(busy.of(PlaceCall))
    busy.set_clock(-3_600.0)
    busy.run(60)
    (noted,) = [one for one in busy.of(NoteOddity) if one.code == "clock_set_back"]
    assert noted.detail[:4] == "by 3"
    assert len(busy.of(Join)) > joined
    assert len(busy.of(PlaceCall)) > placed
    assert all(close.outcome != "abandoned" for close in busy.of(CloseAttempt))


def test_journal_with_a_clock_that_was_set_back_is_recomputed_alike() -> None:
    busy = floor(people=30, mode=Mode.power).start().run(20)
    busy.set_clock(-3_600.0)
    busy.run(30)
    busy.set_clock(1_800.0)
    busy.run(30)
    assert list(replay(journal(busy.steps))) == []
