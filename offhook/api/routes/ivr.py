"""Menus: published trees, what they answer, and the callers in them."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from ivr.check import World, has_errors
from ivr.check import check as check_forest
from ivr.problems import Problem, Severity, TreeInvalid
from ivr.tree import Forest, plant
from offhook.accounts.roles import Permission
from offhook.api.auth import requires
from offhook.api.idempotency import Repeatable
from offhook.api.paging import Cursor, Limit, Page, read_moment_cursor, write_cursor
from offhook.api.problems import RESPONSES
from offhook.api.requests import Key, Sent
from offhook.api.services import Back
from offhook.ivr.publishing import Published, TreeOffice
from offhook.storage.ivr_store import IvrStore, NumberRoute, PublishedTree, SessionView, TreeUnknown
from offhook.storage.link_store import LinkStore
from offhook.switches.ivr_script import destinations

router = APIRouter(prefix="/ivr", tags=["menus"], responses=RESPONSES, route_class=Repeatable)

CanRead = requires(Permission.ivr_read)
CanWrite = requires(Permission.ivr_write)
TreeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["support"])]
EXAMPLE_TREE = """ivr: hello
language: en
start: greet
nodes:
  greet:
    kind: message
    prompt: {en: Welcome.}
    next: bye
  bye:
    kind: hangup
"""


class TreeSource(Sent):
    """One file of trees."""

    file: Annotated[str, Field(min_length=1, max_length=200)]
    text: Annotated[str, Field(max_length=500_000)]
    """YAML, as the IVR language has it."""


class TreesBody(Sent):
    """Trees to be checked; a call begins in the first file's."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"files": [{"file": "hello.yaml", "text": EXAMPLE_TREE}]}]}
    )

    files: Annotated[tuple[TreeSource, ...], Field(min_length=1, max_length=50)]
    switch: Annotated[str, Field(max_length=150)] | None = None
    """Check destinations against what this switch has."""


class PublishBody(TreesBody):
    """Trees to be published."""

    name: TreeName
    """That routes know them by."""


class Finding(BaseModel):
    """Something in a tree that would go wrong for callers."""

    model_config = ConfigDict(extra="allow")

    code: str
    severity: Severity
    file: str
    line: int
    why: str
    mend: str
    """What to do about it."""


class Verdict(BaseModel):
    """What checking found."""

    ok: bool
    """Without errors; there may be warnings."""
    problems: list[Finding]


class PublishedTrees(BaseModel):
    """What came of publishing."""

    name: str
    version: int | None
    """Null when errors were found and nothing was published."""
    new: bool
    """False for trees that are published already as they are."""
    problems: list[Finding]


class RouteBody(Sent):
    """Which calls a tree answers."""

    switch: Annotated[str, Field(min_length=1, max_length=150)]
    tree: TreeName
    ivr_id: Annotated[str, Field(max_length=100)] = ""
    """Id of the switch's responder; empty is any."""
    called: Annotated[str, Field(max_length=40)] = ""
    """Number that was called; empty is any."""
    hold_audio: Annotated[str, Field(max_length=300)] = ""
    callback_list: Annotated[str, Field(max_length=150)] = ""


@router.get("/trees", dependencies=[CanRead], summary="List published trees")
async def trees(backend: Back) -> Page[PublishedTree]:
    """Every version, with the callers in it now and what leads to it; all on one page."""
    return Page(items=await (await _store(backend)).published())


@router.get("/trees/{name}", dependencies=[CanRead], summary="See a published tree")
async def show(
    name: Key,
    backend: Back,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> dict[str, Any]:
    """The trees of a version, the newest unless one is named."""
    store = await _store(backend)
    known = [one for one in await store.published() if one.name == name]
    wanted = [one for one in known if one.newest or version is not None]
    found = next((one for one in wanted if version in (None, one.version)), None)
    if found is None:
        raise TreeUnknown(name)
    loaded = await store.load(name, found.version)
    return {
        "name": name,
        "version": found.version,
        "entry": found.entry,
        "trees": {key: tree.model_dump(mode="json") for key, tree in loaded.items()},
    }


@router.post("/check", dependencies=[CanRead], summary="Check trees")
async def check(body: TreesBody, backend: Back) -> Verdict:
    """Find what would go wrong for callers, and publish nothing."""
    try:
        forest = _forest(body)
    except TreeInvalid as error:
        return Verdict(ok=False, problems=_told(error.problems))
    world = World(destinations=await _known(body.switch, backend))
    problems = check_forest(forest, world)
    return Verdict(ok=not has_errors(problems), problems=_told(problems))


@router.post(
    "/trees",
    dependencies=[CanWrite],
    status_code=201,
    summary="Publish trees",
    responses={200: {"model": PublishedTrees}},
)
async def publish(body: PublishBody, backend: Back, response: Response) -> PublishedTrees:
    """New calls meet them, calls in a tree keep the version they have; errors publish nothing.

    The status is 200 where nothing new was published: `problems` say why, or it was so already.
    """
    try:
        forest = _forest(body)
    except TreeInvalid as error:
        done = Published(name=body.name, problems=tuple(error.problems))
    else:
        office = TreeOffice(await _store(backend), backend.clock)
        known = await _known(body.switch, backend)
        done = await office.publish(forest, body.name, destinations=known)
    if not done.new:
        response.status_code = 200
    return PublishedTrees(
        name=done.name, version=done.version, new=done.new, problems=_told(done.problems)
    )


@router.get("/routes/{switch}", dependencies=[CanRead], summary="What answers a switch's calls")
async def routes(switch: Key, backend: Back) -> Page[NumberRoute]:
    """By the number that is called; all on one page."""
    config = await LinkStore(backend.database).find(switch)
    return Page(items=await (await _store(backend)).routes(config.switch_id))


@router.put("/routes", dependencies=[CanWrite], summary="Have a tree answer")
async def route(body: RouteBody, backend: Back) -> Page[NumberRoute]:
    """A responder of the switch, a called number, or everything."""
    config = await LinkStore(backend.database).find(body.switch)
    store = await _store(backend)
    await store.set_route(
        config.switch_id,
        body.tree,
        ivr_id=body.ivr_id,
        called=body.called,
        hold_audio=body.hold_audio,
        callback_list=body.callback_list,
        now=backend.clock(),
    )
    return Page(items=await store.routes(config.switch_id))


@router.get("/sessions", dependencies=[CanRead], summary="List callers in menus")
async def sessions(
    backend: Back,
    live: Annotated[bool, Query(description="Only those who are in one now.")] = False,
    tree: Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SessionView]:
    """The newest first: where each is, or how the call ended."""
    found = await (await _store(backend)).sessions(
        live=live, tree=tree, limit=limit + 1, after=read_moment_cursor(cursor)
    )
    last = found[limit - 1] if len(found) > limit else None
    more = write_cursor(last.started_at.isoformat(), last.id) if last else None
    return Page(items=list(found[:limit]), next_cursor=more)


async def _store(backend: Back) -> IvrStore:
    return IvrStore(await backend.pool())


def _forest(body: TreesBody) -> Forest:
    return plant([(one.file, one.text) for one in body.files])


async def _known(switch: str | None, backend: Back) -> frozenset[str] | None:
    if switch is None:
        return None
    return await destinations(await LinkStore(backend.database).find(switch))


def _told(problems: Iterable[Problem]) -> list[Finding]:
    return [Finding.model_validate(one.model_dump(mode="json")) for one in problems]
