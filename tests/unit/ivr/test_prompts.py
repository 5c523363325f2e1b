"""What callers hear, language by language."""

import pytest

from ivr.prompts import Form, PlayFile, SayText, placeholders, say_value, speak
from ivr.tree_parts import Prompt, Speech

GREETING: Prompt = {"it": Speech(text="Ciao."), "en": Speech(file="hello.wav")}


def texts(text: str, language: str = "en", **values: str) -> list[str]:
    pieces = speak({"en": Speech(text=text)}, language=language, default="en", values=values)
    return [piece.text for piece in pieces if isinstance(piece, SayText)]


@pytest.mark.parametrize(
    ("wanted", "default", "heard"),
    [
        ("en", "it", PlayFile(language="en", file="hello.wav")),
        ("it-CH", "en", SayText(language="it", text="Ciao.")),
        ("fr", "en", PlayFile(language="en", file="hello.wav")),
        ("fr", "de", SayText(language="it", text="Ciao.")),
    ],
)
def test_prompt_is_said_in_the_nearest_language(
    wanted: str, default: str, heard: SayText | PlayFile
) -> None:
    assert speak(GREETING, language=wanted, default=default, values={}) == (heard,)


def test_values_are_pieces_of_their_own() -> None:
    assert texts("You are {position|number} of {total}.", position="3", total="12") == [
        "You are",
        "3",
        "of",
        "12",
    ]


def test_value_that_is_not_known_is_left_out() -> None:
    assert texts("Ticket {ticket|digits} is open") == ["Ticket", "is open"]


@pytest.mark.parametrize(
    ("value", "form", "language", "said"),
    [
        ("4711", "digits", "en", ("4", "7", "1", "1")),
        ("1234.5", "number", "en", ("1234.5",)),
        ("1234.5", "number", "it", ("1234,5",)),
        ("2026-03-02", "date", "it", ("2 marzo 2026",)),
        ("2026-03-02T10:00:00+01:00", "date", "en", ("March 2, 2026",)),
        ("09:30", "time", "it", ("09:30",)),
        ("2026-03-02T10:15:00+01:00", "time", "it", ("10:15",)),
        ("tomorrow", "date", "it", ("tomorrow",)),
        ("many", "number", "en", ("many",)),
        ("5", "number", "qq", ("5",)),
        ("as it is", "plain", "en", ("as it is",)),
    ],
)
def test_values_are_said_as_the_language_says_them(
    value: str, form: Form, language: str, said: tuple[str, ...]
) -> None:
    assert say_value(value, form, language) == said


def test_placeholders_are_found_with_their_forms() -> None:
    assert placeholders("{a} {b|date} {c|money}") == [("a", "plain"), ("b", "date"), ("c", None)]
