"""What a caller hears and presses, as orders to a telephone system."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ivr.machine_words import (
    AnyAction,
    Collect,
    Digits,
    EndReason,
    HangUp,
    Phase,
    Play,
    PromptFinished,
    Silence,
    Transfer,
)
from ivr.prompts import SayText
from ivr.tree_parts import Destination, Input, InputType
from offhook.switches.asterisk.ivr_conversation import (
    Conversation,
    Hush,
    Keep,
    Music,
    Order,
    PutThrough,
    Release,
    Say,
    Tell,
    Wait,
)

AT = datetime(2026, 11, 21, tzinfo=UTC)
HELLO = (SayText(language="en", text="hello"),)
FOUR = Input(length=4, wait=timedelta(seconds=5))
FREE = Input(
    type=InputType.terminated, length=8, terminator="#", digit_timeout=timedelta(seconds=2)
)


def asking(entry: Input = FOUR, *, secret: bool = False, barge_in: bool = True) -> Conversation:
    """A caller who has begun to hear a question."""
    talk = Conversation()
    actions: list[AnyAction] = [
        Play(turn=1, pieces=HELLO, barge_in=barge_in),
        Collect(turn=1, input=entry, secret=secret),
    ]
    assert talk.do(1, Phase.asking, actions) == [Wait(None), Say(1, HELLO)]
    return talk


def press(talk: Conversation, keys: str) -> list[Order]:
    return [order for key in keys for order in talk.pressed(key, AT)]


def test_first_key_stops_the_prompt_and_the_last_tells_the_input() -> None:
    told = press(asking(), "4829")
    assert told[0] == Hush(1)
    assert told[-1] == Tell(Digits(turn=1, digits="4829", at=AT))
    assert told.count(Hush(1)) == 1


def test_prompt_that_must_be_heard_is_heard_and_the_keys_count_at_its_end() -> None:
    talk = asking(barge_in=False)
    assert not [o for o in press(talk, "4829") if isinstance(o, Hush | Tell)]
    assert talk.said(1, AT) == [Tell(Digits(turn=1, digits="4829", at=AT))]


def test_pin_leaves_for_the_store_and_shows_nowhere() -> None:
    talk = asking(secret=True)
    told = press(talk, "4829")
    assert told[-1] == Keep(1, "4829")
    assert "4829" not in repr(told)
    assert "4829" not in repr(talk)


def test_silence_counts_from_the_end_of_the_prompt_and_anew_with_each_key() -> None:
    talk = asking()
    assert talk.said(1, AT) == [Wait(FOUR.wait)]
    assert talk.pressed("4", AT) == [Wait(FOUR.wait)]
    assert talk.ran_out(AT) == [Tell(Silence(turn=1, at=AT))]


def test_terminator_ends_an_input_and_isnt_part_of_it() -> None:
    assert press(asking(FREE), "12#")[-1] == Tell(Digits(turn=1, digits="12", at=AT))


def test_pause_ends_a_free_input_and_no_key_is_silence() -> None:
    talk = asking(FREE)
    assert press(talk, "12")[-1] == Wait(FREE.digit_timeout)
    assert talk.ran_out(AT) == [Tell(Digits(turn=1, digits="12", at=AT))]
    assert press(asking(FREE), "#")[-1] == Tell(Silence(turn=1, at=AT))


def test_message_tells_its_end_and_an_old_end_tells_nothing() -> None:
    talk = asking()
    assert talk.do(2, Phase.saying, [Play(turn=2, pieces=HELLO)]) == [
        Hush(1),
        Wait(None),
        Say(2, HELLO),
    ]
    assert talk.said(1, AT) == []
    assert talk.said(2, AT) == [Tell(PromptFinished(turn=2, at=AT))]


def test_turn_that_is_over_is_void() -> None:
    talk = asking()
    talk.do(2, Phase.saying, [Play(turn=2, pieces=HELLO)])
    assert talk.do(1, Phase.asking, [Play(turn=1, pieces=HELLO)]) == []


def test_prompt_in_a_loop_begins_again_until_a_key_comes() -> None:
    talk = Conversation()
    looped: list[AnyAction] = [
        Play(turn=1, pieces=HELLO, loop=True, barge_in=True),
        Collect(turn=1, input=FOUR),
    ]
    talk.do(1, Phase.listening, looped)
    assert talk.said(1, AT) == [Say(2, HELLO)]
    assert press(talk, "4") == [Hush(2), Wait(FOUR.wait)]


def test_who_waits_hears_music_between_what_is_told() -> None:
    talk = Conversation()
    assert talk.do(1, Phase.queued, [])[-1] == Music(on=True)
    place = talk.do(1, Phase.queued, [Play(turn=1, pieces=HELLO)])
    assert place == [Music(on=False), Say(1, HELLO)]
    assert talk.said(1, AT) == [Music(on=True)]
    assert Music(on=False) in talk.do(2, Phase.saying, [Play(turn=2, pieces=HELLO)])


def test_call_is_put_through_or_ended_as_the_session_wants() -> None:
    to = Destination(number="100")
    assert Conversation().do(1, Phase.leaving, [Transfer(turn=1, to=to)])[-1] == PutThrough(1, to)
    over = HangUp(turn=2, reason=EndReason.completed)
    assert Conversation().do(2, Phase.ended, [over])[-1] == Release(EndReason.completed)


@given(
    steps=st.lists(
        st.one_of(st.sampled_from("0123456789*#"), st.just("said"), st.just("ran out")),
        max_size=30,
    ),
    barge_in=st.booleans(),
    entry=st.sampled_from([FOUR, FREE]),
)
def test_turn_is_answered_at_most_once_whatever_the_caller_does(
    steps: list[str], barge_in: bool, entry: Input
) -> None:
    talk = asking(entry, barge_in=barge_in)
    told: list[Order] = []
    for step in steps:
        match step:
            case "said":
                told += talk.said(1, AT)
            case "ran out":
                told += talk.ran_out(AT)
            case key:
                told += talk.pressed(key, AT)
    answers = [order for order in told if isinstance(order, Tell)]
    assert len(answers) <= 1
