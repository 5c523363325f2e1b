"""What a request gets that can't be answered: problem details (RFC 9457) with our stable codes.

A problem never repeats what was sent: a body may hold what must not get into a log or a browser.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from temporalio.service import RPCError

from activities.ports import StoreUnavailable
from dialer.numbers import InvalidNumber
from dialer.rejections import Rejected
from offhook.accounts.errors import LoginThrottled
from offhook.api.refusals import ApiError as ApiError
from offhook.api.refusals import NotAuthenticated as NotAuthenticated
from offhook.api.statuses import STATUSES
from offhook.errors import OffhookError
from offhook.storage.errors import NotFound
from offhook.temporal.campaigns import OrderRefused

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
MAX_FAULTS = 20


class Fault(BaseModel):
    """One part of a request that makes no sense."""

    pointer: str
    """Where: `body`, `query`, `path` or `header`, then names, with slashes between."""
    code: str
    message: str


class Problem(BaseModel):
    """Why a request was refused."""

    type: str
    """`urn:offhook:problem:` and the code."""
    title: str
    status: int
    code: str
    """Never changes; what programs compare."""
    detail: str
    hint: str | None = None
    request_id: str
    errors: list[Fault] = []


class BadCursor(ApiError):
    """The cursor of a page is none that was given out here."""

    code = "cursor_invalid"

    def __init__(self) -> None:
        super().__init__(
            "the cursor is none that was given out here",
            hint="send `next_cursor` of the page before, or none for the first page",
        )


class RequestInvalid(ApiError):
    """The request does not fit the description of the API."""

    code = "request_invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self) -> None:
        super().__init__(
            "the request does not fit the description of the API",
            hint="see `errors`, and /api/v1/openapi.json",
        )


class RequestUnreadable(ApiError):
    """The request can't be read at all."""

    code = "request_unreadable"

    def __init__(self) -> None:
        super().__init__("the request can't be read", hint="send JSON in UTF-8")


class NoSuchRoute(ApiError):
    """There is nothing at that path."""

    code = "no_such_route"
    status = HTTPStatus.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is nothing at this path", hint="see /api/v1/openapi.json")


class MethodNotAllowed(ApiError):
    """The path is there, but not with that method."""

    code = "method_not_allowed"
    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self) -> None:
        super().__init__("this path has no such method", hint="see /api/v1/openapi.json")


class BodyTooLarge(HTTPException):
    """The body is larger than is taken here.

    An `HTTPException`, because FastAPI takes any other that is raised while it reads a body for a
    fault of the JSON.
    """

    code = "body_too_large"

    def __init__(self, most: int) -> None:
        super().__init__(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most} bytes"
        )


class BodyTooSlow(HTTPException):
    """The body does not come; an `HTTPException` for the same reason."""

    code = "body_too_slow"

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.REQUEST_TIMEOUT,
            "the body did not come in time",
            headers={"connection": "close"},
        )


class RecordConflict(ApiError):
    """The request names something that is not there, or that was made at the same moment."""

    code = "record_conflict"
    status = HTTPStatus.CONFLICT

    def __init__(self) -> None:
        super().__init__(
            "the request names something that is not there, or that was made at the same moment",
            hint="check the ids of campaign, switch and owner, then repeat it",
        )


class UnexpectedError(ApiError):
    """A bug of ours; the log has it under the request's id."""

    code = "unexpected"
    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self) -> None:
        super().__init__(
            "something went wrong that nobody expected",
            hint="look for the request's id in the log of `offhook api`",
        )


_BY_STATUS: Mapping[int, Callable[[], ApiError]] = {404: NoSuchRoute, 405: MethodNotAllowed}
_CODES: Mapping[str, HTTPStatus] = {
    **STATUSES,
    "login_failed": HTTPStatus.UNAUTHORIZED,
    "login_throttled": HTTPStatus.TOO_MANY_REQUESTS,
    "password_refused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "link_refused": HTTPStatus.FORBIDDEN,
    "login_taken": HTTPStatus.CONFLICT,
    "agent_taken": HTTPStatus.CONFLICT,
    "last_admin": HTTPStatus.CONFLICT,
    "user_changed": HTTPStatus.PRECONDITION_FAILED,
    "token_exists": HTTPStatus.CONFLICT,
    "callback_unknown": HTTPStatus.NOT_FOUND,
    "callback_list_exists": HTTPStatus.CONFLICT,
    "callback_period_unknown": HTTPStatus.UNPROCESSABLE_ENTITY,
    "callback_in_the_past": HTTPStatus.UNPROCESSABLE_ENTITY,
    "callback_file_unreadable": HTTPStatus.UNPROCESSABLE_ENTITY,
    "column_mapping_invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "temporal": HTTPStatus.SERVICE_UNAVAILABLE,
    "temporal_unreachable": HTTPStatus.SERVICE_UNAVAILABLE,
    "no_worker": HTTPStatus.SERVICE_UNAVAILABLE,
    "store_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of a code. Beyond these: what is not found is 404, a refusal is 409, and any other
error of ours is a failure of the server."""


def status_of(error: Exception) -> HTTPStatus:
    """The HTTP status of an error of ours."""
    known = _CODES.get(str(getattr(error, "code", "")))
    if known is not None:
        return known
    if isinstance(error, ApiError):
        return error.status
    if isinstance(error, NotFound):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, InvalidNumber):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, Rejected | OrderRefused):
        return HTTPStatus.CONFLICT
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(request_id: str, error: Exception, *, faults: Sequence[Fault] = ()) -> JSONResponse:
    """The answer for an error of ours."""
    status = status_of(error)
    code = str(getattr(error, "code", UnexpectedError.code))
    headers = dict(error.headers) if isinstance(error, ApiError) else {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "5"
    if isinstance(error, LoginThrottled):
        headers["retry-after"] = str(max(1, math.ceil(error.wait.total_seconds())))
    return _answer(
        Problem(
            type=f"urn:offhook:problem:{code}",
            title=status.phrase,
            status=status,
            code=code,
            detail=str(error),
            hint=getattr(error, "hint", None),
            request_id=request_id,
            errors=list(faults),
        ),
        headers,
    )


def _answer(problem: Problem, headers: Mapping[str, str]) -> JSONResponse:
    return JSONResponse(
        problem.model_dump(mode="json", exclude_none=True),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=dict(headers),
    )


def install(app: FastAPI) -> None:
    """Have every error of the application answered as a problem."""
    for kind in (OffhookError, Rejected, InvalidNumber, StoreUnavailable):
        app.add_exception_handler(kind, _ours)
    app.add_exception_handler(RPCError, _temporal)
    app.add_exception_handler(IntegrityError, _conflict)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


RESPONSES: dict[int | str, dict[str, Any]] = {
    int(status): {
        "description": status.phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.PRECONDITION_FAILED,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )
}
"""What every route may answer besides; for the description of the API."""


def id_of(request: Request) -> str:
    """The id that the frame gave the request."""
    return str(request.scope.get("request_id", ""))


def _told(request: Request, error: Exception, *, faults: Sequence[Fault] = ()) -> JSONResponse:
    """The answer, with its code left where the audit finds it."""
    request.scope["problem"] = str(getattr(error, "code", UnexpectedError.code))
    return problem_of(id_of(request), error, faults=faults)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    if status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("api_request_failed", reason=getattr(error, "code", "unexpected"))
    return _told(request, error)


async def _temporal(request: Request, error: Exception) -> JSONResponse:
    log.warning("api_temporal_failed", error=type(error).__name__)
    refusal = OrderRefused("temporal", "Temporal did not take the request; repeat it")
    return _told(request, refusal)


async def _conflict(request: Request, error: Exception) -> JSONResponse:
    return _told(request, RecordConflict())


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    faults = [_fault(one) for one in found[:MAX_FAULTS]]
    return _told(request, RequestInvalid(), faults=faults)


def _fault(found: Mapping[str, Any]) -> Fault:
    """A fault in words of the schema: messages of our own validators may repeat the value."""
    kind = str(found["type"])
    said = "this value is not possible here" if kind == "value_error" else str(found["msg"])
    where = found["loc"][:-1] if kind == "extra_forbidden" else found["loc"]
    return Fault(pointer="/".join(str(part) for part in where), code=kind, message=said)


async def _http(request: Request, error: Exception) -> JSONResponse:
    status = getattr(error, "status_code", 400)
    if isinstance(error, BodyTooLarge | BodyTooSlow):
        request.scope["problem"] = error.code
        phrase = HTTPStatus(status).phrase
        return _answer(
            Problem(
                type=f"urn:offhook:problem:{error.code}",
                title=phrase,
                status=status,
                code=error.code,
                detail=error.detail,
                request_id=id_of(request),
            ),
            error.headers or {},
        )
    answer = _told(request, _BY_STATUS.get(status, RequestUnreadable)())
    for name, value in (getattr(error, "headers", None) or {}).items():
        answer.headers[name] = value
    return answer
