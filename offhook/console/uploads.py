"""Files that people bring: written to disk as they come, under names of our own."""

import asyncio
import re
import secrets
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from nicegui import app as toolkit

from offhook.accounts import Permission
from offhook.api.auth import principal_of
from offhook.console.console import Console
from offhook.console.guard import same_origin

router = APIRouter(include_in_schema=False)
PATH = "/uploads"
MOST = 50_000_000
"""Bytes of a file; a larger one is imported with `offhook campaign import`."""
_NAME = re.compile(r"[0-9a-f]{32}")


@router.post(PATH)
async def take(request: Request) -> Response:
    """Keep a file, and say under which name."""
    who = await principal_of(request)
    if who is None or not same_origin(request):
        return JSONResponse({"code": "not_authenticated"}, 401)
    if not who.may(Permission.imports_write):
        return JSONResponse({"code": "permission_missing"}, 403)
    console: Console = toolkit.state.console
    name = secrets.token_hex(16)
    await asyncio.to_thread(console.backend.uploads.mkdir, mode=0o700, parents=True, exist_ok=True)
    path = upload_path(console, name)
    size = 0
    with await asyncio.to_thread(path.open, "xb") as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MOST:
                break
            await asyncio.to_thread(file.write, chunk)
    if size > MOST:
        await asyncio.to_thread(path.unlink)
        return JSONResponse({"code": "body_too_large"}, 413)
    return JSONResponse({"upload": name})


def upload_path(console: Console, name: str) -> Path:
    """Where an upload is; raises `ValueError` for what is no name of one."""
    if not _NAME.fullmatch(name):
        raise ValueError("no upload has this name")
    return console.backend.uploads / f"{name}.csv"
