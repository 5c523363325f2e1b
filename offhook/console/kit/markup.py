"""Markup as values: every text is escaped, so a view can't be made to say something else.

Views return markup instead of elements of the toolkit. What a view shows is then one text, computed
once and sent to every browser that looks; it is plain HTML, which screen readers and keyboards know
how to use; and a test reads it without a browser.
"""

from collections.abc import Iterable
from typing import TypeAlias

from markupsafe import Markup, escape

Child: TypeAlias = "str | int | float | Markup | Iterable[Child] | None"
Attribute: TypeAlias = str | int | float | bool | None

_OPEN = frozenset({"br", "hr", "img", "input", "link", "meta"})
_VOID = _OPEN | {"path", "circle", "line", "rect", "polyline"}


def el(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """An element. `class_` is `class`, `data_act` is `data-act`; None and False leave one out."""
    opening = f"{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}"
    if tag in _VOID:
        return trusted(f"<{opening}>" if tag in _OPEN else f"<{opening}/>")
    return trusted(f"<{opening}>{joined(*children)}</{tag}>")


def joined(*children: Child) -> Markup:
    """Children one after the other."""
    return trusted("".join(map(_rendered, children)))


def trusted(text: str) -> Markup:
    """Text that is markup already: of this module, or of a file of the console's own."""
    return Markup(text)  # noqa: S704 - the one place where text becomes markup


def _rendered(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, str | int | float):
        return str(escape(child))
    return "".join(map(_rendered, child))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    shown = name.rstrip("_").replace("_", "-")
    return f" {shown}" if value is True else f' {shown}="{escape(value)}"'
