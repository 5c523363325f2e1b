"""The engine's everyday: one call, one agent, and what comes between."""

from dialer.commands import (
    CloseAttempt,
    ContactState,
    Drained,
    Join,
    OpenAttemptRecord,
    ParkAgent,
    PlaceCall,
)
from dialer.outcomes import Outcome
from tests.support.floor import Floor, contact


def test_engine_takes_one_contact_from_claim_to_outcome() -> None:
    floor = Floor(contacts=[contact(1)]).start().run(60)

    (place,) = floor.of(PlaceCall)
    (record,) = floor.of(OpenAttemptRecord)
    assert record.attempt_id == place.attempt_id == "spring-1-1"
    (join,) = floor.of(Join)
    assert (join.correlator, join.agent_id, join.address) == ("spring-1-1", "agent1", "user1")
    (close,) = floor.of(CloseAttempt)
    assert close.outcome is Outcome.answered
    assert close.contact_state is ContactState.finished
    assert close.agent_id == "agent1"
    assert close.talk is not None
    assert 19 < close.talk.total_seconds() < 21
    assert floor.of(Drained) == [Drained(reason="exhausted")]
    assert len(floor.of(ParkAgent)) >= 1
