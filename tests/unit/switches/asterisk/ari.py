"""Events as Asterisk 22 writes them, with the ids of one application."""

import json
from datetime import UTC, datetime
from typing import Any

from offhook.switches.asterisk import wire
from offhook.switches.asterisk.names import Names

NAMES = Names("offhook")
ATTEMPT, PARK = "spring-1-1", "spring-1-p1"
CUSTOMER, AGENT = NAMES.of(ATTEMPT), NAMES.of(PARK)
DIVERTED = NAMES.diverted(ATTEMPT, "PJSIP/agent2")
AT = datetime(2026, 11, 21, 15, 3, 46, tzinfo=UTC)
STAMP = "2026-11-21T15:03:46.163+0000"


def channel(identifier: str, state: str = "Up", *, app_data: str = "") -> dict[str, Any]:
    """A channel as it is written."""
    return {
        "id": identifier,
        "name": "PJSIP/carrier-00000000",
        "state": state,
        "protocol_id": "e84cbaff",
        "caller": {"name": "", "number": "+390733000000"},
        "connected": {"name": "", "number": ""},
        "accountcode": "",
        "dialplan": {
            "context": "from-carrier",
            "exten": "s",
            "priority": 1,
            "app_name": "Stasis" if app_data else "AppDial2",
            "app_data": app_data,
        },
        "creationtime": "2026-11-21T15:03:45.643+0000",
        "language": "en",
    }


def bridge(identifier: str, *channels: str, name: str = "PJSIP/agent1") -> dict[str, Any]:
    """A bridge as it is written."""
    return {
        "id": identifier,
        "technology": "simple_bridge",
        "bridge_type": "mixing",
        "bridge_class": "stasis",
        "creator": "Stasis",
        "name": name,
        "channels": list(channels),
        "video_mode": "talker",
    }


def event(kind: str, **more: Any) -> wire.Event:
    """An event, parsed."""
    document = {"type": kind, "timestamp": STAMP, "application": "offhook", **more}
    return wire.parse_event(json.dumps(document))
