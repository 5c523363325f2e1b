"""Callback lists and callbacks in paths: whoever has a scope finds only those inside it."""

from fastapi import Depends
from starlette.requests import Request

from dialer.callback_refusals import CallbackUnknown
from dialer.callbacks import CallbackId
from offhook.accounts.scoping import require_seen
from offhook.api.audit import begin_entry
from offhook.api.auth import SAFE, Who
from offhook.api.services import Svc
from offhook.storage.callback_store import CallbackListNotFound


async def _in_scope(request: Request, services: Svc, who: Who) -> None:
    """Raise what a wrong id raises for a list, or a callback on a list, that is out of scope."""
    if who.scope.everything or not request.path_params:
        return
    if request.method not in SAFE:
        begin_entry(request, who)
    key, missing = _asked(request)
    if "callback_id" in request.path_params:
        key = (await services.lists.row(CallbackId(key))).promise.request.list_id
    on = await services.lists.find(key, now=services.clock())
    require_seen(who, missing, campaign=on.campaign_id, queue=on.queue)


def _asked(request: Request) -> tuple[str, Exception]:
    if "callback_id" in request.path_params:
        callback = str(request.path_params["callback_id"])
        return callback, CallbackUnknown(callback)
    key = str(request.path_params["list_id"])
    return key, CallbackListNotFound(key)


InScope = Depends(_in_scope)
"""For a router of callbacks: each of its routes answers within the scope of who asks."""
