"""VOIspeed over HTTP: what each reply means, and that the token stays where it belongs."""

import logging
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from pydantic import ValidationError

from dialer.model import SwitchId
from dialer.switching import RawEvent, SwitchError, SwitchRefused, SwitchUnavailable, SwitchUnclear
from offhook.switches.delivery import Delivery
from offhook.switches.dialled import NumberFormat
from offhook.switches.registry import (
    BadSwitchSettings,
    SwitchConfig,
    SwitchOpener,
    UnknownFamily,
    open_switch,
)
from offhook.switches.voispeed import wire
from offhook.switches.voispeed.client import VoispeedClient
from offhook.switches.voispeed.settings import VoispeedSettings
from offhook.switches.voispeed.switch import UntranslatableEvent, VoispeedSwitch
from tests.contract.switches.harness import hang_up_command

TOKEN = "hush-hush-57"
HANG_UP = hang_up_command("spring-1-1", None)
DONE = "<result><outcome>0</outcome><request_id>7</request_id></result>"
Answer = Callable[[web.BaseRequest], web.StreamResponse]


def make_settings(base_url: str, **more: object) -> VoispeedSettings:
    values: dict[str, object] = {
        "base_url": base_url,
        "token": TOKEN,
        "reception_ivr": "1",
        "hold_ivr": "2",
        "message_ivr": "3",
        "read_timeout": timedelta(seconds=1),
        "read_retries": 1,
    }
    return VoispeedSettings.model_validate({**values, **more})


@asynccontextmanager
async def pbx(answer: Answer) -> AsyncIterator[tuple[str, list[web.BaseRequest]]]:
    """A PBX that gives one answer to everything; yields its address and what it was asked."""
    asked: list[web.BaseRequest] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request)
        return answer(request)

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/PBX/seri_endpoint.php", asked
    finally:
        await runner.cleanup()


async def outcome_of(answer: Answer) -> tuple[SwitchError, int]:
    """The error that a command ends with, and how often the PBX was asked."""
    async with pbx(answer) as (url, asked):
        client = VoispeedClient(make_settings(url), "pbx")
        try:
            with pytest.raises(SwitchError) as raised:
                await client.command(wire.CallTerminate(call_id="5"))
        finally:
            await client.aclose()
    return raised.value, len(asked)


def text(status: int, body: str, **headers: str) -> Answer:
    return lambda _: web.Response(status=status, text=body, headers=headers)


REFUSAL = "<result><outcome>1</outcome><error>connection not found</error></result>"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (text(200, REFUSAL), SwitchRefused),
        (text(500, REFUSAL), SwitchRefused),
        (text(500, "oops"), SwitchUnclear),
        (text(502, "<html>bad gateway</html>"), SwitchUnclear),
        (text(200, ""), SwitchUnclear),
        (text(200, "<html>log in</html>"), SwitchUnclear),
        (text(200, "<result><outcome>0</outcome>"), SwitchUnclear),
        (text(200, "<result><outcome>perhaps</outcome></result>"), SwitchUnclear),
        (text(302, "", Location="https://elsewhere.test/"), SwitchUnavailable),
        (text(401, "who are you"), SwitchRefused),
        (text(403, "no"), SwitchRefused),
        (text(404, "no such page"), SwitchRefused),
        (text(429, "slow down"), SwitchUnavailable),
    ],
)
async def test_reply_to_a_command_means_one_error_and_is_asked_for_once(
    answer: Answer, error: type[SwitchError]
) -> None:
    found, asked = await outcome_of(answer)
    assert type(found) is error
    assert asked == 1
    assert "pbx" in str(found)
    assert "call_terminate" in str(found)


async def test_unreadable_reply_is_caused_by_an_error_of_the_wire() -> None:
    found, _ = await outcome_of(text(200, "<html>log in</html>"))
    assert isinstance(found.__cause__, wire.WireError)


async def test_reply_with_an_accepting_body_counts_whatever_its_status() -> None:
    async with pbx(text(500, DONE)) as (url, _):
        client = VoispeedClient(make_settings(url), "pbx")
        accepted = await client.command(wire.CallTerminate(call_id="5"))
        await client.aclose()
    assert accepted.request_id == "7"


def bad_status_line(request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"HTTP/9 what\r\n\r\n")
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: web.Response(text=f"<result><outcome>1</outcome><error>bad token {TOKEN} "
                                          f"in {request.path_qs}</error></result>"),
        lambda request: web.Response(status=500, text=f"failed: {request.path_qs}"),
        lambda request: web.Response(text=f"<result><outcome>{request.path_qs}</outcome></result>"),
        bad_status_line,
        text(302, "", Location=f"https://elsewhere.test/?token={TOKEN}"),
    ],
)  # fmt: skip
async def test_token_is_in_no_error_and_no_log_line(
    answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found, _ = await outcome_of(answer)
    assert TOKEN not in "".join(traceback.format_exception(found))
    said = "".join(record.getMessage() for record in caplog.records)
    assert TOKEN not in said


async def test_vendors_words_are_bounded_and_on_one_line() -> None:
    long = "x\n" * 5000
    found, _ = await outcome_of(
        text(200, f"<result><outcome>1</outcome><error>{long}</error></result>")
    )
    assert len(str(found)) < 300
    assert "\n" not in str(found)


async def test_host_without_a_name_surely_did_not_act() -> None:
    client = VoispeedClient(make_settings("http://no-such-host.invalid/x.php"), "pbx")
    with pytest.raises(SwitchUnavailable, match="name is unknown"):
        await client.command(wire.CallTerminate(call_id="5"))
    await client.aclose()


async def test_question_is_given_up_after_its_retries() -> None:
    async with pbx(text(500, "oops")) as (url, asked):
        client = VoispeedClient(make_settings(url), "pbx")
        with pytest.raises(SwitchUnclear):
            await client.users()
        await client.aclose()
    assert len(asked) == 2


async def test_long_list_is_read_as_a_short_one_is() -> None:
    calls = tuple(wire.CurrentCall(call_id=str(n), extid=f"c-1-{n}") for n in range(1000))
    body = wire.render_records(calls).decode()
    async with pbx(text(200, body)) as (url, _):
        client = VoispeedClient(make_settings(url), "pbx")
        assert await client.current_calls() == calls
        await client.aclose()


async def test_refused_question_is_not_asked_again() -> None:
    async with pbx(text(200, REFUSAL)) as (url, asked):
        client = VoispeedClient(make_settings(url), "pbx")
        with pytest.raises(SwitchRefused):
            await client.current_calls()
        await client.aclose()
    assert len(asked) == 1


async def test_check_says_what_is_wrong_and_what_to_do() -> None:
    class Quiet:
        async def last_delivery(self) -> Delivery:
            return Delivery(last_at=None, hook_url="http://links/hooks/voispeed/x")

    skewed = {"Date": "Mon, 02 Mar 2026 09:00:00 GMT"}
    empty = web.Response
    async with pbx(lambda _: empty(text=DONE, headers=skewed)) as (url, _):
        adapter = VoispeedSwitch(make_settings(url), link="pbx", event_path=Quiet())
        results = {result.name: result for result in await adapter.check()}
        await adapter.aclose()
    wrong = {name for name, result in results.items() if not result.ok}
    assert wrong == {"clock", "ivrs", "lines", "users", "events"}
    assert all(results[name].advice for name in wrong)
    assert "http://links/hooks/voispeed/x" in results["events"].advice


async def test_check_tells_a_wrong_token_from_a_wrong_address() -> None:
    for answer, words in ((text(200, REFUSAL), "token"), (text(200, "<html/>"), "base_url")):
        async with pbx(answer) as (url, _):
            adapter = VoispeedSwitch(make_settings(url), link="pbx")
            results = {result.name: result for result in await adapter.check()}
            await adapter.aclose()
        assert words in results["authentication"].advice


@pytest.mark.parametrize(
    ("written", "number", "dialled"),
    [
        (NumberFormat.e164, "+390733123456", "9+390733123456"),
        (NumberFormat.international, "+390733123456", "900390733123456"),
        (NumberFormat.national, "+390733123456", "90733123456"),
        (NumberFormat.national, "+37126123456", "90037126123456"),
    ],
)
async def test_number_is_written_as_the_pbx_wants_it(
    written: NumberFormat, number: str, dialled: str
) -> None:
    adapter = VoispeedSwitch(
        make_settings("http://pbx.test/x", number_format=written, dial_prefix="9")
    )
    assert adapter._dialled(number) == dialled


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base_url": "ftp://pbx"}, "http"),
        ({"base_url": "http://u:p@pbx/x"}, "token"),
        ({"base_url": "http://pbx/x?token=5"}, "query"),
        ({"token": " "}, "empty"),
        ({"zone": "Mars/Olympus"}, "IANA"),
        ({"message_ivr": "1"}, "reception"),
        ({"aliases": {"colour": ["c"]}}, "fact"),
        ({"allow": ["10.0.0.300"]}, "network"),
        ({"surprise": 1}, "Extra"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make_settings(**{"base_url": "http://pbx.test/x", **change})  # type: ignore[arg-type]  # one of them may be wrong on purpose


def test_dedup_key_is_equal_for_equal_events_only() -> None:
    adapter = VoispeedSwitch(make_settings("http://pbx.test/x"))
    one = adapter.file({"a": "1", "extid": "c-1-1"})
    assert one == adapter.file({"extid": "c-1-1", "a": "1"})
    assert one.correlator == "c-1-1"
    others = [{"a": "1"}, {"a": "2", "extid": "c-1-1"}, {"a1": "", "extid": "c-1-1"}, {}]
    keys = {adapter.file(other).dedup_key for other in others}
    assert len(keys | {one.dedup_key}) == 5


def test_event_that_cannot_be_read_is_a_value_error_for_the_dial_loop() -> None:
    adapter = VoispeedSwitch(make_settings("http://pbx.test/x"))
    raw = RawEvent(inbox_id=1, channel="s", payload={}, received_at=datetime.now(UTC))
    with pytest.raises(UntranslatableEvent):
        adapter.translate(raw)
    assert issubclass(UntranslatableEvent, ValueError)


def test_message_is_a_capability_only_with_its_ivr() -> None:
    with_ivr = VoispeedSwitch(make_settings("http://pbx.test/x"))
    without = VoispeedSwitch(make_settings("http://pbx.test/x", message_ivr=None))
    assert with_ivr.capabilities.plays_message
    assert not without.capabilities.plays_message


def make_config(**change: object) -> SwitchConfig:
    values: dict[str, object] = {
        "switch_id": SwitchId("pbx"),
        "family": "voispeed",
        "name": "pbx",
        "settings": {"base_url": "http://pbx.test/x", "reception_ivr": "1", "hold_ivr": "2"},
        "secret": TOKEN,
        "hook_secret": "s",
    }
    return SwitchConfig(**{**values, **change})  # type: ignore[arg-type]  # a builder


async def test_registry_opens_what_is_stored_and_never_shows_the_token() -> None:
    async def load(switch: SwitchId) -> SwitchConfig:
        return make_config(switch_id=switch)

    adapter = await SwitchOpener(load).open(SwitchId("pbx"))
    assert adapter.capabilities.parks_agents
    assert TOKEN not in repr(make_config())
    assert open_switch(make_config()).hook.dropped == {"token"}


def test_registry_refuses_what_it_cannot_open_in_words() -> None:
    with pytest.raises(UnknownFamily, match="carrier pigeon"):
        open_switch(make_config(family="carrier pigeon"))
    with pytest.raises(BadSwitchSettings, match="hold_ivr") as raised:
        open_switch(make_config(settings={"base_url": "http://pbx.test/x", "reception_ivr": "1"}))
    assert TOKEN not in "".join(traceback.format_exception(raised.value))
