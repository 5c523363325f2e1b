"""Same events, same commands: ticks that say nothing may be lost, and journals recomputed."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dialer.audit import JournalWithoutStart, Replay, replay
from dialer.commands import COMMANDS, PlaceCall
from dialer.engine import Engine, NotStarted
from dialer.events import EVENT, AgentChanged, DrainRequested, PauseRequested, ResumeRequested, Tick
from dialer.model import AgentStatus, Mode
from dialer.outcomes import Outcome
from tests.support.dialing import (
    START,
    agent,
    capabilities,
    contact,
    seconds,
    settings,
    started,
    trunk,
)
from tests.support.fake_switch import Fate, Lies
from tests.support.floor import Floor, Step

CAN = st.fixed_dictionaries(
    {
        "parks_agents": st.booleans(),
        "plays_message": st.booleans(),
        "limits_ringing": st.booleans(),
        "cancels_ringing": st.booleans(),
        "lists_calls": st.booleans(),
        "keeps_parked": st.just(False),
    }
)


def busy_floor(seed: int, can: dict[str, bool], mode: Mode) -> Floor:
    """A floor on which a lot has happened, the same for the same arguments."""
    chance = Random(seed)
    floor = Floor(
        started(
            agents=tuple(agent(number) for number in range(3)),
            capabilities=capabilities(**can),
            trunks=(trunk(6),),
            settings=settings(mode=mode, wrap_up=seconds(chance.choice([0, 3]))),
        ),
        contacts=[contact(number) for number in range(40)],
        seed=seed,
    )
    floor.switch.lies = Lies(lose=0.05, repeat=0.2, late=0.3, unclear=0.05, refuse_join=0.1)
    for number in range(40):
        floor.switch.fates[f"+3902{number:07d}"] = Fate(
            ring=chance.choice([1.0, 4.0, 30.0]),
            answers=chance.random() < 0.6,
            outcome=chance.choice([Outcome.no_answer, Outcome.busy, Outcome.invalid]),
            patience=chance.choice([None, 3.0]),
        )
    floor.start().run(20)
    floor.give(PauseRequested(clear=chance.random() < 0.5))
    floor.give(AgentChanged(agent=agent(0, status=AgentStatus.not_ready)))
    floor.run(5)
    floor.give(ResumeRequested())
    floor.give(AgentChanged(agent=agent(0)))
    floor.run(20)
    floor.give(DrainRequested(reason="stopped"))
    return floor.run(10)


@dataclass(frozen=True)
class Entry:
    """A journal entry."""

    seq: int
    at: datetime
    event: bytes
    commands: bytes


def journal(steps: list[Step]) -> list[Entry]:
    """What the dial loop would have written: steps with commands, and every event but ticks."""
    return [
        Entry(seq, step.at, EVENT.dump_json(step.event), COMMANDS.dump_json(step.commands))
        for seq, step in enumerate(steps)
        if step.commands or not isinstance(step.event, Tick)
    ]


@given(seed=st.integers(0, 10**6), can=CAN, mode=st.sampled_from(Mode))
@hypothesis_settings(max_examples=25)
def test_silent_ticks_can_be_left_out_without_changing_a_single_command(
    seed: int, can: dict[str, bool], mode: Mode
) -> None:
    floor = busy_floor(seed, can, mode)
    entries = journal(floor.steps)
    assert len(entries) < len(floor.steps)
    assert list(replay(entries)) == []


def test_replay_names_what_was_decided_otherwise() -> None:
    entries = journal(busy_floor(7, {}, Mode.power).steps)
    place = next(
        number for number, entry in enumerate(entries) if b'"kind":"place_call"' in entry.commands
    )
    forged = entries[place].commands.replace(b"+3902", b"+3906")
    entries[place] = replace(entries[place], commands=forged)

    differences = list(replay(entries))

    assert {difference.seq for difference in differences} == {entries[place].seq}
    (called,) = {
        (d.journalled.number[:5], d.recomputed.number[:5])
        for d in differences
        if isinstance(d.journalled, PlaceCall) and isinstance(d.recomputed, PlaceCall)
    }
    assert called == ("+3906", "+3902")


def test_replay_shows_a_command_that_the_journal_lacks() -> None:
    entries = journal(busy_floor(7, {}, Mode.power).steps)
    entries[0] = replace(entries[0], commands=b"[]")
    assert {d.journalled for d in replay(entries)} == {None}


def test_replay_begins_anew_with_every_epoch() -> None:
    floor = Floor(contacts=[contact(1), contact(2)]).start().run(8)
    floor.die(Tick())
    floor.take_over().run(60)
    assert floor.drained == "exhausted"
    assert list(replay(journal(floor.steps))) == []


def test_replay_refuses_a_journal_without_its_start() -> None:
    entries = journal(Floor(contacts=[contact(1)]).start().run(5).steps)
    with pytest.raises(JournalWithoutStart) as caught:
        list(replay(entries[1:]))
    assert caught.value.code == "journal_without_start"


def test_engine_refuses_events_before_its_start_and_a_second_start() -> None:
    engine = Engine()
    for ask in (lambda: engine.handle(Tick(), START), lambda: engine.status(START)):
        with pytest.raises(NotStarted):
            ask()
    assert engine.next_deadline() is None
    engine.handle(started(), START)
    with pytest.raises(NotStarted) as caught:
        engine.handle(started(), START)
    assert caught.value.code == "engine_not_started"


def test_next_deadline_is_never_left_behind() -> None:
    floor = busy_floor(3, {}, Mode.predictive)
    due = floor.engine.next_deadline()
    assert due is None or due > floor.now


def test_attempts_of_another_epoch_have_other_names() -> None:
    names = [
        place.attempt_id
        for epoch in (1, 2)
        for shard in (0, 1)
        for place in Floor(started(epoch=epoch, shard=shard), contacts=[contact(1)])
        .start()
        .run(5)
        .of(PlaceCall)
    ]
    assert names == ["spring-1-1", "spring.1-1-1", "spring-2-1", "spring.1-2-1"]


def test_journal_from_before_engines_were_numbered_is_one_of_engine_1() -> None:
    entries = journal(Floor(contacts=[contact(1)]).start().run(5).steps)
    event = json.loads(entries[0].event)
    del event["decisions"]
    entries[0] = replace(entries[0], event=json.dumps(event).encode())
    run = Replay()
    run.step(entries[0])
    assert run.made_by == 1


@pytest.mark.parametrize("seed", range(4))
def test_ticks_that_say_nothing_may_be_lost_where_so_many_ring_that_the_pacer_rests(
    seed: int,
) -> None:
    chance = Random(seed)
    floor = Floor(
        started(
            agents=tuple(agent(number) for number in range(25)),
            trunks=(trunk(90),),
            settings=settings(mode=Mode.predictive, wrap_up=seconds(2)),
        ),
        contacts=[contact(number) for number in range(2_000)],
        seed=seed,
    )
    for number in range(2_000):
        floor.switch.fates[f"+3902{number:07d}"] = Fate(
            ring=chance.uniform(3.0, 18.0),
            answers=chance.random() < 0.3,
            talk=chance.uniform(5.0, 40.0),
        )
    floor.start().run(150)
    assert len(floor.of(PlaceCall)) > 300
    assert list(replay(journal(floor.steps))) == []
