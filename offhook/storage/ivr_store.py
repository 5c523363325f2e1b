"""Published trees, the routes that lead to them, and sessions: the IVR's part of the record.

Implements `activities.ivr.IvrTrees` and `IvrRecords`, and what `offhook ivr` lists. A caller hears
silence while a statement runs, so each question is one round trip and versions, which never change,
are kept in memory.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from activities.errors import NotConfigured
from activities.ivr import TreeRoute
from activities.ivr_contracts import AdvanceSession, BeginSession, SaveAnswers, StartSession
from dialer.model import SwitchId
from ivr.machine_words import Step
from ivr.tree import Forest, Tree, Trees
from offhook.change_notes import note_change
from offhook.errors import OffhookError
from offhook.storage.pool import Connection, Pool, store_errors

KEPT = 50
"""Versions kept in memory."""

_NEWEST = "SELECT version, digest FROM ivr_trees WHERE name = $1 ORDER BY version DESC LIMIT 1"
_PUBLISH = """
INSERT INTO ivr_trees (name, version, entry, forest, sources, digest, published_at)
SELECT $1, COALESCE(max(version), 0) + 1, $2, $3::jsonb, $4::jsonb, $5, $6
FROM ivr_trees WHERE name = $1 RETURNING version
"""
_TREES = """
SELECT t.name, t.version, t.entry, t.published_at,
    (SELECT count(*) FROM ivr_sessions s WHERE s.tree = t.name AND s.version = t.version
        AND s.ended_at IS NULL) AS live,
    ARRAY(SELECT w.name || CASE WHEN r.ivr_id = '' THEN '' ELSE ' ivr ' || r.ivr_id END
        || CASE WHEN r.called = '' THEN '' ELSE ' called ' || r.called END
        FROM ivr_routes r JOIN switches w ON w.id = r.switch_id WHERE r.tree = t.name
        ORDER BY 1) AS routes,
    t.version = max(t.version) OVER (PARTITION BY t.name) AS newest
FROM ivr_trees t ORDER BY t.name, t.version
"""
_ROUTE = """
INSERT INTO ivr_routes (switch_id, ivr_id, called, tree, hold_audio, callback_list, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (switch_id, ivr_id, called) DO UPDATE SET tree = EXCLUDED.tree,
    hold_audio = EXCLUDED.hold_audio, callback_list = EXCLUDED.callback_list,
    changed_at = EXCLUDED.changed_at
"""
_ROUTED = """
SELECT tree, hold_audio, callback_list FROM ivr_routes
WHERE switch_id = $1 AND ivr_id = $2 AND called = $3
"""
_UNROUTE = """
DELETE FROM ivr_routes WHERE switch_id = $1 AND ivr_id = $2 AND called = $3
RETURNING tree, hold_audio, callback_list
"""
_ROUTES = """
SELECT called, tree, callback_list, hold_audio FROM ivr_routes
WHERE switch_id = $1 AND ivr_id = '' ORDER BY called
"""
# A route that names more of the call wins: the number, then the longest beginning of it, each with
# the responder before each without; then the responder alone.
_FIND = """
SELECT t.name, t.version, t.entry, r.hold_audio, r.callback_list
FROM ivr_routes r JOIN LATERAL (
    SELECT name, version, entry FROM ivr_trees WHERE name = r.tree ORDER BY version DESC LIMIT 1
) t ON true
WHERE r.switch_id = $1 AND r.ivr_id IN ('', $2) AND (r.called IN ('', $3)
    OR right(r.called, 1) = '*' AND starts_with($3, left(r.called, -1)))
ORDER BY (r.called = $3 AND $3 <> '') DESC, length(r.called) DESC, (r.ivr_id <> '') DESC LIMIT 1
"""
_NAMED = """
SELECT name, version, entry, '' AS hold_audio, '' AS callback_list FROM ivr_trees
WHERE name = $1 ORDER BY version DESC LIMIT 1
"""
_LOAD = "SELECT forest FROM ivr_trees WHERE name = $1 AND version = $2"
_BEGIN = """
INSERT INTO ivr_sessions (id, switch_id, call_id, tree, version, calling, called, phase,
    started_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'new', $8::timestamptz, $8) ON CONFLICT (id) DO NOTHING
"""
_ADVANCE = """
WITH given AS (
    SELECT $1::text AS id, $2::int AS seq, $3::timestamptz AS at, $4::text AS phase,
        $5::text AS in_tree, $6::text AS node, $7::int AS turn, $8::int AS steps,
        $9::text AS customer, $10::text AS agent_id, $11::text AS ended, $12::boolean AS lost,
        $13::text AS event, $14::jsonb AS ways, $15::text AS ignored
), moved AS (
    UPDATE ivr_sessions s SET phase = g.phase, in_tree = g.in_tree, node = g.node, turn = g.turn,
        steps = g.steps, seq = g.seq, customer = g.customer, agent_id = g.agent_id,
        ended = g.ended, lost = g.lost, changed_at = g.at,
        ended_at = CASE WHEN g.ended IS NULL THEN NULL ELSE g.at END
    FROM given g WHERE s.id = g.id AND s.seq <= g.seq
)
INSERT INTO ivr_session_events (session_id, seq, at, event, turn, phase, ways, ignored)
SELECT id, seq, at, event, turn, phase, ways, ignored FROM given
ON CONFLICT (session_id, seq) DO UPDATE SET at = EXCLUDED.at, event = EXCLUDED.event,
    turn = EXCLUDED.turn, phase = EXCLUDED.phase, ways = EXCLUDED.ways,
    ignored = EXCLUDED.ignored
"""
_ANSWERS = """
INSERT INTO ivr_answers (session_id, survey, question, answer, at)
SELECT $1, $2, q, a, $5 FROM unnest($3::text[], $4::int[]) AS x(q, a)
ON CONFLICT (session_id, survey, question) DO UPDATE SET answer = EXCLUDED.answer
"""
_SESSIONS = """
SELECT s.id, s.switch_id, s.call_id, s.tree, s.version, s.calling, s.called, s.phase, s.in_tree,
    s.node, s.turn, s.steps, s.customer, s.agent_id, s.ended, s.lost, s.started_at, s.changed_at,
    s.ended_at
FROM ivr_sessions s WHERE (NOT $1 OR s.ended_at IS NULL) AND ($2 = '' OR s.tree = $2)
    AND ($4::timestamptz IS NULL OR s.started_at < $4 OR (s.started_at = $4 AND s.id > $5))
ORDER BY s.started_at DESC, s.id LIMIT $3
"""


class TreeUnknown(OffhookError):
    """No tree of that name was ever published."""

    code = "ivr_tree_unknown"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no tree called {name} is published",
            hint="publish one with `offhook ivr publish FILE --as NAME`",
        )


class PublishedTree(BaseModel):
    """One version of a tree."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: int
    entry: str
    published_at: AwareDatetime
    live: int
    """Sessions that are in it now."""
    routes: tuple[str, ...]
    newest: bool


class NumberRoute(BaseModel):
    """What answers a called number."""

    model_config = ConfigDict(frozen=True)

    called: str
    """Empty is any."""
    tree: str
    callback_list: str
    hold_audio: str


class SessionView(BaseModel):
    """A session as it is recorded."""

    model_config = ConfigDict(frozen=True)

    id: str
    switch_id: str
    call_id: str
    tree: str
    version: int
    calling: str
    called: str
    phase: str
    in_tree: str
    node: str
    turn: int
    steps: int
    customer: str | None
    agent_id: str
    ended: str | None
    lost: bool
    started_at: AwareDatetime
    changed_at: AwareDatetime
    ended_at: AwareDatetime | None


@dataclass(frozen=True)
class IvrStore:
    """Every method is one statement; a database that is away raises `StoreUnavailable`."""

    pool: Pool
    _forests: OrderedDict[tuple[str, int], Trees] = field(default_factory=OrderedDict, repr=False)

    # Trees

    async def publish(self, name: str, forest: Forest, *, now: datetime) -> tuple[int, bool]:
        """The version that these trees have under this name, and whether it is a new one."""
        trees = {key: tree.model_dump(mode="json") for key, tree in forest.trees.items()}
        sources = {one.source.file: one.source.data for one in forest.loaded}
        text = json.dumps(trees, sort_keys=True)
        digest = hashlib.sha256(f"{forest.first.ivr}\0{text}".encode()).hexdigest()
        async with self._connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"ivr {name}")
            newest = await connection.fetchrow(_NEWEST, name)
            if newest is not None and newest["digest"] == digest:
                return newest["version"], False
            version: int = await connection.fetchval(
                _PUBLISH, name, forest.first.ivr, text, json.dumps(sources), digest, now
            )
        before = None if newest is None else {"version": newest["version"]}
        note_change(f"ivr/{name}", before, {"version": version})
        return version, True

    async def published(self) -> list[PublishedTree]:
        """Every version, by name."""
        async with self._connection() as connection:
            return [PublishedTree.model_validate(dict(r)) for r in await connection.fetch(_TREES)]

    async def set_route(
        self,
        switch: SwitchId,
        tree: str,
        *,
        ivr_id: str,
        called: str,
        hold_audio: str,
        callback_list: str,
        now: datetime,
    ) -> None:
        """Have a tree answer; `TreeUnknown` when there is none."""
        async with self._connection() as connection:
            if await connection.fetchrow(_NEWEST, tree) is None:
                raise TreeUnknown(tree)
            before = await connection.fetchrow(_ROUTED, switch, ivr_id, called)
            await connection.execute(
                _ROUTE, switch, ivr_id, called, tree, hold_audio, callback_list, now
            )
        after = {"tree": tree, "hold_audio": hold_audio, "callback_list": callback_list}
        note_change(_subject(switch, ivr_id, called), dict(before) if before else None, after)

    async def routes(self, switch: SwitchId) -> list[NumberRoute]:
        """What answers the called numbers of a switch, whichever of its responders asks."""
        async with self._connection() as connection:
            rows = await connection.fetch(_ROUTES, switch)
        return [NumberRoute.model_validate(dict(row)) for row in rows]

    async def drop_route(self, switch: SwitchId, *, ivr_id: str, called: str) -> bool:
        """Have no tree answer any more; false if none did."""
        async with self._connection() as connection:
            before = await connection.fetchrow(_UNROUTE, switch, ivr_id, called)
        note_change(_subject(switch, ivr_id, called), dict(before) if before else None, None)
        return before is not None

    async def route(self, start: StartSession) -> TreeRoute | None:
        """The newest version of the tree that answers: the one named, else the closest route."""
        async with self._connection() as connection:
            if start.tree is not None:
                row = await connection.fetchrow(_NAMED, start.tree)
            else:
                row = await connection.fetchrow(_FIND, start.switch_id, start.ivr_id, start.called)
        if row is None:
            return None
        return TreeRoute(
            tree=row["name"],
            version=row["version"],
            entry=row["entry"],
            hold_audio=row["hold_audio"],
            callback_list=row["callback_list"],
        )

    async def tree_for(self, switch: SwitchId, called: str) -> str | None:
        """The name of the tree that answers a called number, on switches without responders."""
        found = await self.route(StartSession(switch_id=switch, call_id="-", called=called))
        return found.tree if found else None

    async def load(self, tree: str, version: int) -> Trees:
        """A version's forest; read once."""
        known = self._forests.get((tree, version))
        if known is not None:
            return known
        async with self._connection() as connection:
            text = await connection.fetchval(_LOAD, tree, version)
        if text is None:
            raise NotConfigured(
                f"version {version} of tree {tree} is gone from the database; restore it",
                code="ivr_tree_unknown",
            )
        loaded = _forest(json.loads(text))
        self._forests[tree, version] = loaded
        if len(self._forests) > KEPT:
            self._forests.popitem(last=False)
        return loaded

    # Sessions

    async def begin(self, request: BeginSession, found: TreeRoute) -> None:
        """Write that a session begins; once."""
        start = request.start
        async with self._connection() as connection:
            await connection.execute(
                _BEGIN, request.session_id, start.switch_id, start.call_id, found.tree,
                found.version, start.calling, start.called, request.at,
            )  # fmt: skip

    async def advance(self, request: AdvanceSession, step: Step) -> None:
        """Write a step; once for its `seq`, and in one statement."""
        after = step.session
        ways = json.dumps([way.model_dump(mode="json") for way in step.ways])
        async with self._connection() as connection:
            await connection.execute(
                _ADVANCE, request.session_id, request.seq, request.event.at, after.phase,
                after.tree, after.node, after.turn, after.steps, after.customer, request.agent_id,
                after.ended, request.lost, request.event.event, ways, step.ignored or "",
            )  # fmt: skip

    async def save_answers(self, request: SaveAnswers) -> None:
        """Write answers, over those that are there."""
        async with self._connection() as connection:
            await connection.execute(
                _ANSWERS, request.session_id, request.survey, list(request.answers),
                list(request.answers.values()), request.at,
            )  # fmt: skip

    async def sessions(
        self, *, live: bool, tree: str, limit: int, after: tuple[datetime, str] | None = None
    ) -> Sequence[SessionView]:
        """Sessions, newest first; `after` is the start and the id of one that is known."""
        started_at, session_id = after or (None, "")
        async with self._connection() as connection:
            rows = await connection.fetch(_SESSIONS, live, tree, limit, started_at, session_id)
        return [SessionView.model_validate(dict(row)) for row in rows]

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        with store_errors():
            async with self.pool.acquire() as connection:
                yield connection


def _subject(switch: SwitchId, ivr_id: str, called: str) -> str:
    return f"ivr-route/{switch}/{ivr_id or 'any'}/{called or 'any'}"


def _forest(stored: Mapping[str, object]) -> Trees:
    return {name: Tree.model_validate(tree) for name, tree in stored.items()}
