"""What a simulated xuc tells a user beside calls: statuses, telephone, voice mail, pop-ups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from offhook.simulator.xivo_config import VoiceMailSetup
from offhook.switches.xivo import wire_events as ev
from offhook.switches.xivo.wire_events import PhoneEventType

STATUSES = ev.UsersStatuses(
    statuses=(
        ev.UserStatus(event_name="available", long_name="Available", color="#08FD20"),
        ev.UserStatus(event_name="away", long_name="Away", color="#FDE50A"),
        ev.UserStatus(event_name="berightback", long_name="Be right back", color="#FFB545"),
    )
)
"""Statuses that users can choose."""
_FREE, _CALLING, _BUSY, _RINGING, _ON_HOLD = 0, 1, 2, 8, 16


def phone_status(calls: Iterable[ev.PhoneEvent]) -> int:
    """How a telephone is, by the last event of each of its calls."""
    kinds = {call.event_type for call in calls}
    talks = PhoneEventType.established in kinds
    if PhoneEventType.ringing in kinds:
        return _RINGING + (_CALLING if talks else 0)
    if talks:
        return _BUSY
    if PhoneEventType.dialing in kinds:
        return _CALLING
    return _ON_HOLD if PhoneEventType.on_hold in kinds else _FREE


def voice_mail(box: VoiceMailSetup) -> ev.VoiceMailStatusUpdate:
    """The messages in a box."""
    return ev.VoiceMailStatusUpdate(
        voice_mail_id=box.id,
        new_messages=box.new,
        waiting_messages=box.waiting,
        old_messages=box.old,
    )


def sheet(fields: Mapping[str, str], call: ev.PhoneEvent, at: datetime) -> ev.Sheet:
    """The pop-up that a ringing call opens; `{number}` in a field is the caller's."""
    internal = {"ipbxid": "xivo", "where": "link", "uid": call.unique_id, "focus": "no", "zip": "1"}
    shown = [
        {
            "value": text.replace("{number}", call.other_dn),
            "name": name,
            "order": 10 * order,
            "type": "url" if text.startswith("http") else "text",
        }
        for order, (name, text) in enumerate(fields.items(), start=1)
    ]
    user = {
        "internal": [{"content": content, "name": name} for name, content in internal.items()],
        "sheetQtui": None,
        "sheetInfo": shown,
        "systrayInfo": [],
    }
    return ev.Sheet(
        timenow=int(at.timestamp()),
        compressed=True,
        serial="xml",
        payload={"profile": {"user": user}},
        channel=f"SIP/{call.dn}-{call.unique_id.rpartition('.')[2]}",
    )
