"""The machine by example: each kind of node, and what is asked of the outside."""

from datetime import UTC, datetime, timedelta

import pytest

from dialer.suitability import SkillLevel
from ivr.machine import begin, handle, without_trees
from ivr.machine_words import (
    AnyAction,
    AnyEvent,
    BookCallback,
    CallHook,
    Carried,
    Collect,
    Digits,
    EndReason,
    FindAgent,
    HangUp,
    HookAnswered,
    HungUp,
    LeaveQueue,
    Phase,
    PinAnswer,
    PinChecked,
    Play,
    PromptFinished,
    QueuePosition,
    RecordOptOut,
    Routed,
    SaveAnswers,
    SecretDigits,
    SecretRef,
    SetTimer,
    Silence,
    Started,
    Transfer,
    VerifyPin,
)
from ivr.prompts import SayText
from ivr.tree import Forest
from ivr.tree_parts import InputType
from tests.unit.ivr.trees import written

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BYE = "bye: {kind: hangup}"
OTHER = "other: {kind: transfer, to: 100}"


class Call:
    """A session that is told things."""

    def __init__(self, *nodes: str, at: datetime = NOON, head: str = "") -> None:
        self.forest: Forest = written(*nodes, head=head)
        self.at = at
        self.session = begin("t")
        self.ways: list[str] = []
        self.actions = self.tell(Started(at=at, calling="+390733", called="100"))

    def tell(self, event: AnyEvent) -> tuple[AnyAction, ...]:
        step = handle(self.forest.trees, self.session, event)
        assert step.ignored is None, step.ignored
        self.session, self.actions = step.session, step.actions
        self.ways += [way.branch for way in step.ways]
        return step.actions

    def phase(self) -> Phase:
        return self.session.phase

    @property
    def turn(self) -> int:
        return self.session.turn

    def press(self, digits: str) -> tuple[AnyAction, ...]:
        return self.tell(Digits(at=self.at, turn=self.turn, digits=digits))

    def silence(self) -> tuple[AnyAction, ...]:
        return self.tell(Silence(at=self.at, turn=self.turn))

    def finish(self) -> tuple[AnyAction, ...]:
        return self.tell(PromptFinished(at=self.at, turn=self.turn))

    def carried(self, *, ok: bool) -> tuple[AnyAction, ...]:
        return self.tell(Carried(at=self.at, turn=self.turn, ok=ok))

    def heard(self) -> str:
        return " ".join(
            piece.text
            for action in self.actions
            if isinstance(action, Play)
            for piece in action.pieces
            if isinstance(piece, SayText)
        )


def kinds(actions: tuple[AnyAction, ...]) -> list[str]:
    return [action.do for action in actions]


def test_menu_asks_listens_and_follows_a_key() -> None:
    call = Call("start: {kind: menu, prompt: {en: Press one.}, keys: {1: bye}, wait: 4s}", BYE)
    assert kinds(call.actions) == ["play", "collect", "set_timer"]
    assert call.phase() is Phase.asking
    (timer,) = call.finish()
    assert timer == SetTimer(turn=call.turn, after=timedelta(seconds=4))
    assert call.phase() is Phase.listening
    assert call.press("1") == (HangUp(turn=call.turn, reason=EndReason.completed),)
    assert call.ways == ["start", "key 1"]


def test_menu_asks_again_and_gives_up_after_its_tries() -> None:
    call = Call(
        "start: {kind: menu, prompt: {en: Press one.}, keys: {1: bye}, tries: 2, no_match: other,"
        " no_match_prompt: {en: 'No. {tries_left} left.'}}",
        BYE,
        OTHER,
    )
    call.press("5")
    assert call.heard() == "No. 1 left. Press one."
    assert kinds(call.press("5")) == ["transfer", "set_timer"]


def test_menu_with_longer_keys_reads_until_a_pause() -> None:
    call = Call("start: {kind: menu, keys: {1: bye, 12: bye}}", BYE)
    collect = next(action for action in call.actions if isinstance(action, Collect))
    assert (collect.input.type, collect.input.length) == (InputType.pause, 2)
    assert call.phase() is Phase.listening


def test_node_without_a_way_on_hangs_up() -> None:
    call = Call("start: {kind: message, prompt: {en: Hello.}}")
    assert call.finish() == (HangUp(turn=call.turn, reason=EndReason.no_way_on),)


def test_pin_is_checked_by_reference_and_says_who_calls() -> None:
    call = Call(
        "start: {kind: collect, input: {length: 4}, variable: number, next: pin}",
        "pin: {kind: pin, customer: number, policy: gold, tries: 2, ok: bye, wrong: other}",
        BYE,
        OTHER,
    )
    (collect, _) = call.press("4711")
    assert isinstance(collect, Collect)
    assert collect.secret
    reference = SecretRef("claim-0001")
    asked, _ = call.tell(SecretDigits(at=NOON, turn=call.turn, reference=reference))
    assert asked == VerifyPin(turn=call.turn, reference=reference, policy="gold", customer="4711")
    call.tell(PinChecked(at=NOON, turn=call.turn, answer=PinAnswer.ok, customer="4711"))
    assert call.session.customer == "4711"
    assert call.ways[-1] == "ok"


@pytest.mark.parametrize(
    ("answer", "branch"),
    [("locked", "locked"), ("expired", "wrong"), ("unavailable", "wrong"), ("wrong", "wrong")],
)
def test_pin_that_is_not_right_leads_where_the_node_says(answer: str, branch: str) -> None:
    call = Call("start: {kind: pin, tries: 1, ok: bye, wrong: other, locked: bye}", BYE, OTHER)
    call.tell(SecretDigits(at=NOON, turn=call.turn, reference=SecretRef("claim-0001")))
    call.tell(PinChecked(at=NOON, turn=call.turn, answer=PinAnswer(answer)))
    assert call.ways[-1] == branch
    assert call.session.customer is None


def test_pin_that_nobody_checks_in_time_is_unavailable() -> None:
    call = Call("start: {kind: pin, tries: 3, ok: bye, wrong: bye, unavailable: other}", BYE, OTHER)
    call.tell(SecretDigits(at=NOON, turn=call.turn, reference=SecretRef("claim-0001")))
    call.silence()
    assert call.ways[-1] == "unavailable"


@pytest.mark.parametrize(
    ("at", "branch"),
    [
        ("2026-03-02T08:30:00+00:00", "open"),
        ("2026-03-02T18:30:00+00:00", "closed"),
        ("2026-03-03T08:30:00+00:00", "holiday"),
        ("2026-03-02T23:30:00+00:00", "holiday"),
    ],
)
def test_hours_go_by_the_clock_of_their_zone(at: str, branch: str) -> None:
    call = Call(
        "start: {kind: hours, hours: 'mon-fri 09:00-18:00; not 2026-03-03; in Europe/Rome',"
        " open: bye, closed: bye, holiday: bye}",
        BYE,
        at=datetime.fromisoformat(at),
    )
    assert call.ways == ["start", branch]


def test_route_looks_for_an_agent_and_tells_the_place() -> None:
    call = Call(
        "start: {kind: route, group: g, required: ['network:3'], vip: true, nobody: bye,"
        " position_prompt: {en: 'Number {position}.'}}",
        BYE,
    )
    find = next(action for action in call.actions if isinstance(action, FindAgent))
    assert find.needs.required == (SkillLevel(name="network", level=3),)
    assert (find.needs.group, find.needs.language, find.needs.vip) == ("g", "en", True)
    call.tell(QueuePosition(at=NOON, turn=call.turn, position=2))
    assert call.heard() == "Number 2"
    worse = QueuePosition(at=NOON, turn=call.turn, position=3)
    assert handle(call.forest.trees, call.session, worse).ignored is not None
    assert call.tell(Routed(at=NOON, turn=call.turn, outcome="connected")) == ()
    assert call.session.ended is EndReason.connected


def test_key_leaves_the_queue_and_so_does_a_hang_up() -> None:
    nodes = ("start: {kind: route, keys: {9: back}, timeout: bye}", "back: {kind: callback}", BYE)
    call = Call(*nodes)
    assert kinds(call.press("9")) == ["leave_queue", "book_callback", "set_timer"]
    call = Call(*nodes)
    assert call.tell(HungUp(at=NOON)) == (LeaveQueue(turn=call.turn),)
    call = Call("start: {kind: route}")
    assert kinds(call.silence()) == ["leave_queue", "hang_up"]


def test_call_whose_trees_are_gone_ends_and_gives_back_its_place() -> None:
    call = Call("start: {kind: route, nobody: bye, timeout: bye}", BYE)
    step = without_trees(call.session, HungUp(at=NOON))
    assert kinds(step.actions) == ["leave_queue"]
    assert (step.session.ended, step.session.turn) == (EndReason.hung_up, call.turn + 1)
    assert [way.branch for way in step.ways] == ["hung_up"]


def test_hook_is_told_what_it_may_know_and_its_result_leads_on() -> None:
    call = Call(
        "start: {kind: collect, input: {type: pause, length: 8}, variable: order, next: ask}",
        "ask: {kind: hook, url: 'https://crm.example/x', secret: crm, send: [order], timeout: 2s,"
        " results: {paid: told}, fallback: bye}",
        "told: {kind: message, prompt: {en: 'Sent on {day|date}.'}, next: bye}",
        BYE,
    )
    asked, _ = call.press("42")
    assert isinstance(asked, CallHook)
    assert (asked.secret, asked.timeout) == ("crm", timedelta(seconds=2))
    assert asked.values == {
        "order": "42",
        "tree": "t",
        "node": "ask",
        "calling": "+390733",
        "called": "100",
        "language": "en",
    }
    call.tell(HookAnswered(at=NOON, turn=call.turn, result="paid", values={"day": "2026-03-02"}))
    assert call.heard() == "Sent on March 2, 2026"


@pytest.mark.parametrize("result", [None, "surprise"])
def test_hook_without_a_useful_answer_falls_back(result: str | None) -> None:
    call = Call("start: {kind: hook, url: 'https://x.example', fallback: other}", OTHER)
    call.tell(HookAnswered(at=NOON, turn=call.turn, result=result))
    assert call.ways[-1] == "fallback"


def test_values_of_a_session_are_bounded() -> None:
    call = Call("start: {kind: hook, url: 'https://x.example', results: {a: start}}")
    for batch in range(3):
        values = {f"v{batch}-{number}": "x" for number in range(40)}
        call.tell(HookAnswered(at=NOON, turn=call.turn, result="a", values=values))
    assert len(call.session.values) == 50


def test_opt_out_records_the_callers_number() -> None:
    call = Call("start: {kind: opt_out, scope: campaign, next: bye, failed: other}", BYE, OTHER)
    assert call.actions[0] == RecordOptOut(turn=call.turn, number="+390733", scope="campaign")
    call.silence()
    assert call.ways[-1] == "failed"


def test_callback_is_promised_to_the_number_that_was_typed() -> None:
    call = Call(
        "start: {kind: collect, input: {type: pause, length: 12}, variable: n, next: promise}",
        "promise: {kind: callback, number: n, after: 1h, next: bye}",
        BYE,
    )
    assert call.press("0733123")[0] == BookCallback(
        turn=call.turn, number="0733123", not_before=NOON + timedelta(hours=1)
    )
    call.carried(ok=True)
    assert call.session.ended is EndReason.completed


def test_survey_keeps_answers_and_skips_what_stays_unanswered() -> None:
    call = Call(
        "start: {kind: survey, tries: 1, next: bye, questions: ["
        "{name: speed, prompt: {en: How fast.}}, {name: help, prompt: {en: How good.}},"
        " {name: again, prompt: {en: Again.}, min: 0, max: 1}]}",
        BYE,
    )
    call.press("4")
    call.press("9")
    saved = next(action for action in call.press("0") if isinstance(action, SaveAnswers))
    assert (saved.survey, saved.answers) == ("start", {"speed": 4, "again": 0})


def test_survey_answers_are_kept_of_a_caller_who_hangs_up() -> None:
    questions = "[{name: a, prompt: {en: A.}}, {name: b, prompt: {en: B.}}]"
    call = Call(f"start: {{kind: survey, questions: {questions}}}")
    call.press("3")
    (saved,) = call.tell(HungUp(at=NOON))
    assert isinstance(saved, SaveAnswers)
    assert saved.answers == {"a": 3}


def test_language_changes_what_is_said_from_there_on() -> None:
    call = Call(
        "start: {kind: language, language: it, next: say}",
        "say: {kind: message, prompt: {en: Hello., it: Ciao.}, next: bye}",
        BYE,
    )
    assert call.heard() == "Ciao."


def test_transfer_that_fails_goes_on_and_one_that_works_ends() -> None:
    nodes = ("start: {kind: transfer, to: 385, failed: bye}", BYE)
    call = Call(*nodes)
    assert isinstance(call.actions[0], Transfer)
    call.carried(ok=False)
    assert call.session.ended is EndReason.completed
    call = Call(*nodes)
    assert call.carried(ok=True) == ()
    assert call.session.ended is EndReason.transferred


def test_node_of_a_switch_goes_to_children_and_back() -> None:
    call = Call(
        "start: {kind: node, input: {length: 1}, action: {type: next}, keys: {1: child}}",
        "child: {kind: node, input: {length: 1}, action: {type: next}, back: '*', parent: start,"
        " keys: {2: bye}, tries: 1, no_match: other}",
        BYE,
        OTHER,
    )
    call.press("1")
    call.press("*")
    assert call.session.node == "start"
    call.press("1")
    call.press("7")
    assert call.ways[-1] == "no_match"


def test_node_of_a_switch_plays_and_then_calls() -> None:
    call = Call(
        "start: {kind: node, prompt: {en: Right.}, input: {type: 0}, action: {type: 2, to: 5}}"
    )
    assert kinds(call.finish()) == ["transfer", "set_timer"]


def test_node_of_a_switch_asks_a_script_for_the_next_key() -> None:
    call = Call(
        "start: {kind: node, input: {length: 2}, keys: {1: bye, 2: other},"
        " action: {type: script, script: 'https://x.example', fallback: bye}}",
        BYE,
        OTHER,
    )
    asked = call.press("42")[0]
    assert isinstance(asked, CallHook)
    assert asked.values["input"] == "42"
    call.tell(HookAnswered(at=NOON, turn=call.turn, result="2"))
    assert call.ways[-1] == "key 2"


def test_hold_node_plays_until_the_caller_is_taken_elsewhere() -> None:
    call = Call("start: {kind: node, prompt: {en: Please hold.}, loop: true, input: {type: 0}}")
    play = call.actions[0]
    assert isinstance(play, Play)
    assert play.loop
    call.tell(HungUp(at=NOON))
    assert call.session.ended is EndReason.hung_up


def test_steps_are_limited_by_the_tree_the_call_began_in() -> None:
    call = Call("start: {kind: goto, tree: t}", head="limits: {steps: 10}")
    assert call.session.ended is EndReason.too_many_steps
    assert call.session.steps == 11


def test_retry_of_an_event_is_answered_with_what_it_led_to() -> None:
    call = Call("start: {kind: menu, keys: {1: bye}}", BYE)
    turn = call.turn
    call.press("1")
    again = handle(call.forest.trees, call.session, Digits(at=NOON, turn=turn, digits="1"))
    assert again.ignored is not None
    assert again.session.last == call.actions


def test_keys_in_clear_at_a_pin_node_are_refused() -> None:
    call = Call("start: {kind: pin, tries: 3, ok: bye}", BYE)
    step = handle(call.forest.trees, call.session, Digits(at=NOON, turn=call.turn, digits="4829"))
    assert step.ignored == "a PIN must come by reference"
    assert step.session == call.session
