"""How routes record what they are asked to do.

Nothing has to be done for it: a route that changes something and asks for a permission is recorded
with who, what, from where, and what was before and after as the stores and offices tell it
(`offhook.change_notes`); where they tell nothing, with its answer. A route that knows better, or
has a better subject than its path, takes the entry and says so:

    async def change(key: Key, body: Change, entry: Entry) -> View:
        entry.before, entry.after = before, after

The console, which calls no route, uses `Services.audited`.
"""

import json
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import Request
from starlette.types import Message, Scope

from offhook.accounts.audit import Draft, record
from offhook.accounts.principal import Principal
from offhook.api.services import services_of_scope
from offhook.change_notes import notes_kept
from offhook.storage.account_tables import AuditResult

MOST_KEPT = 32_768
"""Bytes of an answer that are looked at; of a longer one, nothing is kept."""
_IRREGULAR = {"switches": "switch", "dnc": "dnc", "compliance": "compliance"}


def begin_entry(request: Request, principal: Principal) -> Draft:
    """The entry of this request; written by the frame when the answer is known."""
    if "audit" not in request.scope:
        noun, subject = _names(request)
        request.scope["audit"] = Draft(f"{noun}.{_verb(request)}", subject)
        request.scope["audit_who"] = principal
    entry: Draft = request.scope["audit"]
    return entry


def _entry(request: Request) -> Draft:
    """The entry that `requires` began; one that is kept nowhere for a request that only reads."""
    found: Draft | None = request.scope.get("audit")
    return found if found is not None else Draft("read")


Entry = Annotated[Draft, Depends(_entry)]
"""The audit entry of this request, to be filled in."""


def _names(request: Request) -> tuple[str, str]:
    """`/api/v1/campaigns/{id}/pause` is about a `campaign`, and about the one of the path."""
    path: str = getattr(request.scope.get("route"), "path", request.url.path)
    segments = [part for part in path.split("/") if part]
    while segments and (segments[0] == "api" or segments[0] == "v1"):
        segments.pop(0)
    resource = segments[0] if segments else "api"
    noun = _IRREGULAR.get(resource, resource.removesuffix("s"))
    given = next(iter(request.path_params.values()), None)
    return noun, "" if given is None else f"{noun}/{given}"


def _verb(request: Request) -> str:
    endpoint = request.scope.get("endpoint")
    name = getattr(endpoint, "__name__", request.method.lower())
    return str(name).strip("_").replace("_", "-")


class AnswerKept:
    """What is kept of the answer to one request: its status, and its JSON if that is short."""

    def __init__(self) -> None:
        self.status = 500
        self._body = b""
        self._json = False

    def begin(self, message: Message) -> None:
        """Look at the head of the answer."""
        self.status = int(message["status"])
        kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
        self._json = bool(kinds) and kinds[0].startswith(b"application/json")

    def add(self, message: Message) -> None:
        """Look at a piece of its body."""
        if self._json and len(self._body) <= MOST_KEPT:
            self._body += message.get("body", b"")

    def value(self) -> Any:
        """Its JSON; None where there is none, or too much."""
        if not self._json or len(self._body) > MOST_KEPT:
            return None
        try:
            return json.loads(self._body)
        except ValueError:
            return None


async def write_entry(scope: Scope, answer: AnswerKept) -> None:
    """Write the entry of a request that was answered, if it has one."""
    draft: Draft | None = scope.get("audit")
    if draft is None:
        return
    if answer.status >= 500:
        draft.result = AuditResult.failed
    elif answer.status >= 400:
        draft.result = AuditResult.refused
    if draft.result is not AuditResult.done:
        draft.code = draft.code or str(scope.get("problem", ""))
    elif draft.after is None and not notes_kept():
        draft.after = answer.value()
    services = services_of_scope(scope)
    await record(
        services.audit,
        scope["audit_who"],
        draft,
        now=services.clock(),
    )
