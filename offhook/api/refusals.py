"""What the API refuses because of who asks, or of what they saw."""

from collections.abc import Mapping
from http import HTTPStatus

from offhook.errors import OffhookError


class ApiError(OffhookError):
    """Something about the request itself."""

    code = "api"
    status = HTTPStatus.BAD_REQUEST
    headers: Mapping[str, str] = {}


class NotAuthenticated(ApiError):
    """The request has no token or session that counts."""

    code = "not_authenticated"
    status = HTTPStatus.UNAUTHORIZED
    headers: Mapping[str, str] = {"www-authenticate": "Bearer"}

    def __init__(self) -> None:
        super().__init__(
            "the request has no token or session that counts: none, unknown, expired or revoked",
            hint="send `Authorization: Bearer TOKEN` (`offhook token create`), or log in",
        )


class ScopeMissing(ApiError):
    """The token may not do this."""

    code = "scope_missing"
    status = HTTPStatus.FORBIDDEN

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"this needs a token with the scope {scope}",
            hint=f"make one: `offhook token create NAME --scope {scope}`",
        )


class PermissionMissing(ApiError):
    """The role of whoever is logged in does not have this permission."""

    code = "permission_missing"
    status = HTTPStatus.FORBIDDEN

    def __init__(self, permission: str) -> None:
        super().__init__(
            f"your role may not do this: it needs {permission}",
            hint="ask an administrator, who gives roles: `offhook user role LOGIN ROLE`",
        )


class CsrfFailed(ApiError):
    """A browser's request that changes something lacks the token of its session."""

    code = "csrf_failed"
    status = HTTPStatus.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "the request lacks the token of its session, so it may come from another site",
            hint="send `csrf_token` of `GET /api/v1/session` as the header X-CSRF-Token",
        )


class OutOfScope(ApiError):
    """What is to be made would be outside the scope of whoever makes it."""

    code = "out_of_scope"
    status = HTTPStatus.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "this would belong to a campaign or queue outside your scope",
            hint="name one of yours: `GET /api/v1/me` has your scope",
        )


class EtagInvalid(ApiError):
    """`If-Match` holds no ETag that was given out here."""

    code = "etag_invalid"

    def __init__(self) -> None:
        super().__init__(
            "If-Match holds no ETag that was given out here",
            hint="send the `ETag` of the answer that you saw, quotes included, or `*`",
        )


class EtagMismatch(ApiError):
    """The resource was changed since the caller saw it."""

    code = "etag_mismatch"
    status = HTTPStatus.PRECONDITION_FAILED

    def __init__(self) -> None:
        super().__init__(
            "the resource was changed since you saw it", hint="read it again, then decide"
        )


class BeyondOneself(ApiError):
    """Somebody may not give, or take over, more rights than they have."""

    code = "beyond_oneself"
    status = HTTPStatus.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            "this would give, or change, rights that you don't have yourself",
            hint="ask an administrator",
        )
