"""Keys as telephone events of RFC 4733 (RFC 2833), in the packet files that SIPp plays.

The files that come with SIPp were recorded once, each with the time stamps of that day; a receiver
takes an event that is older than the one before for a repetition. So a caller's keys are made for
him, each later than the last.
"""

import struct

_EVENTS = "0123456789*#"
_PAYLOAD, _SSRC = 101, 0x0FF400C5
_STEP, _RATE = 160, 8000
"""Samples of a packet of 20 ms, and of a second."""
_PACKETS, _ENDS = 8, 3
_VOLUME = 10


def packets(key: str, place: int) -> bytes:
    """A capture file with one key, the `place`th that its caller presses."""
    began = (place + 1) * 10 * _RATE
    frames = []
    for index in range(_PACKETS + _ENDS):
        ended = index >= _PACKETS
        length = _STEP * min(index + 1, _PACKETS)
        event = struct.pack(">BBH", _EVENTS.index(key), (0x80 if ended else 0) | _VOLUME, length)
        mark = 0x80 if index == 0 else 0
        sequence = place * 100 + index + 1
        rtp = struct.pack(">BBHII", 0x80, mark | _PAYLOAD, sequence, began, _SSRC)
        frames.append(_frame(rtp + event))
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    return header + b"".join(
        struct.pack("<IIII", 0, index * 20_000, len(frame), len(frame)) + frame
        for index, frame in enumerate(frames)
    )


def _frame(payload: bytes) -> bytes:
    """As if captured on Ethernet; SIPp sends the payload to the call's own addresses."""
    udp = struct.pack(">HHHH", 4000, 4000, 8 + len(payload), 0)
    home = bytes((127, 0, 0, 1))
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, home, home)
    return bytes(12) + b"\x08\x00" + ip + udp + payload
