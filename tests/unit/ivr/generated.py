"""Trees and events that Hypothesis makes up."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from ivr.machine_words import (
    AnyEvent,
    Carried,
    Digits,
    HookAnswered,
    HungUp,
    PinAnswer,
    PinChecked,
    PromptFinished,
    QueuePosition,
    Routed,
    SecretDigits,
    SecretRef,
    Session,
    Silence,
    Started,
)
from ivr.tree import Tree

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NODES = 6
names = st.sampled_from([f"n{number}" for number in range(NODES)])
targets = st.one_of(names, names, names, st.none())
prompts = st.sampled_from([None, {"en": "Something {x|number}."}, {"en": {"file": "a.wav"}}])
keys = st.dictionaries(st.sampled_from(["1", "2", "12", "*", "#"]), names, min_size=1, max_size=3)
inputs = st.fixed_dictionaries(
    {
        "type": st.sampled_from([0, 1, 2, 3]),
        "length": st.integers(1, 4),
    }
)
listening: dict[str, Any] = {
    "prompt": prompts,
    "tries": st.one_of(st.none(), st.integers(1, 3)),
    "no_input": targets,
    "no_match": targets,
}
actions = st.one_of(
    st.just({"type": "none"}),
    st.just({"type": "next"}),
    st.just({"type": 2, "to": "385"}),
    st.fixed_dictionaries(
        {"type": st.just(3), "script": st.just("https://crm.example/x"), "fallback": targets}
    ),
)


def _node(kind: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(kind), **fields})


SAID = {"en": "Hello."}
nodes = st.one_of(
    _node(
        "node",
        **listening,
        input=inputs,
        action=actions,
        keys=keys,
        back=st.sampled_from([None, "*"]),
        parent=targets,
        loop=st.booleans(),
    ),
    _node("menu", **listening, keys=keys),
    _node("collect", **listening, input=inputs, variable=st.sampled_from(["x", "y"]), next=targets),
    _node("pin", **listening, ok=names, wrong=targets, locked=targets, customer=st.just("x")),
    _node("message", prompt=st.just(SAID), next=targets),
    _node("language", language=st.sampled_from(["en", "it"]), next=targets),
    _node(
        "hours",
        hours=st.sampled_from(["always", "never", "daily 00:00-24:00; not 2026-03-02"]),
        open=names,
        closed=names,
        holiday=targets,
    ),
    _node("transfer", to=st.just("385"), prompt=prompts, failed=targets),
    _node("route", prompt=prompts, position_prompt=prompts, keys=keys, nobody=targets),
    _node(
        "hook", url=st.just("https://crm.example"), results=st.just({"1": "n1"}), fallback=targets
    ),
    _node("opt_out", next=targets, failed=targets),
    _node("callback", next=targets, failed=targets),
    _node("survey", questions=st.just([{"name": "q", "prompt": SAID}] * 2), next=targets),
    _node("goto", tree=st.just("t"), node=targets),
    _node("hangup", prompt=prompts),
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """A tree in which anything may lead anywhere, or nowhere."""
    made = {f"n{number}": draw(nodes) for number in range(NODES)}
    limits = {"steps": draw(st.integers(10, 40))}
    return Tree.model_validate(
        {"ivr": "t", "language": "en", "start": "n0", "limits": limits, "nodes": made}
    )


def event_of(kind: int, session: Session, typed: str, *, late: int = 0) -> AnyEvent:
    """An event of one of eleven kinds, for the session's turn or one that is over."""
    turn, at = max(0, session.turn - late), AT + timedelta(seconds=session.turn)
    made: list[AnyEvent] = [
        Started(at=at, calling="+390733123456", called="100"),
        Digits(at=at, turn=turn, digits=typed),
        SecretDigits(at=at, turn=turn, reference=SecretRef("claim-0001")),
        Silence(at=at, turn=turn),
        PromptFinished(at=at, turn=turn),
        PinChecked(at=at, turn=turn, answer=list(PinAnswer)[len(typed) % 5], customer="c"),
        HookAnswered(at=at, turn=turn, result=typed, values={"x": typed}),
        Routed(at=at, turn=turn, outcome="nobody"),
        QueuePosition(at=at, turn=turn, position=len(typed)),
        Carried(at=at, turn=turn, ok=len(typed) % 2 == 0),
        HungUp(at=at),
    ]
    return made[kind % len(made)]


typing = st.sampled_from(["1", "2", "12", "*", "5", "123", "1234"])
happenings = st.lists(
    st.tuples(st.integers(0, 9), typing, st.sampled_from([0, 0, 0, 1])), min_size=1, max_size=40
)
