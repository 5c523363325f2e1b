"""A receiver of webhooks that checks every signature, and answers as a test says."""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from offhook.settings import Settings
from offhook.settings_webhooks import WebhookSettings
from offhook.storage.database import Database
from offhook.webhooks.service import sending_webhooks
from tests.support.serving import serving

OPEN = WebhookSettings(allow_private=True, timeout_s=0.5)
Answer = Callable[[int], Awaitable[tuple[int, bytes]]]


@dataclass
class Receiver:
    """What came in; `answer` gets the number of the request, from 1 on."""

    answer: Answer
    url: str = ""
    secrets: list[str] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Take one message as the scheme's description says."""
        body = b""
        while True:
            part = await receive()
            body += part.get("body", b"")
            if not part.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self._check(headers, body)
        said = {"id": headers["webhook-id"], "headers": headers, **json.loads(body)}
        self.messages.append(said)
        self.came.set()
        status, text = await self.answer(len(self.messages))
        head = [(b"content-length", str(len(text)).encode())]
        if status == 302:
            head.append((b"location", self.url.encode() + b"/elsewhere"))
        if status == 503:
            head.append((b"retry-after", b"3600"))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": text})

    def _check(self, headers: dict[str, str], body: bytes) -> None:
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        marks = headers["webhook-signature"].split()
        wanted = []
        for secret in self.secrets:
            key = base64.b64decode(secret.removeprefix("whsec_"))
            mark = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
            wanted.append(f"v1,{mark}")
        assert set(marks) & set(wanted), "no signature fits"
        assert headers["content-type"] == "application/json"


async def take(_number: int) -> tuple[int, bytes]:
    """Take everything."""
    return 200, b"thanks"


@asynccontextmanager
async def receiving(answer: Answer = take) -> AsyncIterator[Receiver]:
    """A receiver on a real socket."""
    receiver = Receiver(answer)
    async with serving(receiver) as url:
        receiver.url = url
        yield receiver


async def _main(url: str, home: str) -> None:
    """A worker's webhooks in a process of their own, to be killed."""
    settings = Settings(home=home, webhooks=WebhookSettings(allow_private=True, timeout_s=30))
    async with (
        Database.open(url) as database,
        sending_webhooks(settings, database, clock=lambda: datetime.now(UTC)),
    ):
        print("ready", flush=True)  # noqa: T201 - to whoever started it
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
