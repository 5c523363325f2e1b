"""What a claim of contacts costs, by the length of the lists.

Run `python -m tests.bench.claim_cost [--contacts N] [--claims N] [--limit N] [--case NAME]`; it
prints one JSON object a case. Each case is a list of another kind: all due, all but a few not due,
one in a hundred fitting a filter that was set a moment ago, a mix of ten lists; and the seconds in
which that filter is set, with a claim every half second. Times are of whole claims, numbers and
law included; `buffers` and `plan` are what PostgreSQL says of one look at the head of the list.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from activities.ports import Lease
from dialer.model import CampaignId, CampaignSettings, SwitchId
from offhook.storage import claim_sql
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.list_store import ListChange, ListStore
from offhook.storage.pool import Pool, open_pool
from tests.support.stack import TEMPLATE, PostgresServer, make_template, postgres_server

CAMPAIGN = CampaignId("bench")
_FILL = """
INSERT INTO contacts (campaign_id, list_id, due_at, attributes)
SELECT 'bench', $1, now() - interval '1 h', jsonb_build_object('region', n % 100)
FROM generate_series(1, $2::int) AS n
"""
_NUMBERS = """
INSERT INTO numbers (contact_id, position, list_id, number, zones)
SELECT id, 0, list_id, '+39' || lpad(id::text, 9, '0'), '{Europe/Rome}' FROM contacts
"""
_LATER = """
UPDATE contacts SET due_at = now() + interval '1 h', held = 'later' WHERE id % 1000 <> 0
"""


@dataclass(frozen=True)
class Bench:
    """A database with a campaign in it."""

    pool: Pool
    lists: ListStore
    store: PostgresDialStore
    lease: Lease

    async def measure(
        self, case: str, *, claims: int, limit: int, meanwhile: "asyncio.Task[None] | None" = None
    ) -> dict[str, Any]:
        """Claim so often, as a campaign would, or as long as something goes on; what it took."""
        took: list[float] = []
        claimed = 0
        while len(took) < claims if meanwhile is None else not meanwhile.done():
            began = time.perf_counter()
            contacts, _, _ = await self.store.claim_contacts(
                self.lease, limit=limit, now=datetime.now(UTC)
            )
            took.append((time.perf_counter() - began) * 1_000)
            claimed += len(contacts)
            if meanwhile is not None:
                await asyncio.sleep(0.5)
        p50, p99 = np.percentile(took, [50, 99])
        return {
            "case": case,
            "contacts": await self.pool.fetchval("SELECT count(*) FROM contacts"),
            "claimed": claimed,
            "claim_ms": {"p50": round(p50, 2), "p99": round(p99, 2), "max": round(max(took), 2)},
            **await self._plan(limit),
        }

    async def _plan(self, limit: int) -> dict[str, Any]:
        look = claim_sql.LOOK.format(fits="true", full="''", tight="'{}'::text[]")
        first = await self.pool.fetchval("SELECT max(id) FROM lists")
        found = await self.pool.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {look}", first, limit)
        told = json.loads(found)[0]
        nodes = list(_nodes(told["Plan"]))
        return {
            "buffers": told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"],
            "plan": [f"{one['Node Type']} {one.get('Index Name', '')}".strip() for one in nodes],
        }


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


async def _begin(server: PostgresServer) -> Bench:
    url = await server.create(template=TEMPLATE)
    pool = await open_pool(url, size=4)
    settings = CampaignSettings(name="bench", switch=SwitchId("pbx")).model_dump_json()
    await pool.execute(
        "INSERT INTO switches (id, family, name, created_at) VALUES ('pbx', 'voispeed', 'pbx', $1)",
        datetime.now(UTC),
    )
    await pool.execute(
        "INSERT INTO campaigns (id, name, switch_id, settings, created_at)"
        " VALUES ('bench', 'bench', 'pbx', $1, $2)",
        settings,
        datetime.now(UTC),
    )
    store = PostgresDialStore(pool)
    lease = await store.take_lease(CAMPAIGN, owner="bench", now=datetime.now(UTC))
    return Bench(pool, ListStore(pool), store, lease)


async def _fill(bench: Bench, contacts: int, *, lists: int = 1) -> None:
    for number in range(lists):
        made = await bench.lists.create(CAMPAIGN, f"list {number}", now=datetime.now(UTC))
        await bench.pool.execute(_FILL, made.list_id, contacts // lists, timeout=600)
    await bench.pool.execute(_NUMBERS, timeout=600)
    await bench.pool.execute("VACUUM ANALYZE contacts, numbers", timeout=600)


async def _filter(bench: Bench) -> None:
    change = ListChange(filter="region == 7")
    await bench.lists.change(CAMPAIGN, "list 0", change, now=datetime.now(UTC))


CASES = {"all due": 1, "ten lists": 10, "few due": 1, "filter": 1, "filter being set": 1}
"""How many lists each has."""


async def run(
    server: PostgresServer, cases: Sequence[str], *, contacts: int, claims: int, limit: int
) -> None:
    """Measure the cases, and print each as it is done."""
    for case in cases:
        lists, meanwhile = CASES[case], None
        bench = await _begin(server)
        await _fill(bench, contacts, lists=lists)
        if case == "few due":
            await bench.pool.execute(_LATER, timeout=600)
            await bench.pool.execute("VACUUM ANALYZE contacts", timeout=600)
        if case == "filter":
            await _filter(bench)
        if case == "filter being set":
            meanwhile = asyncio.create_task(_filter(bench))
            await asyncio.sleep(0.5)
        told = await bench.measure(case, claims=claims, limit=limit, meanwhile=meanwhile)
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await bench.pool.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--claims", type=int, default=100)
    parser.add_argument("--limit", type=int, default=120)
    parser.add_argument("--case", choices=CASES, action="append", help="only this one; repeatable")
    wanted = parser.parse_args()
    with postgres_server() as running:
        make_template(running)
        asyncio.run(
            run(
                running,
                wanted.case or list(CASES),
                contacts=wanted.contacts,
                claims=wanted.claims,
                limit=wanted.limit,
            )
        )
