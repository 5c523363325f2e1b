"""How a workflow says no: a coded `ApplicationError` instead of a failed workflow task.

An exception that an update handler doesn't turn into an `ApplicationError` fails the workflow task,
which is retried for ever while the caller waits. So every handler wears `refusals` and every
validator `refusing`.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from dialer.rejections import Rejected

S = TypeVar("S")
Q = TypeVar("Q")
R = TypeVar("R")


def _coded(error: Rejected) -> ApplicationError:
    return ApplicationError(str(error), type=error.code, non_retryable=True)


def refusals(
    handler: Callable[[S, Q], Coroutine[Any, Any, R]],
) -> Callable[[S, Q], Coroutine[Any, Any, R]]:
    """Give the caller of an update the code of a refusal, also of one made in an activity."""

    @wraps(handler)
    async def mapped(self: S, request: Q, /) -> R:
        try:
            return await handler(self, request)
        except Rejected as error:
            raise _coded(error) from None
        except ActivityError as error:
            if isinstance(error.cause, ApplicationError):
                raise ApplicationError(
                    error.cause.message, type=error.cause.type, non_retryable=True
                ) from None
            raise

    return mapped


def refusing(validator: Callable[[S, Q], None]) -> Callable[[S, Q], None]:
    """The same for an update's validator."""

    @wraps(validator)
    def mapped(self: S, request: Q, /) -> None:
        try:
            validator(self, request)
        except Rejected as error:
            raise _coded(error) from None

    return mapped
