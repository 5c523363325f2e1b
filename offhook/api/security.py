"""Headers that tell browsers what not to do.

Only the console's pages may load anything at all. A script runs there if it comes from our own
address, or is written into the page with the word of that very answer, which nobody else knows:
markup that somebody smuggled into a page runs nothing.
"""

import secrets
from collections.abc import Mapping
from contextvars import ContextVar

from starlette.types import Scope

from offhook.api.services import services_of_scope

API = "/api/"
_STATIC = "/_nicegui/"
_ALWAYS = {
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_PAGE_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'nonce-{nonce}'{more}",
        "script-src-attr 'none'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_COMPILES = " 'unsafe-eval'"
"""The console's toolkit compiles its templates in the browser."""
_PLAIN = frozenset({"/login", "/link"})
"""Pages without the toolkit."""
_NO_PAGES = frozenset({"/healthz", "/readyz", "/metrics"})
HSTS = "max-age=31536000"
_NONCE: ContextVar[str] = ContextVar("nonce")


def begin_answer() -> None:
    """Have a new word for the scripts of an answer."""
    _NONCE.set(secrets.token_urlsafe(16))


def nonce() -> str:
    """The word with which a script of this answer runs."""
    return _NONCE.get()


def is_secure(scope: Scope) -> bool:
    """Whether browsers speak HTTPS: with us, with the proxy before us, or so it is set."""
    if scope.get("scheme") in {"https", "wss"}:
        return True
    return services_of_scope(scope).public_url.startswith("https://")


def headers_for(scope: Scope) -> Mapping[str, str]:
    """The headers of an answer, by where the request went and how it came."""
    path: str = scope["path"]
    headers = dict(_ALWAYS)
    headers["content-security-policy"] = _policy(path)
    if not path.startswith(_STATIC):
        headers["cache-control"] = "no-store"
    if is_secure(scope):
        headers["strict-transport-security"] = HSTS
    return headers


def _policy(path: str) -> str:
    if path.startswith(API) or path in _NO_PAGES:
        return _API_POLICY
    return _PAGE_POLICY.format(nonce=nonce(), more="" if path in _PLAIN else _COMPILES)
