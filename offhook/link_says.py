"""Says over and over which switches are watched, to whoever dials through them."""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

import structlog

from dialer.model import SwitchId
from offhook.storage.watch import SAY_EVERY

log = structlog.get_logger()


class Teller(Protocol):
    """Says to whoever dials that the events of switches are watched (`WatchTeller`)."""

    async def say(self, switches: Collection[SwitchId]) -> None:
        """Say it once; failures are `StoreUnavailable`."""
        ...


async def say_for_ever(teller: Teller, heard: Callable[[], Collection[SwitchId]]) -> None:
    """Say which switches are `heard` until cancelled, whatever goes wrong: without it every
    campaign waits.
    """
    said = True
    while True:
        try:
            await teller.say(heard())
        except Exception as error:
            if said:
                log.warning("links_cannot_say_what_is_watched", error=repr(error)[:300])
            said = False
        else:
            said = True
        await asyncio.sleep(SAY_EVERY.total_seconds())
