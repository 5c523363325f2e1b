"""What an event means to the node that waits for it.

Each function answers with the way on, with None when the session goes on waiting or is over, or
with `Ignored` when the event doesn't fit the node.
"""

from typing import assert_never

from ivr.machine_enter import act, put_through
from ivr.machine_run import CARRY_OUT, Onward, Run, Way, wanted_input
from ivr.machine_words import (
    AnyEvent,
    Carried,
    Digits,
    EndReason,
    HookAnswered,
    HungUp,
    Phase,
    PinAnswer,
    PinChecked,
    Play,
    PromptFinished,
    QueuePosition,
    Routed,
    SecretDigits,
    SetTimer,
    Silence,
    Started,
    VerifyPin,
)
from ivr.tree_nodes import (
    ActionType,
    Callback,
    Collect,
    Hangup,
    Hook,
    Listening,
    Menu,
    Message,
    OptOut,
    PbxNode,
    Pin,
    Route,
    Survey,
    Transfer,
)


class Ignored(Exception):
    """The event doesn't fit what the node waits for; nothing changes."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def answer(run: Run, event: AnyEvent) -> Onward:
    """What comes of an event that the session's phase accepts."""
    match event:
        case Started():
            return _started(run, event)
        case Digits():
            return _digits(run, event.digits)
        case SecretDigits():
            return _secret(run, event)
        case Silence():
            return _silence(run)
        case PromptFinished():
            return _said(run)
        case PinChecked():
            return _pin_checked(run, event.answer, event.customer)
        case HookAnswered():
            return _hook_answered(run, event)
        case Routed():
            return _routed(run, event)
        case QueuePosition():
            return _moved_up(run, event.position)
        case Carried():
            return _carried(run, ok=event.ok)
        case HungUp():
            run.passed(Way("hung_up", None))
            return run.end(EndReason.hung_up)
        case _:
            assert_never(event)


def _started(run: Run, event: Started) -> Way:
    tree = run.tree
    language = event.language if event.language in tree.spoken else tree.language
    run.set(calling=event.calling, called=event.called, language=language)
    run.keep(event.values.items())
    return Way("start", tree.start)


def _digits(run: Run, digits: str) -> Onward:
    node = run.node
    match node:
        case Menu():
            target = node.keys.get(digits)
            return Way(f"key {digits}", target) if target else _no_match(run, node)
        case PbxNode():
            known = digits in node.keys or digits == node.back
            if node.action.type is ActionType.next and not known:
                return _no_match(run, node)
            return act(run, node, digits)
        case Collect():
            if len(digits) < node.min_length:
                return _no_match(run, node)
            run.keep([(node.variable, digits)])
            return Way("next", node.next)
        case Survey():
            return _survey_answered(run, node, digits)
        case Route() if digits in node.keys:
            return Way(f"key {digits}", node.keys[digits])
        case Pin():
            raise Ignored("a PIN must come by reference")
        case _:
            raise Ignored("nothing waits for these keys")


def _secret(run: Run, event: SecretDigits) -> Onward:
    node = run.node
    if not isinstance(node, Pin):
        raise Ignored("only a PIN node takes a reference")
    customer = run.session.values.get(node.customer) if node.customer else None
    run.do(VerifyPin, reference=event.reference, policy=node.policy, customer=customer)
    return run.wait(Phase.deciding, CARRY_OUT)


def _silence(run: Run) -> Onward:
    node = run.node
    match run.session.phase:
        case Phase.saying:
            return _said(run)
        case Phase.queued:
            return _named(run, "timeout")
        case Phase.leaving:
            return _carried(run, ok=False)
        case Phase.deciding if isinstance(node, Pin):
            return _pin_checked(run, PinAnswer.unavailable, None)
        case Phase.deciding if isinstance(node, OptOut | Callback):
            return _carried(run, ok=False)
        case Phase.deciding:
            return _no_answer(run)
        case _:
            pass
    if isinstance(node, Survey):
        return _survey_again(run, node)
    if not isinstance(node, Listening):
        raise Ignored("nothing waits for silence")
    if isinstance(node, PbxNode) and node.no_input is None and _acts_without(node):
        return act(run, node, "")
    return _again(run, node, "no_input", node.no_input, node.no_input_prompt)


def _acts_without(node: PbxNode) -> bool:
    """A switch's own node calls or asks whether or not a key came, unless told otherwise."""
    return node.action.type in {ActionType.call, ActionType.script}


def _said(run: Run) -> Onward:
    node = run.node
    if run.session.phase is Phase.asking:
        run.do(SetTimer, after=wanted_input(node).wait)
        run.set(phase=Phase.listening)
        return None
    match node:
        case Message():
            return Way("next", node.next)
        case Transfer():
            return put_through(run, node.to, node.timeout)
        case PbxNode():
            return act(run, node, "")
        case Hangup():
            return run.end(EndReason.completed)
        case _:
            raise Ignored("nothing was said")


def _no_match(run: Run, node: Listening) -> Onward:
    return _again(run, node, "no_match", node.no_match, node.no_match_prompt)


def _again(run: Run, node: Listening, branch: str, target: str | None, prompt: object) -> Onward:
    run.set(tries=run.session.tries + 1)
    if node.tries is None or run.session.tries < node.tries:
        return run.ask(prompt, node.prompt)  # type: ignore[arg-type]  # a field of the node
    return Way(branch, target)


def _pin_checked(run: Run, said: PinAnswer, customer: str | None) -> Onward:
    node = run.node
    if not isinstance(node, Pin):
        raise Ignored("no PIN is being checked")
    match said:
        case PinAnswer.ok:
            run.set(customer=customer)
            return Way("ok", node.ok)
        case PinAnswer.wrong:
            return _again(run, node, "wrong", node.wrong, node.wrong_prompt)
        case PinAnswer.locked | PinAnswer.expired | PinAnswer.unavailable:
            return _named(run, said.value, "wrong")
        case _:
            assert_never(said)


def _named(run: Run, *fields: str) -> Way:
    """The first of these branches that the node has; the last if it has none."""
    for field in fields:
        target = getattr(run.node, field)
        if target is not None:
            return Way(field, target)
    return Way(fields[-1], None)


def _hook_answered(run: Run, event: HookAnswered) -> Onward:
    node = run.node
    run.keep(event.values.items())
    if isinstance(node, PbxNode):
        target = node.keys.get(event.result or "")
        return Way(f"key {event.result}", target) if target else _no_answer(run)
    if not isinstance(node, Hook):
        raise Ignored("no service was asked")
    target = node.results.get(event.result or "")
    return Way(f"result {event.result}", target) if target else _no_answer(run)


def _no_answer(run: Run) -> Way:
    node = run.node
    return Way("fallback", node.action.fallback if isinstance(node, PbxNode) else _fallback(node))


def _fallback(node: object) -> str | None:
    return node.fallback if isinstance(node, Hook) else None


def _routed(run: Run, event: Routed) -> Onward:
    if event.outcome == "connected":
        run.passed(Way("connected", None))
        return run.end(EndReason.connected)
    run.set(phase=Phase.deciding)  # the queue has let the caller go: there is nothing to leave
    return _named(run, event.outcome)


def _moved_up(run: Run, position: int) -> Onward:
    node, before = run.node, run.session.position
    if before is not None and position >= before:
        raise Ignored("the caller was told a better place already")
    run.set(position=position)
    pieces = run.pieces(node.position_prompt) if isinstance(node, Route) else ()
    if pieces:
        run.do(Play, pieces=pieces)
    return None


def _carried(run: Run, *, ok: bool) -> Onward:
    node = run.node
    if run.session.phase is Phase.leaving:
        if ok:
            run.passed(Way("transferred", None))
            return run.end(EndReason.transferred)
        return Way("failed", node.failed if isinstance(node, Transfer) else None)
    match node:
        case OptOut():
            return Way("next", node.next) if ok else _named(run, "failed", "next")
        case Callback():
            return _named(run, "next") if ok else _named(run, "failed")
        case _:
            raise Ignored("nothing was to be carried out")


def _survey_answered(run: Run, node: Survey, digits: str) -> Onward:
    question = node.questions[run.session.question]
    if not digits.isdecimal() or not question.min <= int(digits) <= question.max:
        return _survey_again(run, node)
    run.set(answers=run.session.answers | {question.name: int(digits)})
    return _next_question(run, node)


def _survey_again(run: Run, node: Survey) -> Onward:
    run.set(tries=run.session.tries + 1)
    if run.session.tries < node.tries:
        return run.ask(node.questions[run.session.question].prompt)
    return _next_question(run, node)


def _next_question(run: Run, node: Survey) -> Onward:
    run.set(question=run.session.question + 1, tries=0)
    if run.session.question < len(node.questions):
        return run.ask(node.questions[run.session.question].prompt)
    run.save_answers()
    return Way("next", node.next)
