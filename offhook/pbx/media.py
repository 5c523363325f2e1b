"""What is heard on the line, made once: synthesized speech as 8 kHz mu-law."""

import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from offhook.pbx.install import CannotInstall, Installed

RATE = 8000
_GREETING = (
    "Hello, you have reached the voice mail of Alice and Bob. We can not come to the phone right "
    "now. Please leave your name, your number and a short message after the tone, and we will call "
    "you back as soon as we can."
)
_TALK = (
    "Good morning. Yes, I have heard of that. Tell me, how long would it take, and what does it "
    "cost? I should like to think about it, and perhaps talk to my family before I decide."
)
_AGENT = (
    "Good morning, this is the service desk. Thank you for taking the time. I am calling about "
    "your contract, and I have good news for you."
)
_BEEP_HZ, _BEEP_S, _TAIL_S = 1000.0, 0.4, 6.0
_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """Files for SIPp to stream."""

    hello: Path
    """A word and the silence of somebody who waits: a telephone goes on sending."""
    greeting: Path
    """A machine's: speech, a pause, a beep, and the silence of its recording."""
    talk: Path
    agent: Path


def make_media(installed: Installed) -> Media:
    """The files, beside the installation; made if they aren't there."""
    folder = installed.root.parent / f"media-{_VERSION}"
    folder.mkdir(exist_ok=True)
    beep = 0.5 * np.sin(2 * np.pi * _BEEP_HZ * np.arange(int(_BEEP_S * RATE)) / RATE)
    pause, tail = np.zeros(RATE // 2), np.zeros(int(_TAIL_S * RATE))
    return Media(
        hello=_made(installed, folder, "hello", "Hello?", [tail]),
        greeting=_made(installed, folder, "greeting", _GREETING, [pause, beep, tail]),
        talk=_made(installed, folder, "talk", _TALK, []),
        agent=_made(installed, folder, "agent", _AGENT, []),
    )


def _made(
    installed: Installed,
    folder: Path,
    name: str,
    words: str,
    after: list[NDArray[np.float64]],
) -> Path:
    path = folder / f"{name}.ulaw"
    if not path.exists():
        samples = np.concatenate([_spoken(installed, folder / f"{name}.wav", words), *after])
        half = path.with_suffix(".half")
        half.write_bytes(mu_law(samples))
        half.replace(path)
    return path


def _spoken(installed: Installed, path: Path, words: str) -> NDArray[np.float64]:
    command = installed.command(
        "espeak-ng", f"--path={installed.speech_data}", "-v", "en", "-w", path, words
    )
    done = subprocess.run(  # noqa: S603 - our own command line
        command, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode != 0:
        raise CannotInstall(
            f"the synthesizer failed: {done.stderr.strip()[-200:]}",
            hint=f"remove {installed.root.parent} and run `offhook pbx install` again",
        )
    with wave.open(str(path), "rb") as sound:
        rate = sound.getframerate()
        heard = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
    path.unlink()
    return resampled(heard.astype(np.float64) / 32768, rate)


def resampled(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """`samples` at 8 kHz: what would fold back is filtered away before."""
    taps = np.arange(-64, 65)
    cut = 0.9 * RATE / rate
    kernel = np.sinc(cut * taps) * np.hamming(taps.size)
    smooth = np.convolve(samples, kernel / kernel.sum(), mode="same")
    places = np.arange(0, samples.size - 1, rate / RATE)
    return np.asarray(np.interp(places, np.arange(samples.size), smooth), dtype=np.float64)


def mu_law(samples: NDArray[np.float64]) -> bytes:
    """Samples of -1 to 1 as G.711 mu-law."""
    bias, most = 132, 32635
    signal = np.clip(samples * 32768, -most, most).astype(np.int32)
    size = np.abs(signal) + bias
    exponent = np.floor(np.log2(size)).astype(np.int32) - 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    sign = np.where(signal < 0, 0x80, 0)
    coded = ~(sign | (exponent << 4) | mantissa) & 0xFF
    return bytes(coded.astype(np.uint8))
