"""Headers that tell browsers what not to do."""

from collections.abc import Mapping

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
        # The console's toolkit writes its import map into the page and compiles templates there.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
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
HSTS = "max-age=31536000"


def is_secure(scope: Scope) -> bool:
    """Whether browsers speak HTTPS: with us, with the proxy before us, or so it is set."""
    if scope.get("scheme") in {"https", "wss"}:
        return True
    return services_of_scope(scope).public_url.startswith("https://")


def headers_for(scope: Scope) -> Mapping[str, str]:
    """The headers of an answer, by where the request went and how it came."""
    path: str = scope["path"]
    headers = dict(_ALWAYS)
    headers["content-security-policy"] = _API_POLICY if path.startswith(API) else _PAGE_POLICY
    if not path.startswith(_STATIC):
        headers["cache-control"] = "no-store"
    if is_secure(scope):
        headers["strict-transport-security"] = HSTS
    return headers
