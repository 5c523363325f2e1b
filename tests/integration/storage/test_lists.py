"""Lists on a real PostgreSQL: whom a claim takes from which list, and whom it leaves and why."""

from collections import Counter
from dataclasses import dataclass

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activities.ports import Lease
from dialer.agent import AgentState
from dialer.commands import RecycleContact, SaveAgent, SavePreview
from dialer.lists import ListOrder
from dialer.lists.filter_text import BadFilter, parse_filter
from dialer.lists.filters import fits
from dialer.model import CampaignId, CampaignSettings, ContactId
from dialer.outcomes import Outcome
from offhook.storage import list_store, sifting
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.filter_sql import Parameters, condition
from offhook.storage.list_store import (
    ListChange,
    ListExists,
    ListNotFound,
    ListStore,
    QuotaNotFound,
)
from offhook.storage.pool import Pool
from tests.integration.storage.steps import (
    ALICE,
    ATTEMPT,
    claim,
    closing,
    opening,
    started,
    take,
    write,
)
from tests.support.builders import NOW, Rows, at


@dataclass
class Lists:
    """A campaign with lists, and ways to fill and claim from them."""

    store: ListStore
    dials: PostgresDialStore
    pool: Pool
    campaign: CampaignId
    lease: Lease

    async def fill(self, name: str, count: int, **attributes: str) -> list[int]:
        """So many contacts of a list that is made at need, each with a number of its own."""
        if name not in {one.name for one in await self.store.all(self.campaign)}:
            await self.store.create(self.campaign, name, now=NOW)
        known = await self.store.find(self.campaign, name)
        rows = await self.pool.fetch(
            "WITH made AS (INSERT INTO contacts (campaign_id, list_id, due_at, attributes)"
            " SELECT $1, $2, $3, $4 FROM generate_series(1, $5) RETURNING id, list_id), numbered AS"
            " (INSERT INTO numbers (contact_id, position, list_id, number, zones)"
            " SELECT id, 0, list_id, '+3906' || lpad(id::text, 7, '0'), '{Europe/Rome}' FROM made)"
            " SELECT id FROM made ORDER BY id",
            self.campaign,
            known.list_id,
            at(-60),
            orjson.dumps(attributes).decode(),
            count,
        )
        return [row["id"] for row in rows]

    async def contact(self, name: str, *, number: str, **attributes: str) -> int:
        known = await self.store.find(self.campaign, name)
        who: int = await self.pool.fetchval(
            "INSERT INTO contacts (campaign_id, list_id, due_at, attributes)"
            " VALUES ($1, $2, $3, $4) RETURNING id",
            self.campaign,
            known.list_id,
            at(-60),
            orjson.dumps(attributes).decode(),
        )
        await self.pool.execute(
            "INSERT INTO numbers (contact_id, position, list_id, number, zones)"
            " VALUES ($1, 0, $2, $3, '{Europe/Rome}')",
            who,
            known.list_id,
            number,
        )
        return who

    async def change(self, name: str, **changes: object) -> None:
        await self.store.change(self.campaign, name, ListChange(**changes), now=NOW)

    async def claimed(self, limit: int = 100) -> list[int]:
        return [int(one.contact_id) for one in await claim(self.dials, self.lease, limit)]

    async def held(self, contact: int) -> str:
        held: str = await self.pool.fetchval("SELECT held FROM contacts WHERE id = $1", contact)
        return held

    async def configure(self, **changes: object) -> None:
        wanted = CampaignSettings.model_validate(
            {"name": "c1", "switch": "pbx"} | changes
        ).model_dump_json()
        await self.pool.execute("UPDATE campaigns SET settings = $1", wanted)


@pytest.fixture
async def lists(store: PostgresDialStore, rows: Rows, pool: Pool) -> Lists:
    campaign = await rows.campaign()
    return Lists(ListStore(pool), store, pool, campaign, await take(store, campaign))


async def test_lists_are_mixed_by_weight(lists: Lists) -> None:
    heavy, light = await lists.fill("heavy", 30), await lists.fill("light", 30)
    await lists.change("heavy", weight=3)
    first = await lists.claimed(12)
    assert Counter(one in heavy for one in first) == {True: 9, False: 3}
    assert first[:4] != heavy[:4]
    rest = await lists.claimed(100)
    assert sorted(first + rest) == sorted(heavy + light)


async def test_list_of_higher_priority_is_emptied_first(lists: Lists) -> None:
    await lists.fill("plain", 5)
    urgent = await lists.fill("urgent", 3)
    await lists.change("urgent", priority=10)
    assert (await lists.claimed(4))[:3] == urgent


async def test_inactive_list_is_not_dialed_until_it_is_active(lists: Lists) -> None:
    people = await lists.fill("later", 2)
    await lists.change("later", active=False)
    contacts, exhausted, _ = await lists.dials.claim_contacts(lists.lease, limit=9, now=NOW)
    assert (contacts, exhausted) == ((), True)
    await lists.change("later", active=True)
    assert await lists.claimed() == people


@pytest.mark.parametrize(
    ("order", "attribute", "expected"),
    [
        (ListOrder.due, "", [0, 1, 2, 3]),
        (ListOrder.newest, "", [3, 2, 1, 0]),
        (ListOrder.attribute, "score", [2, 0, 1, 3]),
        (ListOrder.attribute, "signed", [1, 2, 0, 3]),
    ],
)
async def test_list_is_dialed_in_its_order(
    lists: Lists, order: ListOrder, attribute: str, expected: list[int]
) -> None:
    people = [
        *await lists.fill("all here", 1, score="7", signed="2026-03-01"),
        *await lists.fill("all here", 1, score="10,5", signed="2024-01-01"),
        *await lists.fill("all here", 1, score="-1", signed="2025-12-31"),
        *await lists.fill("all here", 1, score="many"),
    ]
    await lists.change("all here", order=order, attribute=attribute)
    assert await lists.claimed() == [people[place] for place in expected]


async def test_random_order_is_the_same_one_every_time(lists: Lists) -> None:
    people = await lists.fill("shuffled", 12)
    await lists.change("shuffled", order=ListOrder.random)
    first = await lists.claimed()
    lists.lease = await take(lists.dials, lists.campaign)
    assert await lists.claimed() == first != people
    assert sorted(first) == people


async def test_filter_keeps_contacts_out_until_it_changes(lists: Lists) -> None:
    north = await lists.fill("all here", 3, region="North")
    south = await lists.fill("all here", 700, region="South")
    north += await lists.fill("all here", 1, region="North")
    await lists.change("all here", filter='region == "North"')
    assert await lists.claimed(9) == north
    assert await lists.held(south[0]) == "filter"
    row = await lists.store.find(lists.campaign, "all here")
    assert (row.filtered, row.in_progress, row.contacts) == (700, 4, 704)
    await lists.change("all here", filter='region == "South"')
    assert await lists.claimed(3) == south[:3]
    assert await lists.store.fitting(lists.campaign, "all here", 'region != "South"') == 4


async def test_claims_go_by_a_filter_before_its_marks_are_set(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lists.fill("all here", 30, region="South")
    north = await lists.fill("all here", 2, region="North")

    async def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(list_store, "leave_out", interrupted)
    with pytest.raises(KeyboardInterrupt):
        await lists.change("all here", filter='region == "North"')
    assert await lists.claimed(10) == north
    assert (await lists.store.find(lists.campaign, "all here")).filtered == 30


async def test_filter_marks_a_list_part_by_part_and_leaves_whoever_is_being_claimed(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sifting, "PART", 4)
    people = await lists.fill("all here", 11, region="South")
    async with lists.pool.acquire() as claimer, claimer.transaction():
        await claimer.execute("SELECT FROM contacts WHERE id = $1 FOR UPDATE", people[5])
        await lists.change("all here", filter='region == "North"')
    held = [await lists.held(one) for one in people]
    assert held == ["filter"] * 5 + [""] + ["filter"] * 5


async def test_filter_that_can_not_be_understood_changes_nothing(lists: Lists) -> None:
    await lists.fill("all here", 1)
    with pytest.raises(BadFilter, match="character 8"):
        await lists.change("all here", filter="region = 1")
    assert (await lists.store.find(lists.campaign, "all here")).filter == ""


async def test_full_quota_stops_its_cell_and_no_other(lists: Lists) -> None:
    north = await lists.fill("all here", 3, region="North")
    south = await lists.fill("all here", 2, region="South")
    wanted = {"disposition": "sold", "filter_text": 'region == "North"', "now": NOW}
    await lists.store.set_quota(lists.campaign, "north", most=1, **wanted)  # type: ignore[arg-type]  # keyword arguments of several types
    [buyer] = await claim(lists.dials, lists.lease, 1)
    assert int(buyer.contact_id) == north[0]
    await write(lists.dials, lists.lease, opening(buyer), closing(buyer, Outcome.answered))
    await lists.pool.execute("UPDATE attempts SET disposition = 'sold'")
    assert await lists.claimed() == south
    assert await lists.held(north[1]) == "quota north"
    [told] = await lists.store.quotas(lists.campaign)
    assert (told.reached, told.full) == (1, True)
    await lists.store.set_quota(lists.campaign, "north", most=2, **wanted)  # type: ignore[arg-type]  # as above
    assert await lists.claimed(1) == [north[1]]
    await lists.store.remove_quota(lists.campaign, "north", now=NOW)
    with pytest.raises(QuotaNotFound, match="north"):
        await lists.store.remove_quota(lists.campaign, "north", now=NOW)


async def test_quota_is_never_exceeded_by_those_who_are_called_already(lists: Lists) -> None:
    north = await lists.fill("all here", 4, region="North")
    south = await lists.fill("all here", 2, region="South")
    await lists.store.set_quota(
        lists.campaign,
        "north",
        most=2,
        disposition="sold",
        filter_text='region == "North"',
        now=NOW,
    )
    first, second, *others = await claim(lists.dials, lists.lease)
    assert [int(first.contact_id), int(second.contact_id)] == north[:2]
    assert [int(one.contact_id) for one in others] == south
    refused = await lists.pool.fetch("SELECT contact_id, reason FROM refusals ORDER BY contact_id")
    assert [tuple(row) for row in refused] == [(who, "quota north") for who in north[2:]]
    await write(lists.dials, lists.lease, opening(first), closing(first, Outcome.busy))
    later = at(121)
    [third], _, _ = await lists.dials.claim_contacts(lists.lease, limit=9, now=later)
    assert int(third.contact_id) == north[2]  # the first is to be called again, and isn't due yet


async def test_quota_waits_for_what_an_agent_is_about_to_say(lists: Lists) -> None:
    people = await lists.fill("all here", 2)
    await lists.store.set_quota(
        lists.campaign, "all", most=1, disposition="sold", filter_text="", now=NOW
    )
    [buyer] = await claim(lists.dials, lists.lease)
    wrapping = SaveAgent(agent_id=ALICE, state=AgentState.wrap_up, at=NOW, correlator=ATTEMPT)
    ended = closing(buyer, Outcome.answered)
    await write(lists.dials, lists.lease, opening(buyer), ended, wrapping)
    found, exhausted, again_at = await lists.dials.claim_contacts(lists.lease, limit=9, now=NOW)
    assert (found, exhausted, again_at) == ((), False, at(5))
    idle = SaveAgent(agent_id=ALICE, state=AgentState.idle, at=NOW, correlator="")
    await write(lists.dials, lists.lease, idle, seq=2)
    assert await lists.claimed() == people[1:]


async def test_law_keeps_contacts_out_until_its_hours_open(lists: Lists) -> None:
    [roman] = await lists.fill("all here", 1)
    closed = {"id": "siesta", "kind": "hours", "hours": "daily 12:00-18:00"}
    source = {"text": "a rule of the house"}
    await lists.configure(compliance={"rules": [{**closed, "source": source}]})
    contacts, exhausted, opens_at = await lists.dials.claim_contacts(lists.lease, limit=9, now=NOW)
    assert (contacts, exhausted, opens_at) == ((), False, at(2 * 3600))
    assert await lists.pool.fetchval("SELECT reason FROM refusals") == "campaign/siesta"
    soon = at(2 * 3600)
    [found], _, _ = await lists.dials.claim_contacts(lists.lease, limit=9, now=soon)
    assert int(found.contact_id) == roman


async def test_contact_outside_his_hours_is_not_claimed_until_they_open(lists: Lists) -> None:
    [early] = await lists.fill("all here", 1)
    await lists.configure(contact_hours="mon-fri 12:00-18:00; in Europe/Rome")
    contacts, exhausted, opens_at = await lists.dials.claim_contacts(lists.lease, limit=9, now=NOW)
    assert (contacts, exhausted, opens_at) == ((), False, at(2 * 3600))
    assert await lists.pool.fetchval("SELECT reason FROM refusals") == "outside_hours"
    soon = at(2 * 3600)
    [found], _, _ = await lists.dials.claim_contacts(lists.lease, limit=9, now=soon)
    assert int(found.contact_id) == early


async def test_number_in_two_lists_is_dialed_for_the_first_only(lists: Lists) -> None:
    await lists.fill("one", 0), await lists.fill("two", 0)
    first = await lists.contact("one", number="+39061")
    second = await lists.contact("two", number="+39061")
    third = await lists.contact("two", number="+39062")
    assert sorted(await lists.claimed()) == [first, third]
    reason = "SELECT finished_reason FROM contacts WHERE id = $1"
    assert await lists.pool.fetchval(reason, second) == "in_other_list"


async def test_number_in_an_inactive_list_that_was_never_dialed_hinders_nobody(
    lists: Lists,
) -> None:
    await lists.fill("old", 0), await lists.fill("new", 0)
    await lists.contact("old", number="+39061")
    second = await lists.contact("new", number="+39061")
    await lists.change("old", active=False)
    assert await lists.claimed() == [second]


async def test_reset_makes_contacts_ready_as_if_never_called(lists: Lists) -> None:
    people = await lists.fill("all here", 3)
    ends = ["contact_limit", "finished", "removed"]
    for who, reason in zip(people, ends, strict=True):
        await lists.pool.execute(
            "UPDATE contacts SET state = 'finished', attempts = 2, finished_reason = $2"
            " WHERE id = $1",
            who,
            reason,
        )
    assert await lists.store.reset(lists.campaign, "all here", everybody=False, now=NOW) == 1
    assert await lists.claimed() == people[:1]
    assert await lists.store.reset(lists.campaign, "all here", everybody=True, now=NOW) == 1
    assert await lists.claimed() == people[1:2]


async def test_agents_own_the_contacts_that_name_them(lists: Lists, rows: Rows) -> None:
    await rows.agents("alice", "bob")
    await lists.pool.execute(
        "INSERT INTO campaign_agents (campaign_id, agent_id, added_at)"
        " SELECT 'c1', id, now() FROM agents"
    )
    await lists.fill("all here", 1, keeper="alice")
    await lists.fill("all here", 1, keeper="201")
    await lists.fill("all here", 1, keeper="nobody")
    owned = await lists.store.own(lists.campaign, "all here", attribute="keeper", now=NOW)
    assert owned == 2
    found = await claim(lists.dials, lists.lease)
    assert [one.owner for one in found] == ["alice", "bob", None]


async def test_lists_are_named_once_and_found_by_name(lists: Lists) -> None:
    await lists.store.create(lists.campaign, "spring", now=NOW)
    with pytest.raises(ListExists, match="spring"):
        await lists.store.create(lists.campaign, "spring", now=NOW)
    with pytest.raises(ListNotFound, match="autumn"):
        await lists.store.find(lists.campaign, "autumn")


async def test_what_an_agent_says_is_kept_with_the_contact(lists: Lists) -> None:
    await lists.fill("all here", 1)
    [who] = await claim(lists.dials, lists.lease)
    again = RecycleContact(
        contact_id=who.contact_id,
        attempt_id=ATTEMPT,
        code="callback",
        at=NOW,
        contact_state=closing(who, Outcome.busy).contact_state,
        reason="disposition",
        due_at=NOW,
    )
    await write(lists.dials, lists.lease, opening(who), closing(who, Outcome.answered), again)
    [found] = await claim(lists.dials, lists.lease)
    assert found.said == (("callback", 1),)
    assert dict(found.tried) == {Outcome.answered: 1}
    assert (found.numbers[0].attempts, found.numbers[0].last_outcome) == (1, Outcome.answered)


async def test_talk_that_nothing_was_said_of_is_told_to_whoever_takes_over(lists: Lists) -> None:
    await lists.fill("all here", 1)
    [who] = await claim(lists.dials, lists.lease)
    await write(lists.dials, lists.lease, opening(who), closing(who, Outcome.answered))
    [talk] = (await started(lists.dials, await take(lists.dials, lists.campaign))).talks
    assert (talk.attempt_id, talk.number.number) == (ATTEMPT, who.numbers[0].number)
    assert (talk.contact.contact_id, talk.contact.tried) == (who.contact_id, ())
    await lists.pool.execute("UPDATE attempts SET disposition = 'sold'")
    assert not (await started(lists.dials, await take(lists.dials, lists.campaign))).talks


async def test_best_number_is_told_by_what_came_of_calls_to_it(lists: Lists) -> None:
    await lists.fill("all here", 1)
    await lists.configure(retry={"numbers": "best_first"})
    [fresh] = await claim(lists.dials, lists.lease)
    again = closing(fresh, Outcome.abandoned)
    await write(lists.dials, lists.lease, opening(fresh), again)
    await lists.pool.execute("UPDATE contacts SET state = 'ready', held = '', due_at = $1", NOW)
    [known] = await claim(lists.dials, lists.lease)
    assert known.numbers[0].score > fresh.numbers[0].score > 0


async def test_offer_is_stored_and_forgotten_at_a_take_over(lists: Lists) -> None:
    [who] = await lists.fill("all here", 1)
    offered = SavePreview(
        agent_id=ALICE, at=NOW, contact_id=ContactId(str(who)), ends_at=at(30), skips_left=2
    )
    await write(lists.dials, lists.lease, offered)
    row = await lists.pool.fetchrow("SELECT contact_id, ends_at, skips_left FROM previews")
    assert tuple(row) == (who, at(30), 2)
    await take(lists.dials, lists.campaign)
    assert await lists.pool.fetchval("SELECT contact_id FROM previews") is None


VALUES = st.one_of(
    st.text(max_size=6),
    st.integers(-20, 20).map(str),
    st.decimals(-99, 99, places=2).map(lambda number: str(number).replace(".", ",")),
    st.dates().map(str),
    st.sampled_from(["true", "FALSE", "", " 7 ", "2026-02-31", "1e3", "North", "2026-03-01T10:00"]),
).filter(lambda text: "\0" not in text)
LITERALS = st.one_of(
    st.integers(-20, 20).map(str),
    st.sampled_from(['"North"', '"7"', 'd"2026-03-01"', "1.5", "-3"]),
)
SIMPLE = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.sampled_from(["a", "b", 'attribute["c d"]']),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        LITERALS,
    ),
    st.builds("a in [{}, {}]".format, LITERALS, LITERALS),
    st.sampled_from(["a == null", "b != null", "a == true", "b != false", '"N" in a']),
)
TEXTS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
    ),
    max_leaves=5,
)


async def test_filter_means_the_same_in_the_database(pool: Pool) -> None:
    cases: list[tuple[str, dict[str, str]]] = []

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(TEXTS, st.dictionaries(st.sampled_from(["a", "b", "c d"]), VALUES))
    def collect(text: str, attributes: dict[str, str]) -> None:
        cases.append((text, attributes))

    collect()
    parameters, answers = Parameters(), list[str]()
    for text, attributes in cases:
        column = parameters.add(orjson.dumps(attributes).decode(), "jsonb")
        answers.append(condition(parse_filter(text), parameters, column=f"({column})"))
    said = await pool.fetchval(f"SELECT ARRAY[{', '.join(answers)}]", *parameters.values)
    for (text, attributes), answer in zip(cases, said, strict=True):
        assert answer is fits(parse_filter(text), attributes), (text, attributes)
