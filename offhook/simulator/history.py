"""A call that is over, as the PBX's own report tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from offhook.simulator.model import Call, Entity, EntityKind, Result, Side


@dataclass(frozen=True, slots=True)
class EndedCall:
    """What stays of a call."""

    call_id: str
    extid: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    result: Result
    side: Side
    calling: Entity
    calling_number: str
    called: Entity | None
    called_number: str
    connected: Entity | None
    talk_s: float
    refer_id: str | None

    @classmethod
    def of(cls, call: Call, result: Result, side: Side, *, at: datetime, mono: float) -> EndedCall:
        """What stays of `call`."""
        called = call.called
        entity = called.entity if called else call.wanted
        return cls(
            call_id=call.id,
            extid=call.extid,
            started_at=call.started_at,
            answered_at=call.answered_at,
            ended_at=at,
            result=result,
            side=side,
            calling=call.calling.entity,
            calling_number=call.calling.number,
            called=entity,
            called_number=call.wanted_number,
            connected=(called.connected or called.entity) if called else None,
            talk_s=mono - call.talk_mono if call.talk_mono is not None else 0.0,
            refer_id=call.refer_id,
        )

    def people(self) -> tuple[Entity, ...]:
        """The users who took part."""
        parts = (self.calling, self.called, self.connected)
        return tuple(part for part in parts if part and part.kind is EntityKind.user)

    @property
    def internal(self) -> bool:
        """Whether nobody outside took part."""
        return EntityKind.gateway not in (self.calling.kind, self.called and self.called.kind)
