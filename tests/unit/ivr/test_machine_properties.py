"""What holds of every session in every tree, whatever happens in whatever order."""

from hypothesis import given
from hypothesis import strategies as st

from ivr.machine import CHOICE, TRANSITIONS, begin, handle
from ivr.machine_words import (
    Digits,
    HungUp,
    Phase,
    Play,
    Session,
    SetTimer,
    Silence,
    Started,
    Step,
)
from ivr.tree import Tree
from tests.unit.ivr.generated import AT, event_of, happenings, trees, typing

Happenings = list[tuple[int, str, int]]
SECRET = "73918462"


def steps(tree: Tree, happened: Happenings) -> list[tuple[Session, Step]]:
    """Each session before an event, with what the event led to."""
    session, done = begin("t"), []
    started = handle({"t": tree}, session, Started(at=AT, calling="+390733123456"))
    done.append((session, started))
    session = started.session
    for kind, typed, late in happened:
        step = handle({"t": tree}, session, event_of(kind, session, typed, late=late))
        done.append((session, step))
        session = step.session
    return done


@given(trees(), happenings)
def test_session_has_ended_or_waits_with_a_timer(tree: Tree, happened: Happenings) -> None:
    timed = -1
    for _, step in steps(tree, happened):
        timed = max([timed, *(a.turn for a in step.actions if isinstance(a, SetTimer))])
        assert step.session.phase is Phase.ended or timed == step.session.turn
        assert (step.session.ended is not None) == (step.session.phase is Phase.ended)


@given(trees(), happenings)
def test_event_moves_the_phase_only_as_the_table_says(tree: Tree, happened: Happenings) -> None:
    session = begin("t")
    for kind, typed, late in [(0, "1", 0), *happened]:
        event = event_of(kind, session, typed, late=late)
        step = handle({"t": tree}, session, event)
        if step.ignored is None:
            assert step.session.phase in TRANSITIONS[session.phase][event.event]
        else:
            assert (step.session, step.actions, step.ways) == (session, (), ())
        session = step.session


@given(trees(), happenings)
def test_same_events_give_the_same_steps(tree: Tree, happened: Happenings) -> None:
    assert steps(tree, happened) == steps(tree, happened)


@given(trees(), happenings)
def test_event_that_comes_twice_changes_nothing(tree: Tree, happened: Happenings) -> None:
    session = begin("t")
    for kind, typed, late in [(0, "1", 0), *happened]:
        event = event_of(kind, session, typed, late=late)
        session = handle({"t": tree}, session, event).session
        again = handle({"t": tree}, session, event)
        assert again.ignored is not None
        assert (again.session, again.actions) == (session, ())


@given(trees(), st.lists(st.tuples(st.integers(1, 9), typing), min_size=1))
def test_every_path_is_bounded(tree: Tree, answers: list[tuple[int, str]]) -> None:
    """A call that is answered for ever, with what its phase listens to, ends."""
    session = handle({"t": tree}, begin("t"), Started(at=AT)).session
    effective = told = 0
    while session.phase is not Phase.ended:
        kind, typed = answers[told % len(answers)]
        told += 1
        event = event_of(kind, session, typed)
        step = handle({"t": tree}, session, event)
        if step.ignored is not None:
            step = handle({"t": tree}, session, Silence(at=AT, turn=session.turn))
        assert step.ignored is None
        effective += 1
        session = step.session
        # Each step costs at most a prompt, three places in the queue, an answer and a verdict.
        assert effective <= 8 * tree.limits.steps


@given(trees())
def test_call_in_which_nobody_says_anything_ends(tree: Tree) -> None:
    session = handle({"t": tree}, begin("t"), Started(at=AT)).session
    for _ in range(4 * tree.limits.steps):
        session = handle({"t": tree}, session, Silence(at=AT, turn=session.turn)).session
    assert session.phase is Phase.ended


@given(trees(), happenings)
def test_hang_up_ends_every_session_at_once(tree: Tree, happened: Happenings) -> None:
    for _, step in steps(tree, happened):
        ended = handle({"t": tree}, step.session, HungUp(at=AT))
        assert ended.session.phase is Phase.ended
        assert not any(isinstance(action, Play | SetTimer) for action in ended.actions)


@given(trees(), happenings)
def test_session_survives_being_written_and_read(tree: Tree, happened: Happenings) -> None:
    last = steps(tree, happened)[-1][1]
    assert Session.model_validate_json(last.session.model_dump_json()) == last.session
    assert Step.model_validate_json(last.model_dump_json()) == last


@given(trees(), happenings)
def test_keys_at_a_pin_node_leave_no_trace(tree: Tree, happened: Happenings) -> None:
    for _, before in steps(tree, happened):
        session = before.session
        node = tree.nodes.get(session.node)
        if node is None or node.kind != "pin":
            continue
        event = Digits(at=AT, turn=session.turn, digits=SECRET)
        assert SECRET not in handle({"t": tree}, session, event).model_dump_json()


def test_choice_is_every_phase_but_the_first() -> None:
    assert set(Phase) - CHOICE == {Phase.new}
