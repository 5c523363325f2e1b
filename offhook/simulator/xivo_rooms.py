"""The conference rooms of a simulated XiVO, and who is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offhook.simulator.clock import Clock
from offhook.simulator.config import IvrConfig, IvrRole
from offhook.simulator.model import Entity, EntityKind
from offhook.simulator.xivo_config import ConferenceSetup
from offhook.switches.xivo import wire_office as office

_ID = "room-"


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    number: str
    joined_ms: int


class Rooms:
    """Rooms that a telephone joins by dialing their number; `changed` hears of who is in."""

    def __init__(
        self, setups: Sequence[ConferenceSetup], clock: Clock, *, changed: Callable[[], None]
    ) -> None:
        self._setups = {setup.number: setup for setup in setups}
        self._clock = clock
        self._changed = changed
        self._in: dict[str, dict[str, _Member]] = {number: {} for number in self._setups}

    def responders(self) -> dict[str, IvrConfig]:
        """The rooms as what a PBX can call; they never hang up."""
        return {
            f"{_ID}{setup.number}": IvrConfig(
                id=f"{_ID}{setup.number}", name=setup.name, role=IvrRole.hold
            )
            for setup in self._setups.values()
        }

    def entity(self, number: str) -> Entity | None:
        """The room that a number reaches."""
        known = number in self._setups
        return Entity(EntityKind.ivr, f"{_ID}{number}") if known else None

    def join(self, number: str, call_id: str, name: str, telephone: str) -> None:
        """Somebody is in; nothing where the number is no room's."""
        if number in self._in:
            now = int(self._clock.wall().timestamp() * 1000)
            self._in[number][call_id] = _Member(name, telephone, now)
            self._changed()

    def leave(self, call_id: str) -> None:
        """A call is over: whoever was in by it is out."""
        if any(members.pop(call_id, None) for members in self._in.values()):
            self._changed()

    def empty(self) -> None:
        """Nobody is in any room."""
        for members in self._in.values():
            members.clear()

    def listing(self) -> office.ConferenceList:
        """Every room with who is in, as xuc tells it."""
        return office.ConferenceList(
            conferences=tuple(self._room(setup) for setup in self._setups.values())
        )

    def _room(self, setup: ConferenceSetup) -> office.Conference:
        members = list(self._in[setup.number].values())
        return office.Conference(
            number=setup.number,
            room=setup.name,
            pin_required=setup.pin_required,
            start_time=min((member.joined_ms for member in members), default=0),
            members=tuple(
                office.ConferenceMember(
                    join_order=order,
                    join_time=member.joined_ms,
                    muted=False,
                    member_name=member.name,
                    number=member.number,
                )
                for order, member in enumerate(members, start=1)
            ),
        )
