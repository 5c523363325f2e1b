"""Prompts of spoken text: a port for engines that speak, and the one that is there.

Whatever an engine says becomes 8 kHz, 16 bit, mono, which every telephone system plays as it is. A
prompt is made once: its file is named after everything that it was made of.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import numpy as np

from offhook.errors import OffhookError
from offhook.pbx.install import installed
from offhook.pbx.media import RATE, resampled

LONGEST_TEXT = 5_000
TIME_LIMIT = timedelta(seconds=60)
_WORDS = 200


class SpeechError(OffhookError):
    """Text could not be spoken."""

    code = "speech"


class SpeechNotInstalled(SpeechError):
    """There is no engine that speaks."""

    code = "speech_not_installed"

    def __init__(self, looked: str) -> None:
        super().__init__(
            f"there is no espeak-ng ({looked})",
            hint="install it (apt-get install espeak-ng), name it in OFFHOOK_SPEECH__PROGRAM, or "
            "run `offhook pbx install`, which brings one",
        )


class SpeechRefused(SpeechError):
    """The engine can't say this text in this language."""

    code = "speech_refused"

    def __init__(self, language: str, said: str) -> None:
        super().__init__(
            f"espeak-ng said nothing in {language[:20]!r}: {said}",
            hint="`espeak-ng --voices` lists the languages that it has",
        )


class Speaks(Protocol):
    """Turns text into sound."""

    @property
    def name(self) -> str:
        """Of the engine and what else makes a difference to how it sounds."""
        ...

    def speak(self, text: str, *, language: str, target: Path) -> None:
        """Write the text, spoken, to `target`: any WAV file. Raises `SpeechError`."""
        ...


@dataclass(frozen=True)
class EspeakNg:
    """The free engine of every distribution: a robot, and understood."""

    command: tuple[str, ...]
    """The program and what it always needs."""
    name: str = "espeak-ng"

    def speak(self, text: str, *, language: str, target: Path) -> None:
        """Speak through the program, which reads the text from its input."""
        if not text.strip() or len(text) > LONGEST_TEXT:
            raise SpeechRefused(language, f"a text has 1 to {LONGEST_TEXT} characters")
        if not language.replace("-", "").isalnum():
            raise SpeechRefused(language, "a language is written as it or en-gb")
        try:
            done = subprocess.run(  # noqa: S603 - our own program, and no shell
                [*self.command, "-v", language, "-w", str(target), "--stdin"],
                input=text,
                capture_output=True,
                text=True,
                check=False,
                timeout=TIME_LIMIT.total_seconds(),
            )
        except FileNotFoundError:
            raise SpeechNotInstalled(self.command[0]) from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SpeechRefused(language, type(error).__name__) from error
        if done.returncode != 0 or not target.exists():
            raise SpeechRefused(language, done.stderr.strip()[:_WORDS] or "no reason given")


def find_espeak(program: str = "") -> EspeakNg:
    """The engine: the program that is named, else that of the machine, else that of our PBX."""
    if program:
        found = shutil.which(program)
        if found is None:
            raise SpeechNotInstalled(program)
        return EspeakNg((found,))
    found = shutil.which("espeak-ng")
    if found is not None:
        return EspeakNg((found,))
    private = installed()
    if private is not None:
        return EspeakNg(tuple(private.command("espeak-ng", f"--path={private.speech_data}")))
    raise SpeechNotInstalled("not on the PATH, not in OFFHOOK_SPEECH__PROGRAM, no private PBX")


@dataclass(frozen=True)
class Prompts:
    """Spoken prompts, each made once."""

    engine: Speaks
    folder: Path

    def say(self, text: str, *, language: str) -> Path:
        """The file of a spoken text."""
        words = "\x00".join((self.engine.name, language, text))
        path = self.folder / f"{hashlib.sha256(words.encode()).hexdigest()[:32]}.wav"
        if path.exists():
            return path
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as half:
            raw, made = Path(half) / "raw.wav", Path(half) / "made.wav"
            self.engine.speak(text, language=language, target=raw)
            to_telephone(raw, made)
            os.replace(made, path)
        return path


def to_telephone(source: Path, target: Path) -> None:
    """Write a 16-bit WAV file as 8 kHz mono."""
    try:
        with wave.open(str(source), "rb") as sound:
            rate, channels, width = (
                sound.getframerate(),
                sound.getnchannels(),
                sound.getsampwidth(),
            )
            frames = sound.readframes(sound.getnframes())
    except (wave.Error, EOFError) as error:
        raise SpeechError(f"{source.name} is no WAV file: {error}") from error
    if width != 2:
        raise SpeechError(
            f"{source.name} has {8 * width} bits a sample", hint="save it with 16 bits"
        )
    samples = np.frombuffer(frames, dtype="<i2").astype(np.float64).reshape(-1, channels)
    mono = samples.mean(axis=1) / 32768
    heard = mono if rate == RATE else resampled(mono, rate)
    with wave.open(str(target), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes((np.clip(heard, -1.0, 1.0) * 32767).astype("<i2").tobytes())
