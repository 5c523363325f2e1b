"""Pages without the toolkit, for those who aren't logged in: plain documents with a form."""

import re
from functools import cache
from importlib.resources import files

from offhook.api.security import nonce
from offhook.console.kit.markup import Child, el, trusted

_KIT = files("offhook.console.kit")
_SAID = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
"""Comments: of any kind, but none behind code on its line."""


@cache
def asset(name: str) -> str:
    """The text of a file of the kit, without its comments and indents: every page carries it."""
    text = _SAID.sub("", _KIT.joinpath(name).read_text("utf-8"))
    return "\n".join(filter(None, map(str.strip, text.splitlines())))


def document(title: str, *children: Child, script: str = "") -> str:
    """A whole document."""
    page = el(
        "html",
        el(
            "head",
            el("title", f"{title} · offhook"),
            el("meta", charset="utf-8"),
            el("meta", name="viewport", content="width=device-width, initial-scale=1"),
            el("link", rel="icon", href="data:,"),
            el("style", trusted(asset("style.css"))),
            el("style", trusted(asset("document.css"))),
            el("script", trusted(asset("theme.js")), nonce=nonce()),
        ),
        el(
            "body",
            el("main", *children),
            el("script", trusted(script), nonce=nonce()) if script else None,
        ),
        lang="en",
    )
    return f"<!doctype html>{page}"
