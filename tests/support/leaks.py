"""The search for secrets in whatever remembers: rows, histories, logs, metrics, files."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import PayloadCodec

from offhook.storage.catalogue import metadata
from offhook.storage.pool import Pool

Place = tuple[str, bytes]
"""A name, and what is remembered there."""


def leaks(places: Iterable[Place], secrets: Sequence[str]) -> list[str]:
    """The places that show a secret: in clear, in hex, or in base64 however it is aligned."""
    patterns = []
    for secret in secrets:
        raw = secret.encode()
        # A fraction of a second isn't a PIN, nor is a part of a longer number.
        patterns.append(rb"(?<![.\d])" + raw + rb"(?!\d)")
        patterns.append(raw.hex().encode())
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw + b"\0\0\0")
            # Only the letters that hold nothing else.
            patterns.append(re.escape(encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]))
    wanted = re.compile(b"|".join(patterns))
    return [name for name, data in places if wanted.search(data)]


async def rows_of(pool: Pool) -> list[Place]:
    """Every row of every table, as text; bytes are in hex."""
    found = []
    for name in metadata.tables:
        rows = await pool.fetch(f'SELECT to_jsonb(t)::text AS row FROM "{name}" t')  # noqa: S608
        found.append((name, "\n".join(row["row"] for row in rows).encode()))
    return found


async def history_of(client: Client, workflow_id: str) -> Place:
    """Every event of a workflow, its payloads as they are and decoded."""
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    raw = b"\n".join(event.SerializeToString() for event in history.events)
    codec = client.data_converter.payload_codec
    if codec is not None:
        payloads = list(_payloads(json.loads(history.to_json())))
        raw += b"\n" + b"\n".join(one.data for one in await _decoded(codec, payloads))
    return workflow_id, raw


async def _decoded(codec: PayloadCodec, payloads: list[Payload]) -> list[Payload]:
    return [plain for one in payloads for plain in await codec.decode([one])]


def _payloads(value: Any) -> Iterator[Payload]:
    if isinstance(value, dict):
        if "metadata" in value and "encoding" in (value["metadata"] or {}):
            yield ParseDict(value, Payload())
        else:
            for inner in value.values():
                yield from _payloads(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _payloads(inner)


def files_of(folder: Path) -> list[Place]:
    """Every file below a folder: logs, and the databases as they are on the disk."""
    return [
        (str(path.relative_to(folder)), path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
