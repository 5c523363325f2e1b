"""What happens when a call enters a node: at once a way on, or a wait."""

from datetime import timedelta
from typing import assert_never

from dialer.suitability import Needs, SkillLevel
from dialer.windows import zone_info
from ivr.machine_run import CARRY_OUT, Onward, Run, Way
from ivr.machine_words import (
    BookCallback,
    CallHook,
    Collect,
    EndReason,
    FindAgent,
    Phase,
    Play,
    RecordOptOut,
    Transfer,
    Visit,
)
from ivr.tree_edges import Place, exists
from ivr.tree_nodes import (
    ActionType,
    AnyNode,
    Callback,
    Goto,
    Hangup,
    Hook,
    Hours,
    Menu,
    Message,
    OptOut,
    PbxNode,
    Pin,
    Route,
    SetLanguage,
    Survey,
)
from ivr.tree_nodes import Collect as CollectNode
from ivr.tree_nodes import Transfer as TransferNode
from ivr.tree_parts import LONGEST, Destination, Input, InputType, Skill

TRANSFER = timedelta(seconds=60)


def go(run: Run, way: Onward) -> None:
    """Follow a way, and every way that follows at once, until something is waited for."""
    while way is not None:
        place = Place(way.tree or run.session.tree, way.target or "")
        if way.target is None or not exists(run.trees, place):
            run.passed(way)
            run.end(EndReason.no_way_on)
            return
        here = run.session
        run.ways.append(
            Visit(
                tree=here.tree,
                node=here.node,
                branch=way.branch,
                to_tree=place.tree,
                to_node=place.node,
            )
        )
        run.set(tree=place.tree, node=place.node, tries=0, question=0, position=None)
        if not run.step():
            return
        way = enter(run, run.node)


def enter(run: Run, node: AnyNode) -> Onward:  # one line for each kind
    """Begin a node: the way on if it takes no time, else nothing, and the session waits."""
    match node:
        case PbxNode():
            if node.input.type is not InputType.none:
                return run.ask(node.prompt)
            return None if run.say(node.prompt, loop=node.loop) else act(run, node, "")
        case Menu() | CollectNode() | Pin():
            return run.ask(node.prompt)
        case Message():
            return None if run.say(node.prompt) else Way("next", node.next)
        case SetLanguage():
            run.set(language=node.language)
            return Way("next", node.next)
        case Hours():
            return _hours(run, node)
        case TransferNode():
            return None if run.say(node.prompt) else put_through(run, node.to, node.timeout)
        case Route():
            return _route(run, node)
        case Hook():
            return _hook(run, node)
        case OptOut():
            run.do(RecordOptOut, number=run.session.calling, scope=node.scope)
            return run.wait(Phase.deciding, CARRY_OUT)
        case Callback():
            return _callback(run, node)
        case Survey():
            return run.ask(node.questions[0].prompt)
        case Goto():
            start = run.trees[node.tree].start if node.tree in run.trees else None
            return Way("goto", node.node or start, node.tree)
        case Hangup():
            return None if run.say(node.prompt) else run.end(EndReason.completed)
        case _:
            assert_never(node)


def act(run: Run, node: PbxNode, digits: str) -> Onward:
    """What a switch's own node does with its input."""
    action = node.action
    match action.type:
        case ActionType.none:
            return Way("no_input", node.no_input) if node.no_input else run.end(EndReason.completed)
        case ActionType.next:
            return _child(node, digits)
        case ActionType.call:
            return put_through(run, action.to or Destination(number=digits), TRANSFER)
        case ActionType.script:
            values = _known(run, tuple(run.session.values)) | {"input": digits}
            run.do(CallHook, url=action.script, timeout=action.timeout, values=values)
            return run.wait(Phase.deciding, action.timeout + timedelta(seconds=1))
        case _:
            assert_never(action.type)


def _child(node: PbxNode, digits: str) -> Onward:
    if node.input.type is InputType.none:
        only = next(iter(node.keys), None)
        return Way(f"key {only}", node.keys[only]) if only else Way("next", None)
    if digits == node.back:
        return Way(f"key {digits}", node.parent)
    return Way(f"key {digits}", node.keys.get(digits))


def put_through(run: Run, to: Destination, timeout: timedelta) -> Onward:
    """Hand the call over."""
    run.do(Transfer, to=to)
    return run.wait(Phase.leaving, timeout)


def _hours(run: Run, node: Hours) -> Way:
    if node.hours.contains(run.at):
        return Way("open", node.open)
    if node.holiday is not None and _is_holiday(node, run):
        return Way("holiday", node.holiday)
    return Way("closed", node.closed)


def _is_holiday(node: Hours, run: Run) -> bool:
    return run.at.astimezone(zone_info(node.hours.zone)).date() in node.hours.holidays


def _route(run: Run, node: Route) -> Onward:
    pieces = run.pieces(node.prompt)
    if pieces:
        run.do(Play, pieces=pieces, barge_in=bool(node.keys))
    if node.keys:
        longest = max(map(len, node.keys))
        kind = InputType.fixed if longest == 1 else InputType.pause
        run.do(Collect, input=Input(type=kind, length=longest, wait=LONGEST))
    most = node.max_wait if node.max_wait is not None else LONGEST
    needs = Needs(
        required=_levels(node.required),
        preferred=_levels(node.preferred),
        language=run.session.language,
        group=node.group,
        vip=node.vip,
    )
    run.do(FindAgent, needs=needs, max_wait=most)
    return run.wait(Phase.queued, most)


def _levels(skills: tuple[Skill, ...]) -> tuple[SkillLevel, ...]:
    return tuple(SkillLevel(name=skill.name, level=skill.level) for skill in skills)


def _hook(run: Run, node: Hook) -> Onward:
    pieces = run.pieces(node.prompt)
    if pieces:
        run.do(Play, pieces=pieces)
    run.do(
        CallHook,
        url=node.url,
        secret=node.secret,
        timeout=node.timeout,
        values=_known(run, node.send),
    )
    return run.wait(Phase.deciding, node.timeout + timedelta(seconds=1))


def _known(run: Run, names: tuple[str, ...]) -> dict[str, str]:
    """What a service is told: where the call is, who calls whom, and the variables named."""
    here = run.session
    told = {
        "tree": here.tree,
        "node": here.node,
        "calling": here.calling,
        "called": here.called,
        "language": here.language,
    }
    if here.customer is not None:
        told["customer"] = here.customer
    return {name: here.values[name] for name in names if name in here.values} | told


def _callback(run: Run, node: Callback) -> Onward:
    typed = run.session.values.get(node.number, "") if node.number else ""
    number = typed or run.session.calling
    if not number:
        return Way("failed", node.failed)
    run.do(BookCallback, number=number, not_before=run.at + node.after, group=node.group)
    return run.wait(Phase.deciding, CARRY_OUT)
