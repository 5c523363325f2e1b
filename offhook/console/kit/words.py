"""Figures, spans of time and names in the words that the console uses for them."""

from datetime import datetime, timedelta

from markupsafe import Markup

from offhook.console.kit.markup import el

_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def count(number: float) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,.0f}"


def share(part: float, digits: int = 1) -> str:
    """A share of one as per cent."""
    return f"{part:.{digits}%}"


def span(length: timedelta | float | None) -> str:
    """A span of time by its two largest units; seconds as a number are taken too."""
    if length is None:
        return "–"
    left = int(length.total_seconds() if isinstance(length, timedelta) else length)
    left = max(left, 0)
    parts: list[str] = []
    for size, unit in _SPANS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 s"


def instant(at: datetime | None, as_: str = "both") -> Markup:
    """An instant, which the browser shows in its own zone; `as_` is clock, day or both."""
    if at is None:
        return Markup("–")
    return el("time", f"{at:%Y-%m-%d %H:%M:%S} UTC", datetime=at.isoformat(), data_as=as_)


def since(at: datetime) -> Markup:
    """How long ago an instant was; the browser counts on."""
    return el("span", data_since=at.isoformat())


def until(at: datetime) -> Markup:
    """How long it is until an instant; the browser counts down."""
    return el("span", data_until=at.isoformat())


def plain(name: str) -> str:
    """A name of code as words, with a capital first."""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def with_reason(said: str, reason: str) -> str:
    """What was said and, where one was given, the reason behind it."""
    return f"{said}: {plain(reason).lower()}" if reason else said


def sentence(text: str) -> str:
    """Text with a capital first, unless it begins with a name of code."""
    first = text.split(" ", 1)[0].rstrip(":,")
    return text[:1].upper() + text[1:] if first.isalpha() else text


def number_of(text: str) -> float | str:
    """The number that was typed, or what was typed where it is none, for whoever refuses it."""
    try:
        return float(text)
    except ValueError:
        return text


def of(number: int, one: str, several: str = "") -> str:
    """A number and what it counts."""
    return f"{count(number)} {one if number == 1 else several or one + 's'}"
