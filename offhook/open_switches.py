"""Switches kept open by one process, so that a command needs no new login."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dialer.model import SwitchId
from offhook.switches.registry import OpenSwitch, SwitchConfig, open_switch


@dataclass
class OpenSwitches:
    """Opens each once, and anew when its settings have changed."""

    load: Callable[[SwitchId], Awaitable[SwitchConfig]]
    _open: dict[SwitchId, OpenSwitch] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, switch: SwitchId) -> OpenSwitch:
        """The switch, which the caller leaves open; raises what `load` and `open_switch` do."""
        config = await self.load(switch)
        async with self._lock:
            before = self._open.get(switch)
            if before is not None and before.config == config:
                return before
            # The first of a family imports its libraries for half a second.
            opened = await asyncio.to_thread(open_switch, config)
            self._open[switch] = opened
        if before is not None:
            await before.adapter.aclose()
        return opened

    async def aclose(self) -> None:
        """Close them all."""
        while self._open:
            _, opened = self._open.popitem()
            await opened.adapter.aclose()
