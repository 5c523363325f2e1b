"""What queue and history tell of a request to dial whose end nobody told."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.outcomes import Outcome
from offhook.simulator.cutting import texts
from offhook.switches.xivo.past import NEWEST, OLDEST, Placement, Placements, outcome_of, waiting
from offhook.switches.xivo.wire_events import QueueCall
from offhook.switches.xivo.wire_office import HistoryCall

NOON = datetime(2026, 7, 1, 10, 0, 0, tzinfo=UTC)
NUMBER = "0230210082"


def placement(correlator: str = "a-1", asked_at: datetime = NOON) -> Placement:
    return Placement(correlator, NUMBER, 3, ("", "0123456789"), asked_at)


def past(start: str, status: str, *, duration: str = "00:01:00") -> HistoryCall:
    return HistoryCall(
        start=start,
        duration=duration,
        source_number="1001",
        destination_number=NUMBER,
        status=status,
    )


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (past("2026-07-01 12:00:07", "answered", duration="00:00:00"), Outcome.answered),
        (past("2026-07-01 12:00:07", "emitted"), Outcome.answered),
        (past("2026-07-01 12:00:07", "emitted", duration="00:00:00"), Outcome.no_answer),
        (past("2026-07-01 12:00:07", "missed"), Outcome.no_answer),
        (past("2026-07-01 12:00:07", "ongoing"), None),
        (past("2026-07-01 11:30:00", "answered"), None),
        (past("2026-07-01 10:00:07", "answered"), None),
        (past("yesterday", "answered"), None),
    ],
)
def test_history_tells_how_a_call_to_a_number_went_by_the_clock_of_its_zone(
    call: HistoryCall, outcome: Outcome | None
) -> None:
    began = (NOON, NOON + timedelta(minutes=5))
    assert outcome_of(NUMBER, began, [call], "Europe/Paris") is outcome
    assert outcome_of("0230210083", began, [call], "Europe/Paris") is None


def test_waiting_call_of_a_queue_stands_for_one_request_at_most() -> None:
    missing = [placement("a-1"), placement("a-2")]
    since = (NOON + timedelta(seconds=1)).isoformat()
    ours = QueueCall(position=1, caller="", number="0123456789", queue_time=since)

    assert [one.correlator for one in waiting(missing, [ours])] == ["a-1"]
    assert waiting(missing, [ours, ours]) == missing
    before = (NOON - timedelta(minutes=1)).isoformat()
    for other in ({"number": "0600000000"}, {"queue_time": before}, {"queue_time": "soon"}):
        assert waiting(missing, [ours.model_copy(update=other)]) == []


def test_request_is_missing_from_the_calls_while_it_is_neither_new_nor_old_nor_over() -> None:
    now = NOON
    placements = Placements(lambda: now)
    for correlator in ("shown", "over", "lost"):
        placements.asked(correlator, NUMBER, 3, ("", ""))
    placements.over("over")
    assert placements.missing(set()) == []
    now = NOON + NEWEST + timedelta(seconds=1)
    assert [one.correlator for one in placements.missing({"shown"})] == ["lost"]
    now = NOON + OLDEST + timedelta(seconds=1)
    assert placements.missing(set()) == []


def frame(text: str, *, opcode: int = 1) -> bytes:
    """As a browser sends it: masked, in one piece."""
    body, mask = text.encode(), b"\x01\x02\x03\x04"
    size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(body))
    return bytes([0x80 | opcode]) + size + mask + masked


def test_messages_that_a_cut_swallowed_are_read_from_the_bytes_that_were_left() -> None:
    said = ['{"claz":"web","command":"dial"}', "é" * 200, '{"claz":"ping"}']
    data = frame(said[0]) + frame("", opcode=9) + frame(said[1]) + frame(said[2])

    assert list(texts(data)) == said
    assert list(texts(data[:-1])) == said[:2]
    assert list(texts(b"GET / HTTP/1.1\r\n\r\n")) == []
