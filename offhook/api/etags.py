"""ETags: whoever changes settings says which they saw, so that nobody's change is lost.

    @router.patch("/{key}", ...)
    async def change(key: Key, body: Change, response: Response, if_match: IfMatch = None) -> View:
        changed = await store.change(key, ..., version=version_of(if_match))
        set_etag(response, changed.version)

A resource has a version that grows with every change; its ETag is that number.
"""

import re
from typing import Annotated

from fastapi import Header, Response

from offhook.api.refusals import EtagInvalid, EtagMismatch

_TAG = re.compile(r'"v(\d{1,18})"')

IfMatch = Annotated[
    str | None,
    Header(
        max_length=100,
        description="The `ETag` that was seen last: the change is refused if the resource has "
        "another by now. Without it, the change is made whatever there is.",
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        max_length=500,
        description="`ETag`s that are known, with commas between: 304 without a body for one of "
        "them.",
    ),
]


def etag_of(version: int) -> str:
    """The ETag of a version."""
    return f'"v{version}"'


def set_etag(response: Response, version: int) -> None:
    """Put the ETag of what is answered into the answer."""
    response.headers["etag"] = etag_of(version)


def is_known(if_none_match: str | None, version: int) -> bool:
    """Whether the caller has this version already; a tag that a proxy made weak counts as well."""
    said = (if_none_match or "").split(",")
    return any(one.strip().removeprefix("W/") in {"*", etag_of(version)} for one in said)


def version_of(if_match: str | None) -> int | None:
    """The version that the caller saw; None where any will do. Raises `EtagInvalid`."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise EtagInvalid
    return int(found[1])


def require_version(if_match: str | None, version: int) -> None:
    """Raise `EtagMismatch` where the caller saw another version than there is."""
    wanted = version_of(if_match)
    if wanted is not None and wanted != version:
        raise EtagMismatch
