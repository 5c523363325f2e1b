"""Questions of VOIspeed nodes and the orders that answer them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.ivr_contracts import AgentFound, SessionReply
from dialer.model import AgentId
from ivr.machine_words import Collect, EndReason, HangUp, Phase, Play, Transfer
from ivr.prompts import PlayFile, SayText
from ivr.tree_parts import Destination, EntityKind, Input, InputType
from offhook.switches.ivr_script import UnreadableQuestion
from offhook.switches.voispeed.ivr import Tag, VoispeedScript, audio_of, open_tag
from offhook.switches.voispeed.wire_codec import Dialect

KEY, CALL = b"s3cret", "10724"
SCRIPT = VoispeedScript(Dialect(link="pbx"))
GUIDE = {
    "license_id": "MP3026487718",
    "domain": "almach1.it",
    "ivrid": "9",
    "nodeid": "0",
    "callid": CALL,
    "calling": "35",
    "called": "12345",
}


def rendered(*actions: object, **more: object) -> dict[str, str]:
    reply = SessionReply.model_validate(
        {"session_id": "s", "turn": 4, "phase": Phase.asking, "actions": actions, **more}
    )
    lines = SCRIPT.render(reply, CALL, KEY).decode().split("\r\n")
    return dict(line.split("=", 1) for line in lines)


TAGS = st.builds(
    Tag,
    turn=st.integers(0, 4095),
    part=st.integers(0, 31),
    secret=st.booleans(),
    ends=st.sampled_from(["", "#", "*"]),
) | st.builds(Tag, turn=st.integers(0, 4095), part=st.integers(0, 31), asked=st.just(value=False))


@given(TAGS)
def test_tag_comes_back_as_it_went_in_a_number_of_thirty_bits(tag: Tag) -> None:
    text = tag.sealed(KEY, CALL)
    assert 0 <= int(text) < 2**30
    assert open_tag(text, KEY, CALL) == tag


@given(TAGS, st.integers(0, 29))
def test_changed_tag_is_not_believed_or_says_something_of_ours(tag: Tag, bit: int) -> None:
    changed = str(int(tag.sealed(KEY, CALL)) ^ (1 << bit))
    found = open_tag(changed, KEY, CALL)
    assert found is None or bit >= 10


@given(st.text(max_size=14))
def test_any_text_is_read_as_a_tag_without_fail(text: str) -> None:
    found = open_tag(text, KEY, CALL)
    assert found is None or found.turn < 4096


def test_first_question_is_the_guides() -> None:
    found = SCRIPT.read({**GUIDE, "input": "1", "tag": "-1"}, KEY)
    assert found.first
    assert (found.call_id, found.ivr_id, found.calling, found.called) == (CALL, "9", "35", "12345")
    assert (found.turn, found.keys) == (None, "")


def test_keys_are_read_by_what_the_tag_says_of_them() -> None:
    tag = Tag(turn=3, secret=True, ends="#").sealed(KEY, CALL)
    found = SCRIPT.read({**GUIDE, "input": "123456#9", "tag": tag}, KEY)
    assert (found.turn, found.secret, found.keys, found.first) == (3, True, "123456", False)
    assert "123456" not in repr(found)


@pytest.mark.parametrize("tag", ["5", "abc", "99999999999", "-7"])
def test_keys_with_a_tag_that_is_not_ours_are_not_looked_at(tag: str) -> None:
    found = SCRIPT.read({**GUIDE, "input": "123456", "tag": tag}, KEY)
    assert (found.first, found.turn, found.secret, found.keys) == (False, None, True, "")


def test_question_without_a_call_is_refused_without_its_contents() -> None:
    with pytest.raises(UnreadableQuestion) as refused:
        SCRIPT.read({"ivrid": "9", "nodeid": "0", "input": "123456"}, KEY)
    assert "123456" not in str(refused.value)


def test_prompt_and_input_become_an_update_of_the_node() -> None:
    pieces = (SayText(language="en", text="Your PIN"), PlayFile(language="en", file="a/beep.wav"))
    play = Play(turn=4, pieces=pieces)
    collect = Collect(turn=4, input=Input(length=6), secret=True)
    first = rendered(play, collect)
    assert (first["command"], first["input_length"], first["node_action"]) == ("4", "0", "3")
    assert first["audio_message"] == audio_of(pieces[0])
    last = rendered(play, collect, part=1)
    assert (last["audio_message"], last["input_length"]) == ("beep.wav", "6")
    assert open_tag(last["tag"], KEY, CALL) == Tag(turn=4, part=1, secret=True)
    assert open_tag(first["tag"], KEY, CALL) == Tag(turn=4, asked=False)


def test_terminated_input_says_what_ends_it() -> None:
    entry = Input(type=InputType.terminated, length=12, terminator="*")
    tag = open_tag(rendered(Collect(turn=4, input=entry))["tag"], KEY, CALL)
    assert tag == Tag(turn=4, ends="*")


def test_calls_go_where_the_session_sends_them() -> None:
    agent = AgentFound(agent_id=AgentId("pbx-101"), address="101", number="201")
    assert rendered(agent=agent) == {
        "command": "3",
        "recipient_number": "201",
        "recipient_id": "101",
        "recipient_type": "0",
    }
    number = Transfer(turn=4, to=Destination(number="385"))
    assert rendered(number) == {"command": "2", "recipient_number": "385"}
    group = Transfer(turn=4, to=Destination(entity=EntityKind.group, id="5"))
    assert rendered(group) == {"command": "3", "recipient_id": "5", "recipient_type": "1"}
    assert rendered(HangUp(turn=4, reason=EndReason.completed)) == {"command": "0"}
    assert rendered(ended=EndReason.hung_up) == {"command": "0"}


def test_caller_who_waits_hears_the_hold_audio_and_is_asked_for_again_soon() -> None:
    node = rendered(phase=Phase.queued, hold_audio="hold.wav")
    assert (node["audio_message"], node["audio_loop"]) == ("hold.wav", "1")
    # Without a key to wait for, the node would be over as soon as it began.
    assert (node["input_length"], node["input_timeout"]) == ("1", "5")


def test_keys_that_nobody_asked_for_are_dropped_as_they_may_be_the_rest_of_a_pin() -> None:
    node = rendered(phase=Phase.queued, hold_audio="hold.wav")
    tag = open_tag(node["tag"], KEY, CALL)
    assert tag == Tag(turn=4, asked=False)
    found = SCRIPT.read({**GUIDE, "input": "7", "tag": node["tag"]}, KEY)
    assert (found.turn, found.keys) == (4, "")


def test_hold_audio_is_played_once_while_something_is_looked_up() -> None:
    node = rendered(phase=Phase.deciding, hold_audio="hold.wav")
    assert (node["audio_loop"], node["input_length"], node["input_timeout"]) == ("0", "0", "1")
