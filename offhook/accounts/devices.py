"""Browsers that somebody has logged in from: a stranger's failed logins don't shut those out.

Whoever fails often with a login makes everybody wait who tries that login. So a browser that got in
keeps a word which says so, and its tries are counted by themselves. The word is made with the hash
of the user's password: it is nothing without that, and void when the password changes. It opens
nothing; a password is asked for all the same.
"""

import base64
import hashlib
import hmac
import secrets

_ID_BYTES = 16


def new_device(user_id: str, kept: str | None) -> str:
    """A word for a browser in which that user, of whose password `kept` is kept, got in."""
    name = secrets.token_urlsafe(_ID_BYTES)
    return f"{name}.{_mark(user_id, kept or secrets.token_hex(), name)}"


def is_device_of(user_id: str, kept: str | None, word: str) -> bool:
    """Whether that user got in from the browser that has this word."""
    name, _, mark = word.partition(".")
    if not kept or not name or not word.isascii():
        return False
    return hmac.compare_digest(mark, _mark(user_id, kept, name))


def _mark(user_id: str, kept: str, name: str) -> str:
    key = hashlib.sha256(f"offhook device {kept}".encode()).digest()
    made = hmac.new(key, f"{user_id} {name}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
