"""What a telephone for tests says and hears: a tone by RTP (RFC 3550) as G.711 mu-law.

A tone is a voice that can be told from others: `Sound.hears` says whether one is in what came.
"""

import asyncio
import contextlib
import re
import struct
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from offhook.pbx.media import RATE, mu_law

FRAME = 160
_FRAME_S = FRAME / RATE
_LOUDNESS = 0.3
LOUD, SILENT = 1500.0, 150.0
"""Amplitude of a tone in 16-bit samples: above, it is there; below, it isn't."""

Samples = NDArray[np.float64]


def loudness(samples: Samples, hz: float) -> float:
    """Amplitude of a tone, where it sounded all the time; leakage of others is windowed away."""
    window = np.hanning(samples.size)
    turning = np.exp(-2j * np.pi * hz * np.arange(samples.size) / RATE)
    return float(2 * abs((samples * window * turning).sum()) / window.sum())


def hears(samples: Samples, hz: float, *, piece_s: float = 0.25) -> bool:
    """Whether a tone is in any piece of a sound; what is neither loud nor silent is an error."""
    size = round(piece_s * RATE)
    pieces = [samples[at : at + size] for at in range(0, samples.size - size + 1, size)]
    most = max((loudness(piece, hz) for piece in pieces), default=0.0)
    if SILENT < most < LOUD:
        raise ValueError(f"a tone of {hz:.0f} Hz is neither there nor not: {most:.0f}")
    return most >= LOUD


def spoken(hz: float) -> bytes:
    """A second of a tone of whole hertz, which joins to itself, as mu-law."""
    return mu_law(_LOUDNESS * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE))


def understood(coded: bytes) -> Samples:
    """Mu-law as 16-bit samples."""
    code = ~np.frombuffer(coded, dtype=np.uint8).astype(np.int32) & 0xFF
    size = (((code & 0x0F) << 3) + 132 << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -size, size).astype(np.float64)


@dataclass(slots=True)
class Sound(asyncio.DatagramProtocol):
    """The sound of one call at its telephone."""

    tone: int | None = None
    """What it says, in hertz, as of now."""
    port: int = 0
    heard: bytearray = field(default_factory=bytearray)
    """What came, as mu-law."""
    _transport: asyncio.DatagramTransport | None = None
    _saying: "asyncio.Task[None] | None" = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) > 12 and data[1] & 0x7F == 0:
            self.heard += data[12:]

    def hears(self, hz: int, *, last_s: float) -> bool:
        """Whether a tone was in what came in the last seconds."""
        return hears(understood(bytes(self.heard[-round(last_s * RATE) :])), hz)

    def begin(self, offer: str) -> None:
        """Send to where a session description says."""
        host, port = re.search(r"c=IN IP4 (\S+)", offer), re.search(r"m=audio (\d+)", offer)
        if host and port and self._saying is None:
            self._saying = asyncio.create_task(self._say((host[1], int(port[1]))))

    def end(self) -> None:
        """Say nothing more."""
        if self._saying is not None:
            self._saying.cancel()
        if self._transport is not None:
            with contextlib.suppress(RuntimeError):
                self._transport.close()

    async def _say(self, peer: tuple[str, int]) -> None:
        loop, sequence = asyncio.get_running_loop(), 0
        silence, tones = bytes([0xFF]) * RATE, dict[int, bytes]()
        began = loop.time()
        while self._transport is not None:
            second = silence if self.tone is None else tones.setdefault(
                self.tone, spoken(self.tone)
            )  # fmt: skip
            at = sequence * FRAME % RATE
            head = struct.pack("!BBHII", 0x80, 0, sequence & 0xFFFF, sequence * FRAME, self.port)
            self._transport.sendto(head + second[at : at + FRAME], peer)
            sequence += 1
            await asyncio.sleep(max(0.0, began + sequence * _FRAME_S - loop.time()))


async def sound_of(tone: int | None) -> Sound:
    """A telephone's sound on a port of its own."""
    loop = asyncio.get_running_loop()
    _, sound = await loop.create_datagram_endpoint(lambda: Sound(tone), local_addr=("127.0.0.1", 0))
    return sound
