"""One mapper from what adapters raise to what Temporal carries.

Three kinds: a refusal, an error of configuration or of the request, both final; and trouble of the
moment, which is tried again. The type on the wire is the exception's stable `code`; the message is
bounded, since it stays in history.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from temporalio.exceptions import ApplicationError

from activities.ports import StoreUnavailable
from dialer.contacts_csv import ContactFileError
from dialer.rejections import Rejected
from dialer.switching import SwitchRefused

MAX_MESSAGE = 500


class NotConfigured(Exception):
    """Something that only a person can put right is missing or wrong; its `code` says what."""

    def __init__(self, message: str, *, code: str = "not_configured") -> None:
        super().__init__(message)
        self.code = code


FINAL: tuple[type[Exception], ...] = (
    Rejected,
    SwitchRefused,
    NotConfigured,
    ContactFileError,
    ValidationError,
)
"""Asking again with the same words can't help. Everything else is trouble of the moment, or a bug,
which must not end a campaign either: it shows in the log and in the activity's attempt count. A
lost lease is passing too: whoever took it may be gone by now, and somebody must dial.
"""


PASSING: tuple[type[Exception], ...] = (StoreUnavailable, OSError)
"""Surely trouble of the moment."""


@contextmanager
def coded_errors(*, patient: bool = True) -> Iterator[None]:
    """Turn any error of the block into an `ApplicationError` with its code, bounded.

    With `patient`, what nobody foresaw is tried again; otherwise only trouble of the moment is.
    """
    try:
        yield
    except ApplicationError:
        raise
    except Exception as error:
        raise ApplicationError(
            bounded(error),
            type=code_of(error),
            non_retryable=is_final(error) or not (patient or isinstance(error, PASSING)),
        ) from None  # a cause would put its unbounded text into history


def is_final(error: BaseException) -> bool:
    """Whether asking again can't help."""
    return isinstance(error, FINAL)


def code_of(error: BaseException) -> str:
    """The stable code, or for errors without one the name of the class."""
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else type(error).__name__


def bounded(error: BaseException) -> str:
    """The message, cut to what history should hold."""
    if isinstance(error, ValidationError):
        # Its own text quotes the input, which may be a person's data.
        places = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['type']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        return f"{error.title}: {places}"[:MAX_MESSAGE]
    return str(error)[:MAX_MESSAGE]
