"""Two campaigns that call the same people, for tests of the law: who, by which rules, the rows."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import strategies as st

from dialer.media import Verdict
from dialer.model import CampaignSettings, Mode
from dialer.outcomes import Outcome
from dialer.retry import DispositionRule, OutcomeRule, RetryRules
from offhook.storage.pool import Pool, open_pool
from tests.support.dialing import agent, seconds
from tests.support.fake_switch import Fate
from tests.support.law import House, Party
from tests.support.stack import PostgresServer

CAMPAIGNS = ("spring", "autumn")
AGENTS = 3
PLACES = {
    "+4420712345": ("Europe/London",),
    "+3906512345": ("Europe/Rome",),
    "+331423456": ("Europe/Paris",),
    "+4930123456": ("Europe/Berlin",),
    "+130523456": ("America/New_York",),
    "+120623456": ("America/Los_Angeles", "America/New_York"),
    "+414466818": ("Europe/Zurich",),
}
ZONES = (("Europe/London",), ("America/New_York",), ("Pacific/Auckland",), ("Europe/Paris",))
EDGES = ("00:00", "08:00", "10:00", "12:30", "13:00", "14:00", "20:00", "21:00")
STARTS = (
    datetime(2024, 5, 1, 9, 0, tzinfo=UTC),  # a holiday in France, a Wednesday
    datetime(2024, 3, 31, 0, 59, 30, tzinfo=UTC),  # Europe's clocks go forward at 01:00
    datetime(2024, 3, 10, 11, 59, tzinfo=UTC),  # New York's have; it opens an hour sooner
    datetime(2024, 10, 27, 0, 59, 30, tzinfo=UTC),  # Europe's go back
    datetime(2024, 11, 3, 12, 59, tzinfo=UTC),  # New York's have
    datetime(2024, 6, 4, 16, 30, tzinfo=UTC),  # open everywhere, Los Angeles and Paris included
)
MET = ("+44", "+39", "+33", "+49", "+13", "+12", "reserved")
"""Whom the calls of a whole run reach; without, nothing would have been shown."""
fates = st.builds(
    Fate,
    ring=st.sampled_from([1.0, 4.0, 60.0]),
    answers=st.sampled_from([True, True, False]),
    outcome=st.sampled_from([Outcome.no_answer, Outcome.busy]),
    patience=st.sampled_from([None, 1.0]),
    verdict=st.sampled_from([Verdict.person, Verdict.person, Verdict.machine]),
)
HOUSES = (
    House(profiles=frozenset({"uk", "it", "fr", "de", "us"})),
    House(profiles=frozenset({"uk", "it", "fr", "de", "us", "us-reg-f"}), most_in_90_s=2),
    House(profiles=frozenset({"uk", "us-reg-f"}), machine_rest=timedelta(seconds=40)),
    House(profiles=frozenset({"uk", "it", "us"}), lunch=True, ring=timedelta(seconds=24)),
    House(profiles=frozenset(), most_in_90_s=2, lunch=True, no_sunday=True),
    House(profiles=frozenset()),
)
RETRY = RetryRules(
    max_attempts=100,
    no_answer=OutcomeRule(delay=seconds(5)),
    busy=OutcomeRule(delay=seconds(5)),
    machine=OutcomeRule(delay=seconds(5)),
    abandoned=OutcomeRule(delay=seconds(5)),
    unknown=OutcomeRule(delay=seconds(5)),
    redial_unknown=True,
    dispositions={
        "sale": DispositionRule(delay=seconds(5)),
        "refused": DispositionRule(delay=seconds(5)),
    },
)
SOURCE = {"text": "a rule of the house"}


def people() -> list[Party]:
    """Two at each place; those of Germany have agreed, or not."""
    found = []
    for number, (begins, zones) in enumerate(PLACES.items()):
        for which in range(2):
            ways = tuple(f"{begins}{10 * which + way + 10}" for way in range(1 + which))
            ways = tuple(way.ljust(12, "0") if way.startswith("+1") else way for way in ways)
            found.append(
                Party(
                    person=f"person{number}-{which}",
                    numbers=ways,
                    zones=zones,
                    debt=f"debt{number}",
                    consent=which == 0,
                )
            )
    return found


def settings_of(
    name: str, house: House, mode: Mode, *, shown: str, in_france: str
) -> CampaignSettings:
    """A campaign's settings that keep what the house does."""
    rules: list[dict[str, object]] = []
    if house.most_in_90_s:
        rules.append({"id": "calls", "kind": "cap", "most": house.most_in_90_s, "within": 90})
    if house.machine_rest:
        rest = house.machine_rest.total_seconds()
        rules.append({"id": "machine", "kind": "lockout", "after": "machine", "locked": rest})
    if house.lunch:
        hours = "daily 00:00-12:30,13:00-24:00"
        rules.append({"id": "lunch", "kind": "hours", "hours": hours})
    if house.ring:
        rules.append({"id": "ring", "kind": "ring", "least": house.ring.total_seconds()})
    return CampaignSettings.model_validate(
        {
            "name": name,
            "switch": "pbx",
            "mode": mode,
            "caller_id": shown,
            "wrap_up": 2,
            "ring_timeout": 15,
            "retry": RETRY,
            "contact_hours": "mon-sat 00:00-24:00" if house.no_sunday else "always",
            "pacing": {"concurrency": 3, "calls_per_second": 10, "max_lines_per_agent": 6},
            "amd": {"enabled": True},
            "compliance": {
                "profiles": sorted(house.profiles),
                "rules": [one | {"source": SOURCE} for one in rules],
                "caller_ids": [{"prefix": "+33", "caller_id": in_france}] if in_france else [],
            },
        }
    )


@dataclass
class Office:
    """The database, and short ways to change what is in it."""

    runner: asyncio.Runner
    pool: Pool
    placed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def do(self, statement: str, *values: object) -> None:
        self.runner.run(self.pool.execute(statement, *values))

    def fill(self, parties: list[Party], now: datetime) -> None:
        """Both campaigns with everybody in their lists, and agents of their own."""
        self.do(
            "TRUNCATE switches, do_not_call, past_calls, forbidden_calls, inbox, journal"
            " RESTART IDENTITY CASCADE"
        )
        self.do(
            "INSERT INTO switches (id, family, name, created_at) VALUES ('pbx', 'x', 'x', $1)", now
        )
        self.do("INSERT INTO trunks (id, switch_id, address, lines) VALUES ('gw', 'pbx', 'gw', 40)")
        for first, name in enumerate(CAMPAIGNS):
            self.do(
                "INSERT INTO campaigns (id, name, switch_id, settings, created_at)"
                " VALUES ($1, $1, 'pbx', '{}', $2)", name, now,
            )  # fmt: skip
            self.do(
                "INSERT INTO lists (campaign_id, name, created_at) VALUES ($1, 'all', $2)",
                name,
                now,
            )
            for number in range(AGENTS):
                who = agent(10 * first + number)
                self.do(
                    "INSERT INTO agents (id, switch_id, address, number, status, position)"
                    " VALUES ($1, 'pbx', $2, $3, 'available', $4)",
                    who.agent_id, who.address, who.number, number,
                )  # fmt: skip
                self.do(
                    "INSERT INTO campaign_agents (campaign_id, agent_id, added_at)"
                    " VALUES ($1, $2, $3)", name, who.agent_id, now,
                )  # fmt: skip
            for party in parties:
                self.list_one(name, party, now)

    def list_one(self, campaign: str, party: Party, now: datetime) -> None:
        """A contact of a campaign's list."""
        attributes = {"debt": party.debt, "consent": "yes" if party.consent else "no"}
        self.do(
            "WITH made AS (INSERT INTO contacts (campaign_id, list_id, external_id, due_at,"
            " attributes) SELECT $1, l.id, $2, $3, $4 FROM lists l WHERE l.campaign_id = $1"
            " RETURNING id, list_id)"
            " INSERT INTO numbers (contact_id, position, list_id, number, zones)"
            " SELECT id, place, list_id, number, $6"
            " FROM made, unnest($5::text[]) WITH ORDINALITY AS n(number, place)",
            campaign, party.person, now, orjson.dumps(attributes).decode(), list(party.numbers),
            list(party.zones),
        )  # fmt: skip


@contextmanager
def law_office(server: PostgresServer, template: str) -> Iterator[Office]:
    """An office with a database of its own."""
    with asyncio.Runner() as runner:
        url = runner.run(server.create(template=template))
        pool = runner.run(open_pool(url, size=2))
        yield Office(runner, pool)
        runner.run(pool.close())
        runner.run(server.drop(url))
