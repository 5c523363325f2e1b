"""Where a PBX's responder asks what to do with a caller: `GET /ivr/<family>/<secret>?...`.

Served beside the event hook, guarded as it is, and authenticated by the same secret of the link. A
caller is on the line, so the answer is waited for, and bounded: whoever can't be answered in time,
or asks what makes no sense, is told to end the call, which is also what the PBX does by itself.

Keys that may be a PIN are stored, sealed, before anything else sees them; what goes on from here is
a reference. The query is never logged and in no error: a line says which call and why, not what.
"""

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from activities.ivr import Secrets
from activities.ivr_contracts import Heard, SessionReply, StartSession, StepSession
from activities.ports import StoreUnavailable
from dialer.model import SwitchId
from offhook.api.hooks import MAX_QUERY, Receive, Scope, Send, allowed, read_query
from offhook.errors import OffhookError
from offhook.switches.ivr_script import Question, ScriptRoute, UnreadableQuestion
from offhook.telemetry import counter, histogram

log = structlog.get_logger()

IVR_PREFIX = "/ivr/"
PATIENCE = timedelta(seconds=4)
"""How long an answer is held back while something is looked up; then the caller is put on hold."""
MAX_ASKING = 2_000
MAX_LIVE = 20_000

_ASKED = counter(
    "dialer_ivr_questions_total",
    "Questions of responders, by family and what came of them.",
    labels=("family", "result"),
)
_TOOK = histogram(
    "dialer_ivr_reply_seconds", "How long responders waited for an answer.", labels=("family",)
)


class Sessions(Protocol):
    """Sessions by their call (`offhook.temporal.ivr.IvrDesk`)."""

    async def begin(self, start: StartSession, step: StepSession) -> SessionReply: ...
    async def step(self, switch: SwitchId, call: str, step: StepSession) -> SessionReply: ...
    async def caller_gone(self, switch: SwitchId, call: str) -> bool: ...


class IvrHook:
    """The ASGI application that answers responders."""

    def __init__(
        self,
        sessions: Sessions,
        secrets: Secrets,
        *,
        call_over: Callable[[SwitchId, str], None] = lambda _switch, _call: None,
    ) -> None:
        self._sessions = sessions
        self._secrets = secrets
        self._call_over = call_over
        self._routes: dict[tuple[str, bytes], ScriptRoute] = {}
        self._by_switch: dict[SwitchId, ScriptRoute] = {}
        self._live: OrderedDict[tuple[SwitchId, str], None] = OrderedDict()
        self._asking = 0
        self._telling: set[asyncio.Task[None]] = set()

    def serve(self, routes: Sequence[ScriptRoute]) -> None:
        """Answer exactly these switches from now on."""
        self._by_switch = {route.switch_id: route for route in routes}
        self._routes = {
            (route.family, _digest(route.secret)): route for route in self._by_switch.values()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question."""
        status, body = await self._answer(scope)
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope) -> tuple[int, bytes]:
        if scope["method"] != "GET":
            return 405, b"only GET\n"
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        family, _, secret = path.removeprefix(IVR_PREFIX).partition("/")
        route = self._routes.get((family, _digest(secret)))
        if route is None or not hmac.compare_digest(route.secret.encode(), secret.encode()):
            _ASKED.labels("unknown", "not_found").inc()
            return 404, b"not found\n"
        if route.allow and not allowed(route.allow, scope.get("client")):
            _ASKED.labels(route.family, "forbidden").inc()
            return 403, b"forbidden\n"
        began = time.perf_counter()
        result, body = await self._reply(route, scope["query_string"])
        _TOOK.labels(route.family).observe(time.perf_counter() - began)
        _ASKED.labels(route.family, result).inc()
        return 200, body

    async def _reply(self, route: ScriptRoute, query: bytes) -> tuple[str, bytes]:
        key = route.secret.encode()
        params = read_query(query) if len(query) <= MAX_QUERY else {}
        try:
            question = route.script.read(params, key)
        except UnreadableQuestion as error:
            log.warning("ivr_question_unreadable", switch=route.switch_id, where=error.message)
            return "unreadable", route.script.end()
        if self._asking >= MAX_ASKING:
            return self._refused(route, question, "overloaded")
        self._asking += 1
        try:
            reply = await self._asked(route, question)
        except StoreUnavailable:
            return self._refused(route, question, "secret_not_stored")
        except OffhookError as error:
            return self._refused(route, question, error.code)
        finally:
            self._asking -= 1
        self._remember(route.switch_id, question.call_id, live=reply.ended is None)
        return "answered", route.script.render(reply, question.call_id, key)

    async def _asked(self, route: ScriptRoute, question: Question) -> SessionReply:
        if question.first:
            start = StartSession(
                switch_id=route.switch_id,
                call_id=question.call_id,
                ivr_id=question.ivr_id,
                calling=question.calling,
                called=question.called,
            )
            return await self._sessions.begin(start, StepSession(patience=PATIENCE))
        step = StepSession(
            turn=question.turn, part=question.part, heard=Heard.returned, patience=PATIENCE
        )
        if question.keys and question.secret:
            reference = await self._secrets.keep(question.keys, call=question.call_id)
            step = step.model_copy(update={"secret": reference, "heard": Heard.typed})
        elif question.keys:
            step = step.model_copy(update={"digits": question.keys, "heard": Heard.typed})
        return await self._sessions.step(route.switch_id, question.call_id, step)

    def _refused(self, route: ScriptRoute, question: Question, why: str) -> tuple[str, bytes]:
        log.warning(
            "ivr_call_ended", switch=route.switch_id, call=question.call_id[:60], reason=why
        )
        # The PBX hangs up now; a session that is open all the same hears of it by the call's end.
        self._remember(route.switch_id, question.call_id, live=True)
        return "ended", route.script.end()

    # Calls that end without a word at the hook

    def _remember(self, switch: SwitchId, call: str, *, live: bool) -> None:
        self._live.pop((switch, call), None)
        if live:
            self._live[switch, call] = None
            if len(self._live) > MAX_LIVE:
                self._live.popitem(last=False)

    def heard(self, switch: SwitchId, payload: Mapping[str, str]) -> None:
        """Look at an event of the switch: the end of a call ends its session, or its talk."""
        route = self._by_switch.get(switch)
        call = route.script.ended_call(payload) if route else None
        if call is None:
            return
        self._call_over(switch, call)
        if (switch, call) not in self._live:
            return
        self._remember(switch, call, live=False)
        task = asyncio.create_task(self._tell(switch, call))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, switch: SwitchId, call: str) -> None:
        try:
            await self._sessions.caller_gone(switch, call)
        except Exception as error:
            # Its own timer ends the session all the same.
            log.warning("ivr_end_not_told", switch=switch, error=type(error).__name__)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
