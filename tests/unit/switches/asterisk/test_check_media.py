"""A module that is better away is told of; the rest is checked on a real Asterisk."""

from types import SimpleNamespace
from typing import Any, cast

from dialer.switching import SwitchUnavailable
from offhook.switches.asterisk.check_media import check_media
from offhook.switches.asterisk.client import AriClient

NEEDED = {
    "res_stasis_recording", "res_ari_recordings", "res_stasis_snoop", "format_wav",
    "bridge_simple", "bridge_softmix", "app_amd", "app_waitforsilence", "func_dialplan",
}  # fmt: skip


def client(*, context: str | None = None, away: bool = False) -> AriClient:
    """One that has no recordings, and nobody connected."""

    async def ask(path: str, what: str, adapter: Any) -> Any:
        if away:
            raise SwitchUnavailable("away")
        return adapter.validate_python([])

    async def application() -> None:
        if away:
            raise SwitchUnavailable("away")

    settings = SimpleNamespace(amd_context=context, hold_context=None)
    return cast(AriClient, SimpleNamespace(settings=settings, ask=ask, application=application))


async def test_module_that_can_block_the_application_is_advised_against() -> None:
    results = {
        each.name: each
        for each in await check_media(client(), NEEDED | {"res_stasis_device_state"})
    }
    assert results["device_state"].ok
    assert "noload = res_stasis_device_state.so" in results["device_state"].advice


async def test_pbx_that_does_not_tell_its_dialplan_is_no_failure() -> None:
    results = {each.name: each for each in await check_media(client(context="amd"), NEEDED)}
    assert results["detection"].ok
    assert "func_dialplan" in results["detection"].advice


async def test_what_is_missing_or_does_not_answer_is_said() -> None:
    bare = {each.name: each for each in await check_media(client(context="amd"), set())}
    assert [name for name, each in bare.items() if not each.ok] == [
        "recording",
        "supervision",
        "detection",
    ]
    assert "app_amd.so" in bare["detection"].advice
    away = {each.name: each for each in await check_media(client(context="amd", away=True), NEEDED)}
    assert not away["recording"].ok
    assert not away["detection"].ok
