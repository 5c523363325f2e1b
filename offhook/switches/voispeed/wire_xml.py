"""VOIspeed's XML as a tree, however it was closed.

Well-formed documents go through defusedxml. The guide's own examples don't: tags with a blank in
them (`</connected _id>`), leaves and records that are never closed or are closed by an opening tag.
For those a second reader knows which tags hold others, and reads a leaf up to the next tag. It
invents nothing at the end: a document whose root is not closed is a reply cut short, and an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from offhook.switches.voispeed.wire_codec import WireError

CONTAINERS = frozenset(
    {"result", "users", "user", "groups", "group", "gateways", "gateway", "ivrs", "ivr", "nodes"}
    | {"node", "devices", "device", "voicemails", "voicemail", "park_line", "call", "contacts"}
    | {"contact"}
)
_BOTH = frozenset({"lines"})  # a count inside a gateway, a list of parked calls at the top
_ROOTS = frozenset({"result", "contacts", "contact"})
_MAX_DEPTH = 12

_SKIPPED = re.compile(r"<\?.*?\?>|<!--.*?-->", re.DOTALL)
_GLUED = re.compile(r"<outcome\s*(\d+)\s*</outcome>")
_TAG = re.compile(r"<(/?)\s*([A-Za-z][\w.-]*)(?:\s+(_\w+))?([^<>]*)>?")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode(body: bytes) -> str:
    """The text of a body: UTF-8, or Latin-1 when it isn't."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def escape(text: str) -> str:
    """`text` as XML character data; characters XML can't carry are dropped."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ILLEGAL.sub("", text).replace("\r", "&#13;")


def parse_tree(body: bytes, *, where: str, link: str) -> Element:
    """The root of a VOIspeed document; `WireError` when it is not one or is cut short."""
    text = decode(body).strip()
    if not text:
        raise WireError("empty body", where=where, link=link)
    try:
        root = fromstring(_SKIPPED.sub("", text).strip(), forbid_dtd=True)
    except DefusedXmlException as error:
        raise WireError("a document type or entity is declared", where=where, link=link) from error
    except (ParseError, ValueError):
        root = _recover(_GLUED.sub(r"<outcome>\1</outcome>", text), where=where, link=link)
    if root.tag not in _ROOTS:
        raise WireError(f"the root is not <result> but <{root.tag[:20]}>", where=where, link=link)
    return root


def _tokens(text: str) -> Iterator[tuple[str, str, str]]:
    """(closing slash, tag, text that follows) of each tag."""
    previous: re.Match[str] | None = None
    for match in _TAG.finditer(text):
        if previous is not None:
            yield (*_token(previous), text[previous.end() : match.start()])
        previous = match
    if previous is not None:
        yield (*_token(previous), text[previous.end() :])


def _token(match: re.Match[str]) -> tuple[str, str]:
    slash, name, rest, tail = match.groups()
    return ("/>" if tail.rstrip().endswith("/") else slash), name + (rest or "")


def _recover(text: str, *, where: str, link: str) -> Element:
    text = _SKIPPED.sub("", text)
    root: Element | None = None
    stack: list[Element] = []
    for slash, name, after in _tokens(text):
        if root is None:
            if slash or name not in _ROOTS:
                raise WireError("not a VOIspeed document", where=where, link=link)
            root = Element(name)
            stack = [root]
        elif not stack:
            break
        elif slash == "/":
            _close(stack, name)
        else:
            _open(stack, name, after, empty=slash == "/>")
        if len(stack) > _MAX_DEPTH:
            raise WireError("nested too deep", where=where, link=link)
    if root is None:
        raise WireError("not a VOIspeed document", where=where, link=link)
    if stack:
        raise WireError("cut short: the root is not closed", where=where, link=link)
    _drop_empty_records(root)
    return root


def _open(stack: list[Element], name: str, after: str, *, empty: bool) -> None:
    value = unescape(after).strip()
    holds = name in CONTAINERS or (name in _BOTH and not value)
    if holds:
        tags = [element.tag for element in stack]
        if name in tags:  # opened where it should have been closed: the record before is over
            del stack[tags.index(name) :]
    if not stack:
        return
    parent = stack[-1]
    if not holds and parent.find(name) is not None and not value:
        return  # a leaf "closed" by its opening tag
    element = Element(name)
    element.text = value
    parent.append(element)
    if holds and not empty:
        stack.append(element)


def _close(stack: list[Element], name: str) -> None:
    for index in range(len(stack) - 1, -1, -1):
        if stack[index].tag == name:
            del stack[index:]
            return


def _drop_empty_records(element: Element) -> None:
    for child in list(element):
        if child.tag in CONTAINERS and not len(child) and not (child.text or "").strip():
            element.remove(child)
        else:
            _drop_empty_records(child)


def leaves(element: Element) -> dict[str, str]:
    """The texts of the children that hold no others; the first of a name counts."""
    texts: dict[str, str] = {}
    for child in element:
        if not len(child):
            texts.setdefault(child.tag, (child.text or "").strip())
    return texts
