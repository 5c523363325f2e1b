"""Digits that must not be seen, as a value that can be carried but not shown.

Whatever prints, formats or logs a value meets `HiddenDigits` without its digits, and nothing can
serialise it: JSON, pydantic, pickle and copies refuse it. Only `reveal` gives the digits, so that
every place that sees digits can be found by searching for that word.
"""

import hmac
import re
from typing import NoReturn

_SHOWN = "••••"
_KEYS = re.compile(r"[0-9*#A-D]{1,32}")


class HiddenDigits:
    """What a caller typed where a secret was asked for: 1 to 32 keys of a telephone.

    Its length is hidden too. Comparing takes the same time wherever two of them differ.
    """

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        if not _KEYS.fullmatch(digits):
            # Said without the value, and outside of any other error's context.
            raise ValueError("digits are 1 to 32 keys of a telephone: 0-9, *, #, A-D")
        self._digits = digits

    def reveal(self) -> str:
        """The digits themselves."""
        return self._digits

    def __repr__(self) -> str:
        return f"HiddenDigits('{_SHOWN}')"

    def __str__(self) -> str:
        return _SHOWN

    def __format__(self, spec: str) -> str:
        return format(_SHOWN, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HiddenDigits):
            return NotImplemented
        return hmac.compare_digest(self._digits, other._digits)

    __hash__ = None  # type: ignore[assignment]  # a hash of few digits gives them away

    def __reduce__(self) -> NoReturn:
        raise TypeError("hidden digits can't be pickled or copied")
