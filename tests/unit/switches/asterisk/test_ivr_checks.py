"""A call by which a check tries the inbound context is no caller."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dialer.model import SwitchId
from offhook.switches.asterisk import wire
from offhook.switches.asterisk.check_lines import TEST_NUMBER
from offhook.switches.asterisk.ivr import AsteriskIvr
from offhook.switches.asterisk.ivr_names import INBOUND
from offhook.switches.asterisk.names import check_channel, checked_channel

APP = "offhook"


class Routes:
    """Knows no number, and remembers who asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def route(self, start: Any) -> None:
        self.asked.append(start.call_id)


def came(channel: str) -> tuple[wire.StasisStart, wire.Channel]:
    """A channel that the dialplan sent to the application, as event and as found."""
    document = {
        "id": channel,
        "state": "Ring",
        "dialplan": {"app_name": "Stasis", "app_data": f"{APP},{INBOUND},{TEST_NUMBER}"},
    }
    found = wire.Channel.model_validate(document)
    event = wire.StasisStart.model_validate(
        {"type": "StasisStart", "args": [INBOUND, TEST_NUMBER], "channel": document}
    )
    return event, found


@pytest.mark.parametrize(
    ("channel", "asked"),
    [
        ("1732212427.15", True),
        ("check-1732212427.15", True),  # of a PBX with that name
        (checked_channel(check_channel(APP, "0a1b2c3d")), False),
        (checked_channel(check_channel("other_app-2", "0a1b2c3d")), False),
    ],
)
async def test_caller_is_served_and_a_check_is_left_alone(channel: str, asked: bool) -> None:
    routes = Routes()

    async def command(_request: object) -> None: ...

    settings = SimpleNamespace(app=APP, prompts_path="", divert_timeout=None)
    client = cast(Any, SimpleNamespace(settings=settings, command=command))
    stream = cast(Any, SimpleNamespace(tell=lambda _listener: None))
    ivr = AsteriskIvr(client, stream, SwitchId("pbx"))
    desk = SimpleNamespace(routes=routes, voice=None, audio=None, home=None, sessions=None,
                           secrets=None)  # fmt: skip
    ivr.serve(cast(Any, desk))
    event, found = came(channel)
    ivr.heard(event)
    ivr.seen([found], [])
    await asyncio.sleep(0)
    await ivr.aclose()
    assert routes.asked == ([channel] if asked else [])
