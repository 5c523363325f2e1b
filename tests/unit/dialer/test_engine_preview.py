"""Preview: an offer keeps an agent, and always ends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.commands import PlaceCall, ReturnContact, SavePreview
from dialer.events import AgentChanged, PauseRequested, PreviewAnswered, ResumeRequested, Started
from dialer.model import AgentId, AgentStatus, ContactId, Mode, PreviewSettings
from tests.support.floor import Floor, agent, contact, settings, started


def previewing(
    preview: PreviewSettings | None = None, *, agents: int = 1, owner_only: bool = False
) -> Started:
    wanted = settings(
        mode=Mode.preview, preview=preview or PreviewSettings(), owner_only=owner_only
    )
    return started(settings=wanted, agents=tuple(agent(n) for n in range(agents)))


def on_offer(floor: Floor) -> dict[AgentId, ContactId]:
    shown: dict[AgentId, ContactId] = {}
    for command in floor.of(SavePreview):
        shown.pop(command.agent_id, None)
        if command.contact_id is not None:
            shown[command.agent_id] = command.contact_id
    return shown


def answer(floor: Floor, *, dial: bool) -> None:
    [(who, what)] = on_offer(floor).items()
    floor.give(PreviewAnswered(agent_id=who, contact_id=what, dial=dial))


def test_contact_on_offer_is_dialed_when_the_agent_says_so() -> None:
    floor = Floor(previewing(), contacts=[contact(1), contact(2)]).start().run(3)
    [shown] = on_offer(floor).values()
    assert not floor.of(PlaceCall)
    answer(floor, dial=True)
    floor.run(1)
    assert [call.contact_id for call in floor.of(PlaceCall)] == [shown]
    assert on_offer(floor) == {}


def test_contact_on_offer_is_dialed_by_itself_after_the_time() -> None:
    quick = PreviewSettings(dial_after=timedelta(seconds=5))
    floor = Floor(previewing(quick), contacts=[contact(1)]).start().run(4)
    assert not floor.of(PlaceCall)
    floor.run(4)
    assert len(floor.of(PlaceCall)) == 1


def test_offer_that_is_not_dialed_by_itself_ends_and_comes_back_later() -> None:
    patient = PreviewSettings(dial_after=None, limit=timedelta(seconds=10))
    floor = Floor(previewing(patient), contacts=[contact(1)]).start().run(15)
    assert not floor.of(PlaceCall)
    [back] = floor.of(ReturnContact)
    assert back.reason == "preview_expired"
    assert back.due_at == back.at + patient.again_after
    assert on_offer(floor) == {}


def test_skipped_contact_makes_room_for_the_next() -> None:
    floor = Floor(previewing(), contacts=[contact(1), contact(2)]).start().run(3)
    first = on_offer(floor)[AgentId("agent0")]
    answer(floor, dial=False)
    floor.run(1)
    assert on_offer(floor)[AgentId("agent0")] != first
    assert [back.reason for back in floor.of(ReturnContact)] == ["skipped"]


@pytest.mark.parametrize("skips", [0, 2])
def test_agent_skips_no_more_than_he_may(skips: int) -> None:
    strict = PreviewSettings(skips=skips)
    people = [contact(n) for n in range(9)]
    floor = Floor(previewing(strict), contacts=people).start().run(3)
    for _ in range(skips + 3):
        answer(floor, dial=False)
        floor.run(1)
    assert len(floor.of(ReturnContact)) == skips
    assert floor.of(SavePreview)[-1].skips_left == 0


def test_answer_to_an_offer_that_is_over_changes_nothing() -> None:
    floor = Floor(previewing(), contacts=[contact(1)]).start().run(3)
    floor.give(PreviewAnswered(agent_id=AgentId("agent0"), contact_id=ContactId("99"), dial=True))
    floor.run(1)
    assert not floor.of(PlaceCall)
    assert len(on_offer(floor)) == 1


def test_pause_takes_every_offer_back() -> None:
    floor = Floor(previewing(agents=2), contacts=[contact(1), contact(2)]).start().run(3)
    assert len(on_offer(floor)) == 2
    floor.give(PauseRequested())
    assert on_offer(floor) == {}
    assert {back.reason for back in floor.of(ReturnContact)} == {"preview_withdrawn"}


def test_contact_with_an_owner_is_offered_to_nobody_else() -> None:
    owned = replace(contact(1), owner=AgentId("agent1"))
    other = replace(contact(2), owner=AgentId("nobody"))
    first = previewing(agents=2, owner_only=True)
    floor = Floor(first, contacts=[owned, other, contact(3)]).start().run(3)
    assert on_offer(floor)[AgentId("agent1")] == owned.contact_id
    assert on_offer(floor)[AgentId("agent0")] == ContactId("contact3")
    assert [back.reason for back in floor.of(ReturnContact)] == ["owner_away"]


@given(
    st.lists(
        st.sampled_from(["dial", "skip", "wait", "away", "back", "pause", "resume"]), max_size=25
    )
)
def test_offer_always_ends_and_is_made_to_one_agent_who_has_nothing_else(
    happenings: Sequence[str],
) -> None:
    quick = PreviewSettings(dial_after=timedelta(seconds=6), skips=3, again_after=timedelta(0))
    people = [contact(n) for n in range(6)]
    floor = Floor(previewing(quick, agents=2), contacts=people).start().run(1)
    for what in happenings:
        shown = on_offer(floor)
        assert len(set(shown.values())) == len(shown)
        for who, contact_id in list(shown.items())[:1]:
            if what in ("dial", "skip"):
                said = PreviewAnswered(agent_id=who, contact_id=contact_id, dial=what == "dial")
                floor.give(said)
        if what in ("away", "back"):
            status = AgentStatus.not_ready if what == "away" else AgentStatus.available
            floor.give(AgentChanged(agent=replace(agent(0), status=status)))
        if what in ("pause", "resume"):
            floor.give(PauseRequested() if what == "pause" else ResumeRequested())
        floor.run(1)
    still = on_offer(floor)
    floor.run(7)
    for who, contact_id in still.items():
        since = [c for c in floor.of(SavePreview) if c.agent_id == who][-1]
        assert since.contact_id != contact_id or since.at > floor.now - timedelta(seconds=6.5)
