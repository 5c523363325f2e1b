"""What a caller hears: the language that is chosen, and values said inside a prompt's text.

A text may hold values: `{position}` says it as it stands, `{amount|number}` as a number,
`{ticket|digits}` key by key, `{day|date}` and `{at|time}` as the language says dates and times
(ISO 8601 in the variable). The result is a row of pieces, each short enough to be spoken, cached
or recorded alone: "You are number", "4", "in the queue".
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Annotated, Literal, get_args

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_decimal
from pydantic import Field

from ivr.tree_parts import Part, Prompt

Form = Literal["plain", "number", "digits", "date", "time"]
_FORMS = frozenset(get_args(Form))
_VALUE = re.compile(r"\{([A-Za-z0-9][A-Za-z0-9_-]*)(?:\|([a-z]+))?\}")


class SayText(Part):
    """Words for a voice to say."""

    say: Literal["text"] = "text"
    language: str
    text: str


class PlayFile(Part):
    """A recording of the tree's audio folder."""

    say: Literal["file"] = "file"
    language: str
    file: str


Piece = Annotated[SayText | PlayFile, Field(discriminator="say")]


def placeholders(text: str) -> list[tuple[str, Form | None]]:
    """The values that a text says, each with its form; None for a form that there isn't."""
    return [(match[1], _form(match[2])) for match in _VALUE.finditer(text)]


def speak(
    prompt: Prompt, *, language: str, default: str, values: Mapping[str, str]
) -> tuple[Piece, ...]:
    """The pieces of a prompt in a language, or in the default, or in the first that it has.

    `it` serves a caller who wants `it-CH`. A value that isn't known is left out: a gap is better
    than a caller who is told the name of a variable.
    """
    wanted = (language, language.partition("-")[0], default, next(iter(prompt)))
    chosen = next(one for one in wanted if one in prompt)
    speech = prompt[chosen]
    if speech.file is not None:
        return (PlayFile(language=chosen, file=speech.file),)
    texts = _texts(speech.text or "", chosen, values)
    return tuple(SayText(language=chosen, text=text) for text in texts)


def _texts(text: str, language: str, values: Mapping[str, str]) -> Iterator[str]:
    at = 0
    for match in _VALUE.finditer(text):
        yield from _words(text[at : match.start()])
        at = match.end()
        value = values.get(match[1], "")
        if value:
            yield from say_value(value, _form(match[2]) or "plain", language)
    yield from _words(text[at:])


def say_value(value: str, form: Form, language: str) -> tuple[str, ...]:
    """A value as a row of texts; one that doesn't fit its form is said as it stands."""
    if form == "digits":
        return tuple(value.replace(" ", ""))
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return (value,)
    try:
        match form:
            case "number":
                return (format_decimal(value, locale=locale, group_separator=False),)
            case "date":
                return (format_date(date.fromisoformat(value[:10]), "long", locale=locale),)
            case "time":
                return (format_time(_clock(value), "short", locale=locale),)
            case _:
                return (value,)
    except (ValueError, ArithmeticError):
        return (value,)


def _clock(value: str) -> time:
    return datetime.fromisoformat(value).time() if "T" in value else time.fromisoformat(value)


def _form(word: str | None) -> Form | None:
    if word is None:
        return "plain"
    return word if word in _FORMS else None  # type: ignore[return-value]  # checked by the set


def _words(text: str) -> Iterator[str]:
    stripped = text.strip()
    if any(letter.isalnum() for letter in stripped):
        yield stripped
