"""One reader for each thing that is watched."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

from activities.ports import StoreUnavailable
from offhook.console.live.feed import Hub, News

NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Source:
    """Counts readings, and fails when told to."""

    def __init__(self) -> None:
        self.readings = 0
        self.broken = False

    async def __call__(self) -> int:
        if self.broken:
            raise StoreUnavailable("the database is away")
        self.readings += 1
        return self.readings


async def _told(news: list[News[int]], number: int) -> None:
    async with asyncio.timeout(5):
        while len(news) < number:  # noqa: ASYNC110 - followers are plain calls
            await asyncio.sleep(0.005)


async def test_everybody_who_watches_gets_the_same_reading() -> None:
    source, hub = Source(), Hub(lambda: NOW)
    feed = hub.feed("x", source, every=timedelta(milliseconds=10))
    assert hub.feed("x", source, every=timedelta(milliseconds=10)) is feed
    one: list[News[int]] = []
    two: list[News[int]] = []
    leave = [feed.follow(one.append), feed.follow(two.append)]
    await _told(one, 3)
    assert [news.value for news in one[:3]] == [news.value for news in two[:3]] == [1, 2, 3]
    for left in leave:
        left()


async def test_a_feed_ends_when_nobody_follows_and_reads_anew_for_the_next() -> None:
    source, hub = Source(), Hub(lambda: NOW)
    feed = hub.feed("x", source, every=timedelta(milliseconds=1))
    got: list[News[int]] = []
    leave = feed.follow(got.append)
    await _told(got, 1)
    leave()
    async with asyncio.timeout(5):
        while hub.known("x") is not None:  # noqa: ASYNC110 - it ends by itself
            await asyncio.sleep(0.005)
    before = source.readings
    assert (await hub.feed("x", source, every=timedelta(seconds=1)).now()).value == before + 1


async def test_the_last_value_stays_with_its_time_while_reading_fails() -> None:
    source, hub = Source(), Hub(lambda: NOW)
    feed = hub.feed("x", source, every=timedelta(milliseconds=1))
    got: list[News[int]] = []
    leave = feed.follow(got.append)
    await _told(got, 1)
    source.broken = True
    await _told(got, len(got) + 2)
    assert "the database is away" in got[-1].problem
    assert got[-1].value == source.readings
    source.broken = False
    await _told(got, len(got) + 2)
    assert got[-1].problem == ""
    leave()


async def test_a_follower_that_breaks_is_left_out_and_the_others_go_on() -> None:
    def breaks(_: News[int]) -> None:
        raise RuntimeError("its page is gone")

    source, hub = Source(), Hub(lambda: NOW)
    feed = hub.feed("x", source, every=timedelta(milliseconds=1))
    got: list[News[int]] = []
    feed.follow(breaks)
    leave = feed.follow(got.append)
    await _told(got, 2)
    assert feed.followers == 1
    leave()


async def test_what_many_pages_show_alike_is_made_once_for_each_piece_of_news() -> None:
    source, hub = Source(), Hub(lambda: NOW)
    feed = hub.feed("x", source, every=timedelta(milliseconds=1))
    made: list[int] = []

    def view(value: int) -> str:
        made.append(value)
        return f"value {value}"

    first = await feed.now()
    assert {feed.seen(first, "all", view) for _ in range(50)} == {"value 1"}
    assert feed.seen(first, "a part", lambda value: value) == 1
    second = await feed.now()
    assert feed.seen(second, "all", view) == "value 2"
    assert made == [1, 2]


async def test_a_crowd_of_followers_is_told_in_turns_that_leave_room_for_others() -> None:
    source, hub = Source(), Hub(lambda: NOW)
    feed = hub.feed("x", source, every=timedelta(seconds=30))
    told: list[int] = []
    for number in range(50):
        feed.follow(lambda _, number=number: told.append(number))  # type: ignore[misc]
    between = []
    while len(told) < 50:
        await asyncio.sleep(0)
        between.append(len(told))
    assert max(after - before for before, after in itertools.pairwise(between)) <= 8
