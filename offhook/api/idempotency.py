"""Requests that may be repeated: `Idempotency-Key` names one.

The key becomes the id of the order, or of the promise that is booked, and is in the record with it.
So a repetition is known for as long as what it did, not for a day, and whatever process answers it.
"""

import secrets
from typing import Annotated

from fastapi import Header

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x21-\x7e]{1,100}$",
        description="Names this request: repeated with the same key, it does nothing twice and "
        "has the answer that it had.",
    ),
]


def request_id_of(key: str | None) -> str:
    """The id of an order: the key that was sent, else one of its own."""
    return key or f"api-{secrets.token_hex(8)}"
