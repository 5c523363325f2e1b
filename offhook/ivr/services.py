"""Asking somebody's web service from a `hook` node: a signed POST, one try, a bounded answer.

The body is JSON: the values of the node. With a secret, `Offhook-Signature` holds
`t=<unix seconds>,v1=<hex>`, where v1 is HMAC-SHA256 over `<t>.<body>`; `Offhook-Delivery` is equal
for two deliveries of one question. The answer is JSON, `{"result": "...", "values": {...}}`.
Anything else, and every failure, is no answer: the node says where a call goes then.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import httpx
import structlog
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from activities.ivr_contracts import CallHook, HookSaid
from ivr.machine_words import Values
from offhook.telemetry import counter

log = structlog.get_logger()

MAX_ANSWER = 64 * 1024

_ASKED = counter(
    "dialer_ivr_hooks_total",
    "Questions of hook nodes to web services, by result.",
    labels=("result",),
)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    result: str | None = Field(default=None, max_length=64)
    values: Values = Field(default_factory=dict)


@dataclass(frozen=True)
class HttpHooks:
    """Implements `activities.ivr.Hooks`."""

    client: httpx.AsyncClient
    secrets: Mapping[str, SecretStr]
    clock: Callable[[], datetime]

    async def ask(self, request: CallHook) -> HookSaid:
        """POST the values and read the answer."""
        said, result = await self._asked(request)
        _ASKED.labels(result).inc()
        if result != "ok":
            host = urlsplit(request.url).hostname
            log.warning("ivr_hook_without_answer", host=host, reason=result, key=request.key)
        return said

    async def _asked(self, request: CallHook) -> tuple[HookSaid, str]:
        body = json.dumps(request.values, sort_keys=True).encode()
        headers = {"content-type": "application/json", "offhook-delivery": request.key}
        if request.secret is not None:
            secret = self.secrets.get(request.secret)
            if secret is None:
                return HookSaid(), "secret_unknown"
            at = int(self.clock().timestamp())
            headers["offhook-signature"] = sign(secret.get_secret_value(), body, at)
        timeout = request.timeout.total_seconds()
        try:
            reply = await self.client.post(
                request.url, content=body, headers=headers, timeout=timeout
            )
        except httpx.TimeoutException:
            return HookSaid(), "timeout"
        except (httpx.HTTPError, httpx.InvalidURL):
            return HookSaid(), "unreachable"
        if reply.status_code != 200:
            return HookSaid(), "refused"
        if len(reply.content) > MAX_ANSWER:
            return HookSaid(), "too_long"
        try:
            answer = _Answer.model_validate_json(reply.content)
        except ValidationError:
            return HookSaid(), "unreadable"
        return HookSaid(result=answer.result, values=answer.values), "ok"


def sign(secret: str, body: bytes, at: int) -> str:
    """The signature header of a body that is sent at an instant (Unix seconds)."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"
