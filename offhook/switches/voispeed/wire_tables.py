"""The closed sets of the VOIspeed integration interfaces, one enum for each table of codes.

A code that a table does not list is kept, not refused: a newer PBX may know more than we do, and a
call must not be lost because of one unknown status. `CallOutcome(99)` is therefore a value named
`unknown_99` that compares equal to 99 and to nothing listed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class OpenIntEnum(IntEnum):
    """An integer code with names for the values we know and room for those we don't."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"unknown_{value}"
        member._value_ = value
        return member

    @property
    def known(self) -> bool:
        """Whether the table lists this code."""
        return self._value_ in type(self)._value2member_map_


class EntityType(OpenIntEnum):
    """Table 1: what kind of thing takes part in a call."""

    user = 0
    group = 1
    gateway = 2
    ivr = 3
    terminal = 7
    voicemail = 8
    meeting_room = 10
    park_line = 11
    department = 13


class AvStatus(OpenIntEnum):
    """Table 2: what a user is doing on the telephone."""

    unknown = 0
    unavailable = 1
    available = 2
    ringing = 3
    busy = 4
    do_not_disturb = 5
    reserved = 6
    absent = 7
    diverting = 8


class GatewayType(OpenIntEnum):
    """Table 3: how a gateway reaches the public network."""

    voip = 0
    isdn = 1
    gsm = 2
    analogue = 3


class GatewayStatus(OpenIntEnum):
    """Table 4: whether a gateway is registered with its carrier."""

    unregistered = 1
    registered = 2
    registering = 7


class TerminalType(OpenIntEnum):
    """Table 5: what a user's terminal is."""

    unknown = 0
    reserved = 1
    sip = 2
    usb = 3
    dect = 4
    mobile = 5


class UserEventCode(OpenIntEnum):
    """Table 6: events of the user interface."""

    cmd_failed = 1
    incoming_call = 8
    outgoing_call = 9
    new_voicemail = 10
    lost_call = 12
    call_answered = 14
    call_rejected = 15
    call_disconnect_out = 16
    call_disconnect_in = 17
    call_transfer = 18


class ExtendedEventCode(OpenIntEnum):
    """Events of the extended interface; `disconnect_out` is 6, whatever its own section prints."""

    call_in = 1
    call_progress = 2
    call_out = 3
    call_response = 4
    disconnect_in = 5
    disconnect_out = 6
    call_transfer = 7
    dtmf_out = 8
    call_divert = 9
    call_terminated = 10
    call_held = 11
    call_retrieved = 12


class UserCallStatus(OpenIntEnum):
    """Table 7: where a user's own leg of a call stands."""

    unknown = 0
    connecting_out = 1
    active = 2
    on_hold = 3
    ended = 4
    connecting_in = 5


class CallOutcome(OpenIntEnum):
    """Table 8: how a call went; 2-8 speak of the called side, 9-13 of the calling side."""

    unknown = 0
    ok = 1
    called_busy = 2
    called_rejected = 3
    called_unavailable = 4
    called_no_answer = 5
    called_no_lines = 6
    called_do_not_disturb = 7
    called_absent = 8
    calling_no_answer = 9
    calling_busy = 10
    calling_rejected = 11
    calling_unavailable = 12
    calling_no_lines = 13


class CommunicationStatus(OpenIntEnum):
    """Table 9: where a whole communication stands."""

    inactive = 0
    incoming = 1
    connecting = 2
    active = 3
    diverting = 4
    picking = 5
    called_unavailable = 6
    finishing = 7
    ended = 8


class GroupRingMode(OpenIntEnum):
    """Table 10: in which order a ring group rings its members."""

    simultaneous = 1
    cyclic = 2
    cyclic_forwarding = 3
    progressive = 4
    progressive_forwarding = 5
    unused = 6
    queue = 7


class IvrInputType(OpenIntEnum):
    """Table 11: how an IVR node decides that input is complete."""

    none = 0
    fixed_length = 1
    terminated = 2
    timeout = 3


class IvrNodeAction(OpenIntEnum):
    """Table 12: what an IVR node does when its input is complete."""

    none = 0
    next_node = 1
    call = 2
    script = 3


class AutoAnswer(OpenIntEnum):
    """Table 13: which side of a call answers by itself."""

    nobody = 0
    calling = 1
    called = 2


class ForwardingCode(OpenIntEnum):
    """Table 14: what a progress report means; the values are those of SIP."""

    ringing = 180
    forwarded = 181
    progress = 183


class ScriptAction(OpenIntEnum):
    """Table 15: what an IVR script may tell its node to do."""

    end_call = 0
    next_node = 1
    transfer_to_number = 2
    transfer_to_entity = 3
    update_node = 4


class UserMode(OpenIntEnum):
    """How a user wants calls handled; the guide confirms only that 2 is do-not-disturb."""

    normal = 1
    do_not_disturb = 2
    absent = 3
    divert = 4
