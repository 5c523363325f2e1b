"""An agent who is called first, and the number that is called for him once he has answered.

    app.call.correlator       the agent's channel, and the bridge where the two meet
    app.call.correlator.to    the channel of the number

What is to be called travels with the agent's channel, so that whoever reads the events can go on.
Nothing is dialed twice: where it isn't known whether the number was called, the agent is let go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from offhook.switches.asterisk import wire, wire_requests
from offhook.switches.asterisk.names import Names
from offhook.switches.asterisk.wire_requests import Originate, Request

AGENT, NUMBER = "connect", "connected"
"""First argument of the agent's channel and of the number's in our application."""
_TO = ".to"


def channel(names: Names, correlator: str) -> str:
    """The agent's channel, and the bridge."""
    return names.of(f"call.{correlator}")


def arguments(endpoint: str, caller_id: str, timeout: timedelta) -> str:
    """What the agent's channel brings along."""
    return f"{AGENT},{endpoint},{caller_id},{timeout.total_seconds():.0f}"


class Connecting:
    """Decides what follows an event about such calls; requests to make one after the other."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._prefix = names.of("call.")
        self._called: dict[str, bool] = {}
        """Agents' channels whose number this process has called, and whether it was seen."""

    def came(self, event: wire.StasisStart) -> tuple[Request, ...]:
        """The agent has answered: call the number. The number has: let them meet."""
        found = event.channel.id
        if not found.startswith(self._prefix):
            return ()
        if found.endswith(_TO):
            return self._meet(found.removesuffix(_TO))
        if event.args[:1] != (AGENT,) or len(event.args) != 4 or found in self._called:
            return ()
        _, endpoint, caller_id, seconds = event.args
        self._called[found] = False
        number = Originate(
            channel_id=f"{found}{_TO}",
            endpoint=endpoint,
            app=self._names.app,
            args=NUMBER,
            timeout=timedelta(seconds=float(seconds)),
            caller_id=caller_id,
        )
        return (replace(wire_requests.start_ringing(found), may_be_done=True), number.request())

    def created(self, channel_id: str) -> None:
        """A channel was made."""
        if channel_id.removesuffix(_TO) in self._called and channel_id.endswith(_TO):
            self._called[channel_id.removesuffix(_TO)] = True

    def gone(self, channel_id: str) -> tuple[Request, ...]:
        """Whoever was to talk with a channel that is gone goes too."""
        if not channel_id.startswith(self._prefix):
            return ()
        agent = channel_id.removesuffix(_TO)
        other = agent if channel_id.endswith(_TO) else f"{agent}{_TO}"
        if other != agent:
            self._called.pop(agent, None)
        return wire_requests.hang_up(other), wire_requests.destroy_bridge(agent)

    def repairs(
        self, channels: Iterable[wire.Channel], bridged: Iterable[str]
    ) -> list[tuple[Request, ...]]:
        """What must be done for channels as they are."""
        present = {one.id: one for one in channels if one.id.startswith(self._prefix)}
        inside = set(bridged)
        wanted: list[tuple[Request, ...]] = []
        for found, one in present.items():
            agent, number = found.removesuffix(_TO), f"{found.removesuffix(_TO)}{_TO}"
            if found == number and agent not in present:
                wanted.append((wire_requests.hang_up(number),))
            elif found == number and one.up and one.in_stasis and found not in inside:
                wanted.append(self._meet(agent))
            elif found == agent and one.up and number not in present:
                if not self._called.get(agent, True):
                    continue  # being called at this moment
                wanted.append((wire_requests.hang_up(agent),))
        return wanted

    def _meet(self, agent: str) -> tuple[Request, ...]:
        return (
            wire_requests.make_bridge(agent, name="callback"),
            replace(wire_requests.stop_ringing(agent), may_be_done=True),
            wire_requests.add_channel(agent, agent),
            wire_requests.add_channel(agent, f"{agent}{_TO}"),
        )

    def otherwise(self, channel_id: str) -> Request:
        """What to do where one of them is refused: let go whoever is there."""
        return wire_requests.hang_up(channel_id)
