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
async def test_whoever_goes_on_from_a_position_misses_nothing(
    feed: LiveFeed, scribe: Scribe, pool: Pool, rows: Rows, heard: int
) -> None:
    other = Scribe(pool, await rows.campaign("c2"))
    async with feed.listen() as listener:
        for step in range(4):
            await scribe.odd(f"one {step}")
            await other.odd(f"two {step}")
        first = await take(aiter(listener), heard)
        place = listener.position.text()
    await scribe.take()  # another worker goes on, in an epoch of its own
    await scribe.odd("one 4")
    async with feed.listen(after=Position.read(place)) as listener:
        facts = aiter(listener)
        again = await take(facts, 1)
        await other.odd("last")
        while again[-1].data["code"] != "last":
            again += await take(facts, 1)

    told = {fact.id: fact for fact in [*first, *again]}
    wanted = {f"{who} {step}" for who in ("one", "two") for step in range(4)} | {"one 4", "last"}
    assert {str(fact.data["code"]) for fact in told.values()} == wanted
    assert len(told) == len(wanted)
    assert len({fact.id for fact in again}) == len(again)


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
    async with feed.listen(after=Position.read(place.text())) as listener:
        assert codes(await take(aiter(listener), 1)) == ["third"]


async def test_a_campaign_that_begins_while_nobody_listens_is_told_from_its_first_step(
    feed: LiveFeed, scribe: Scribe, pool: Pool, rows: Rows
) -> None:
    async with feed.listen() as listener:
        await scribe.odd("before")
        await take(aiter(listener), 1)
        place = listener.position.text()
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
    held = frozenset({("c1", 0), ("c2", 3)})
    position = Position(
        at=datetime.fromisoformat("2026-03-02T09:00:00.125+00:00"),
        noted=17,
        journals={("c1", 0): (3, 900), ("c2", 3): (1, 2), ("ended", 0): (1, 1)},
        held=held,
    )
    read = Position.read(position.text())
    assert (read.at, read.noted, read.held) == (position.at, 17, held)
    assert read.journals == {("c1", 0): (3, 900), ("c2", 3): (1, 2)}
