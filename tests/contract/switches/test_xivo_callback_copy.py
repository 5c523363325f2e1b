"""A copy of XiVO's callback lists: changed by events, read again when it must be."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from dialer.callback_mirror import Seen
from offhook.simulator.config import make_users
from offhook.simulator.xivo_config import CallbackListSetup, CallbackSetup, XivoConfig
from offhook.simulator.xivo_serve import XivoSimulator, running_xivo
from offhook.switches.xivo.callback_book import CallbackNews, XivoCallbacks
from offhook.switches.xivo.client import XivoClient
from offhook.switches.xivo.connector import XivoConnector
from tests.contract.switches.harness import PATIENCE_S
from tests.contract.switches.xivo import xivo_settings

ANNA = "1101"
CONFIG = XivoConfig(
    speed=25,
    users=make_users(2),
    callback_lists=(
        CallbackListSetup(
            uuid="list",
            name="Later",
            callbacks=(
                CallbackSetup(uuid="c1", phone_number="+33230210082", last_name="Rossi"),
                CallbackSetup(uuid="c2", phone_number="+33230210083", last_name="Verdi"),
            ),
        ),
    ),
)


@dataclass
class Copy:
    """The copy, and the XiVO that it is of."""

    simulator: XivoSimulator
    callbacks: XivoCallbacks

    async def seen(self, *, anew: bool = False) -> dict[str, Seen]:
        (listed,) = await self.callbacks.lists(anew=anew)
        return {one.external_id: one for one in listed.requests}

    @property
    def readings(self) -> int:
        """How often the lists were read whole."""
        return self.simulator.face.services["getCallbackLists"]


@pytest.fixture
async def copy() -> AsyncIterator[Copy]:
    async with running_xivo(CONFIG) as simulator:
        settings, news = xivo_settings(simulator), CallbackNews()
        client = XivoClient(settings, "copy", on_event=news.tell, on_open=news.opened)
        try:
            yield Copy(simulator, XivoCallbacks(settings, XivoConnector(settings, client), news))
        finally:
            await client.aclose()


async def test_what_happens_at_the_xivo_is_in_the_copy_without_reading_again(copy: Copy) -> None:
    first = await copy.seen()
    assert [one.holder for one in first.values()] == [None, None]
    book = copy.simulator.face.callbacks

    book.take("c1", int(ANNA))
    assert await copy.callbacks.changed(within=timedelta(seconds=PATIENCE_S))
    taken = await copy.seen()
    assert (taken["c1"].holder, taken["c2"]) == (ANNA, first["c2"])
    book.release("c1")
    assert (await copy.seen())["c1"] == first["c1"]
    book.take("c2", int(ANNA))
    await copy.callbacks.release("c2", agent=ANNA)
    book.requests.pop("c2")
    assert set(await copy.seen()) == {"c1", "c2"}
    assert copy.readings == 1
    assert set(await copy.seen(anew=True)) == {"c1"}
    assert copy.readings == 2


async def test_copy_is_read_again_after_the_connection_broke(copy: Copy) -> None:
    await copy.seen()
    copy.simulator.cut()
    copy.simulator.face.callbacks.take("c1", int(ANNA))
    async with asyncio.timeout(PATIENCE_S):
        assert (await copy.seen())["c1"].holder == ANNA
    assert copy.readings == 2
