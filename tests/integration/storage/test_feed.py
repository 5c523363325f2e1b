"""The live feed: every fact once and in order for whoever listens, and again from a position."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from dialer.model import CampaignPhase
from offhook.feed import live
from offhook.feed.facts import Fact, FactKind
from offhook.feed.live import ListenerTooSlow, LiveFeed, PositionTooOld, Wanted
from offhook.feed.reader import BadPosition, FactReader, Position
from offhook.storage.campaign_records import PostgresCampaignRecords
from offhook.storage.database import Database
from offhook.storage.pool import Pool
from tests.support.builders import NOW, Rows, at
from tests.support.feed import NUMBER, Scribe


@pytest.fixture
async def scribe(pool: Pool, rows: Rows) -> Scribe:
    return Scribe(pool, await rows.campaign("c1"))


@pytest.fixture
async def feed(pool: Pool) -> AsyncIterator[LiveFeed]:
    feed = LiveFeed(FactReader(pool), clock=lambda: NOW, every=timedelta(milliseconds=5))
    yield feed
    await feed.aclose()


async def take(facts: AsyncIterator[Fact], count: int) -> list[Fact]:
    async with asyncio.timeout(10):
        return [await anext(facts) for _ in range(count)]


def codes(facts: list[Fact]) -> list[object]:
    return [fact.data["code"] for fact in facts]


async def test_a_call_is_told_from_placed_to_disposed_without_its_number(
    feed: LiveFeed, scribe: Scribe
) -> None:
    async with feed.listen() as listener:
        await scribe.call()
        facts = await take(aiter(listener), 6)

    assert [fact.kind for fact in facts] == [
        "call.placed",
        "call.answered",
        "call.joined",
        "agent.changed",
        "call.ended",
        "call.disposed",
    ]
    placed, _, joined, _, ended, _ = facts
    assert placed.data["number"] == "…567"
    assert placed.private == {"number": NUMBER}
    assert all(NUMBER.encode() not in fact.body for fact in facts)
    assert joined.data["agent_id"] == "anna"
    assert (ended.data["outcome"], ended.data["contact_id"]) == ("answered", "7")
    assert len({fact.id for fact in facts}) == len(facts)


async def test_listeners_hear_only_what_they_want(
    feed: LiveFeed, scribe: Scribe, pool: Pool, rows: Rows
) -> None:
    other = Scribe(pool, await rows.campaign("c2"))
    only_ends = Wanted(kinds=frozenset({"call.ended"}))
    only_other = Wanted(campaigns=frozenset({"c2"}), kinds=frozenset({"call"}))
    nothing = Wanted(allows=lambda fact: False)
    async with (
        feed.listen(only_ends) as ends,
        feed.listen(only_other) as others,
        feed.listen(nothing) as deaf,
    ):
        assert feed.listeners == 3
        await scribe.call()
        await other.call()
        assert [fact.campaign_id for fact in await take(aiter(ends), 2)] == ["c1", "c2"]
        heard = await take(aiter(others), 5)
        assert {fact.campaign_id for fact in heard} == {"c2"}
        assert {fact.kind.partition(".")[0] for fact in heard} == {"call"}
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(aiter(deaf))
    assert feed.listeners == 0


@pytest.mark.parametrize("heard", range(0, 9, 2))
async def test_whoever_goes_on_from_a_position_misses_nothing_and_hears_nothing_twice(
    feed: LiveFeed, scribe: Scribe, pool: Pool, rows: Rows, heard: int
) -> None:
    other = Scribe(pool, await rows.campaign("c2"))
    async with feed.listen() as listener:
        for step in range(4):
            await scribe.odd(f"one {step}")
            await other.odd(f"two {step}")
        first = await take(aiter(listener), heard)
        place = listener.position.word
    await scribe.take()  # another worker goes on, in an epoch of its own
    await scribe.odd("one 4")
    async with feed.listen(after=Position.read(place)) as listener:
        facts = aiter(listener)
        again = await take(facts, 1)
        await other.odd("last")
        while again[-1].data["code"] != "last":
            again += await take(facts, 1)

    told = [*first, *again]
    wanted = {f"{who} {step}" for who in ("one", "two") for step in range(4)} | {"one 4", "last"}
    assert {str(fact.data["code"]) for fact in told} == wanted
    assert len(told) == len(wanted)


async def test_going_on_from_behind_the_last_fact_repeats_nothing(
    feed: LiveFeed, scribe: Scribe
) -> None:
    await scribe.take()
    async with feed.listen() as listener:
        facts = aiter(listener)
        await scribe.odd("first")
        await take(facts, 1)
        await scribe.odd("second")
        await take(facts, 1)
        place = listener.position
    await scribe.odd("third")
    async with feed.listen(after=Position.read(place.word)) as listener:
        assert codes(await take(aiter(listener), 1)) == ["third"]


@pytest.mark.parametrize("heard", range(7))
async def test_a_stream_that_breaks_off_amid_the_facts_of_one_step_goes_on_amid_them(
    feed: LiveFeed, scribe: Scribe, pool: Pool, rows: Rows, heard: int
) -> None:
    other = Scribe(pool, await rows.campaign("c2"))
    async with feed.listen() as listener:
        await scribe.call()
        first = await take(aiter(listener), heard)
        place = listener.position.word
    await other.odd("the other's")
    async with feed.listen(after=Position.read(place)) as listener:
        again = await take(aiter(listener), 7 - heard)
    assert len({fact.id for fact in [*first, *again]}) == 7
    assert [fact.id for fact in [*first, *again] if fact.campaign_id == "c1"] == [
        f"c1.0.1.{entry}.{number}"
        for entry, number in ((1, 0), (2, 0), (3, 0), (3, 1), (4, 0), (4, 1))
    ]


async def test_what_a_campaign_that_has_ended_told_is_not_told_again(
    feed: LiveFeed, scribe: Scribe
) -> None:
    async with feed.listen() as listener:
        await scribe.odd("its last")
        await scribe.release()
        await take(aiter(listener), 1)
        place = listener.position.word
    async with feed.listen(after=Position.read(place)) as listener:
        await scribe.take()
        await scribe.odd("of its next life")
        assert codes(await take(aiter(listener), 1)) == ["of its next life"]


async def test_a_worker_whose_clock_is_set_back_is_told_in_the_order_of_its_steps(
    feed: LiveFeed, scribe: Scribe
) -> None:
    await scribe.take()
    async with feed.listen() as listener:
        for step in range(4):
            scribe.clock = at(-10 * step)
            await scribe.odd(f"step {step}")
        assert codes(await take(aiter(listener), 4)) == [f"step {step}" for step in range(4)]


async def test_what_happened_days_ago_follows_a_position_of_before(
    scribe: Scribe, pool: Pool
) -> None:
    reader = FactReader(pool)
    place = await reader.now(NOW)
    await scribe.odd("and then everything was off")
    await scribe.release()
    batch = await reader.read(place, now=NOW + timedelta(days=3))
    assert codes(list(batch.facts)) == ["and then everything was off"]
    assert (await reader.read(batch.position, now=NOW + timedelta(days=3))).facts == []


async def test_a_campaign_that_begins_while_nobody_listens_is_told_from_its_first_step(
    feed: LiveFeed, scribe: Scribe, pool: Pool, rows: Rows
) -> None:
    async with feed.listen() as listener:
        await scribe.odd("before")
        await take(aiter(listener), 1)
        place = listener.position.word
    newcomer = Scribe(pool, await rows.campaign("c2"), clock=at(5))
    await newcomer.odd("new")
    async with feed.listen(
        Wanted(campaigns=frozenset({"c2"})), after=Position.read(place)
    ) as listener:
        assert codes(await take(aiter(listener), 1)) == ["new"]


async def test_what_no_journal_holds_is_told_too(feed: LiveFeed, database: Database) -> None:
    records = PostgresCampaignRecords(database)
    async with feed.listen() as listener:
        rows = Rows(database)
        await rows.switch()
        campaign = await rows.campaign("c1")
        await records.begin(campaign, run_key="r1", now=NOW)
        for _ in range(2):  # an activity that is repeated tells it once
            await records.set_phase(campaign, phase=CampaignPhase.running, reason="", now=at(1))
        await records.set_phase(campaign, phase=CampaignPhase.completed, reason="", now=at(2))
        facts = await take(aiter(listener), 3)

    assert [fact.data["phase"] for fact in facts] == ["scheduled", "running", "completed"]
    assert {fact.kind for fact in facts} == {FactKind.campaign_changed}
    assert {fact.data["run_key"] for fact in facts} == {"r1"}


async def test_who_is_too_slow_is_let_go_and_may_go_on(
    feed: LiveFeed, scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BUFFER", 3)
    async with feed.listen() as quick, feed.listen() as slow:
        taken = aiter(quick)
        for step in range(6):
            await scribe.odd(str(step))
            assert codes(await take(taken, 1)) == [str(step)]
        with pytest.raises(ListenerTooSlow):
            await take(aiter(slow), 1)
        place = slow.position
    async with feed.listen(after=place) as listener:
        assert codes(await take(aiter(listener), 6)) == [str(step) for step in range(6)]


async def test_a_position_of_yesterday_or_of_somebody_else_is_refused(feed: LiveFeed) -> None:
    yesterday = Position(at=NOW - timedelta(days=1), noted=0)
    with pytest.raises(PositionTooOld):
        async with feed.listen(after=yesterday):
            pass
    for word in ("", "x", "W10", "!", "a" * 9_000):
        with pytest.raises(BadPosition):
            Position.read(word)


def test_a_position_is_read_as_it_was_written() -> None:
    position = Position(
        at=datetime.fromisoformat("2026-03-02T09:00:00.125+00:00"),
        noted=17,
        journals={("c1", 0): (3, 900), ("c2", 3): (1, 2)},
        begun={("c1", 0): 2, ("c2", 3): 0},
    )
    assert Position.read(position.word) == position
