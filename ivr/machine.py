"""The machine that walks a caller through IVR trees. It does no I/O: events in, actions out.

A session is always in one phase, and the phase says what it waits for:

- `new`: nothing has happened yet;
- `saying`: a prompt plays that no key interrupts, and its end leads on;
- `asking`: a prompt plays and keys are gathered; `listening`: the prompt has ended;
- `deciding`: a PIN is checked, a service is asked, something is recorded;
- `queued`: the caller waits for an agent; `leaving`: the call is being put through;
- `ended`.

Every wait has a timer, so that a session ends even if nobody ever says anything again; every node
entered and every question asked is a step, and steps are limited, so that every path ends. An event
that the table doesn't list for the phase, or that answers a turn that is over, changes nothing.
"""

from collections.abc import Mapping

from ivr.machine_answer import Ignored, answer
from ivr.machine_enter import go
from ivr.machine_run import Run, Way
from ivr.machine_words import (
    Answering,
    AnyEvent,
    EndReason,
    HungUp,
    LeaveQueue,
    Phase,
    Session,
    Step,
)
from ivr.tree import Trees

P = Phase

CHOICE: frozenset[Phase] = frozenset(
    {P.saying, P.asking, P.listening, P.deciding, P.queued, P.leaving, P.ended}
)
"""Where a step may end that enters a node: that depends on the tree."""
_END = frozenset({P.ended})

TRANSITIONS: Mapping[Phase, Mapping[str, frozenset[Phase]]] = {
    P.new: {"started": CHOICE, "hung_up": _END},
    P.saying: {"prompt_finished": CHOICE, "silence": CHOICE, "hung_up": _END},
    P.asking: {
        "digits": CHOICE,
        "secret_digits": CHOICE,
        "silence": CHOICE,
        "prompt_finished": frozenset({P.listening}),
        "hung_up": _END,
    },
    P.listening: {"digits": CHOICE, "secret_digits": CHOICE, "silence": CHOICE, "hung_up": _END},
    P.deciding: {
        "pin_checked": CHOICE,
        "hook_answered": CHOICE,
        "carried": CHOICE,
        "silence": CHOICE,
        "hung_up": _END,
    },
    P.queued: {
        "routed": CHOICE,
        "digits": CHOICE,
        "silence": CHOICE,
        "queue_position": frozenset({P.queued}),
        "hung_up": _END,
    },
    P.leaving: {"carried": CHOICE, "silence": CHOICE, "hung_up": _END},
    P.ended: {},
}

_SAME_TURN = {(P.asking, "prompt_finished"), (P.queued, "queue_position")}
"""What happens within a turn: the wait goes on."""


def begin(tree: str) -> Session:
    """A session that will start in this tree."""
    return Session(entry=tree, tree=tree)


def handle(trees: Trees, session: Session, event: AnyEvent) -> Step:
    """What an event leads to. The same session and event always give the same step.

    `trees` must be those that the session began with. An event that changes nothing gives the
    session as it was, no actions, and the reason in `ignored`; `session.last` is what a front end
    that retries is answered with.
    """
    phase = session.phase
    if event.event not in TRANSITIONS[phase]:
        return Step(session=session, ignored=f"{event.event} means nothing while {phase}")
    if isinstance(event, Answering) and event.turn != session.turn:
        return Step(session=session, ignored=f"turn {event.turn} is over")
    run = Run(trees, session, event.at)
    if (phase, event.event) not in _SAME_TURN:
        run.set(turn=session.turn + 1)
    try:
        way = answer(run, event)
    except Ignored as ignored:
        return Step(session=session, ignored=ignored.why)
    if way is not None:
        if run.session.phase is Phase.queued:
            run.do(LeaveQueue)
            run.set(phase=Phase.deciding)
        go(run, way)
    return run.finished()


def without_trees(session: Session, event: HungUp) -> Step:
    """The end of a call whose trees are gone: what it held is given back, and nothing is said."""
    run = Run({}, session, event.at)
    run.set(turn=session.turn + 1)
    run.passed(Way("hung_up", None))
    run.end(EndReason.hung_up)
    return run.finished()
