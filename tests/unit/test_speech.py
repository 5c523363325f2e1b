"""Prompts of spoken text: made once, and playable by every telephone system."""

import wave
from pathlib import Path

import numpy as np
import pytest

from offhook.speech import (
    EspeakNg,
    Prompts,
    SpeechError,
    SpeechNotInstalled,
    SpeechRefused,
    find_espeak,
    to_telephone,
)


def tone(path: Path, *, rate: int = 22_050, hz: float = 440.0, channels: int = 1) -> None:
    """A second of a tone."""
    sound = 0.5 * np.sin(2 * np.pi * hz * np.arange(rate) / rate)
    frames = np.repeat((sound * 32767).astype("<i2")[:, None], channels, axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(frames.tobytes())


class ToneEngine:
    """Says everything as a tone, and counts."""

    name = "tone"

    def __init__(self) -> None:
        self.spoken: list[str] = []

    def speak(self, text: str, *, language: str, target: Path) -> None:
        self.spoken.append(f"{language}: {text}")
        tone(target)


def test_prompt_is_spoken_once_for_each_text_and_language(tmp_path: Path) -> None:
    engine = ToneEngine()
    prompts = Prompts(engine, tmp_path)
    first = prompts.say("Good morning", language="en")
    assert prompts.say("Good morning", language="en") == first
    assert prompts.say("Good morning", language="it") != first
    assert engine.spoken == ["en: Good morning", "it: Good morning"]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".wav", ".wav"]


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (22_050, 1), (44_100, 2), (48_000, 1)])
def test_converted_tone_keeps_its_pitch_and_length(
    tmp_path: Path, rate: int, channels: int
) -> None:
    tone(tmp_path / "in.wav", rate=rate, channels=channels)
    to_telephone(tmp_path / "in.wav", tmp_path / "out.wav")
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        heard = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
    assert abs(len(heard) - 8000) <= 2
    strongest = np.abs(np.fft.rfft(heard)).argmax() * 8000 / len(heard)
    assert strongest == pytest.approx(440.0, abs=2.0)


def test_file_that_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in.wav").write_bytes(b"no sound at all")
    with pytest.raises(SpeechError, match="no WAV file"):
        to_telephone(tmp_path / "in.wav", tmp_path / "out.wav")


def test_missing_engine_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SpeechNotInstalled) as refused:
        find_espeak("no-such-program-anywhere")
    assert "apt-get install espeak-ng" in (refused.value.hint or "")
    gone = EspeakNg((str(tmp_path / "gone"),))
    with pytest.raises(SpeechNotInstalled):
        gone.speak("Hello", language="en", target=tmp_path / "out.wav")


@pytest.mark.parametrize(("text", "language"), [("", "en"), ("x" * 5001, "en"), ("Hi", "en;rm")])
def test_text_or_language_that_makes_no_sense_never_reaches_the_engine(
    tmp_path: Path, text: str, language: str
) -> None:
    with pytest.raises(SpeechRefused):
        EspeakNg(("/bin/false",)).speak(text, language=language, target=tmp_path / "out.wav")


def test_engine_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    program = tmp_path / "espeak"
    program.write_text("#!/bin/sh\ncat >/dev/null\necho 'no such voice' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(SpeechRefused, match="no such voice"):
        EspeakNg((str(program),)).speak("Hi", language="xx", target=tmp_path / "out.wav")
