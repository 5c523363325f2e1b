"""Webhooks to a real receiver: signed, each fact once, again until taken, given up, sent anew."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialer.model import CampaignPhase
from offhook.offices.webhooks import EventNotFound, UnknownKind, WebhookOffice
from offhook.settings import Settings
from offhook.storage.campaign_records import PostgresCampaignRecords
from offhook.storage.database import Database
from offhook.storage.pool import Pool, open_pool
from offhook.storage.webhook_store import DeliveryView, WebhookExists, WebhookNotFound
from offhook.storage.webhook_tables import DeliveryState
from offhook.temporal.codec import KeyRing
from offhook.webhooks.deliverer import AT_ONCE, FAILING, WAITS, Deliverer
from offhook.webhooks.relay import Relay
from offhook.webhooks.sender import AddressRefused, Sender
from offhook.webhooks.service import sending_webhooks
from offhook.webhooks.signing import SecretBox
from tests.support.builders import NOW, Rows
from tests.support.feed import NUMBER, Scribe
from tests.support.webhooks import OPEN, Receiver, receiving, take


@dataclass
class Post:
    """Webhooks of one worker, a step at a time, on a clock that the test turns."""

    pool: Pool
    database: Database
    office: WebhookOffice
    sender: Sender
    now: datetime = NOW

    @property
    def deliverer(self) -> Deliverer:
        return Deliverer(
            self.office.store, self.database, self.sender, self.office.box, OPEN, lambda: self.now
        )

    async def add(self, receiver: Receiver, name: str = "crm", **wanted: list[str]) -> str:
        made = await self.office.add(name, f"{receiver.url}/hook", now=self.now, **wanted)
        receiver.secrets.append(made.secret)
        return made.webhook.id

    async def relay(self) -> None:
        while await Relay(self.pool, lambda: self.now).step():
            pass

    async def send(self) -> int:
        """Send what is due; how many tries."""
        deliverer, tries = self.deliverer, 0
        async with asyncio.timeout(20):
            while True:
                async with asyncio.TaskGroup() as group:
                    begun = await deliverer.step(group)
                tries += begun
                if not begun:
                    return tries

    async def deliveries(self, webhook: str = "crm") -> list[DeliveryView]:
        view = await self.office.store.find(webhook)
        return await self.office.store.deliveries(view.id)


@pytest.fixture
async def post(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Post]:
    pool = await open_pool(database_url, size=6)
    box = SecretBox.of(KeyRing.from_file(tmp_path / "ring.json"))
    sender = Sender(allow_private=True, timeout=timedelta(seconds=OPEN.timeout_s))
    async with sender:
        yield Post(pool, database, WebhookOffice(pool, database, box, OPEN), sender)
    await pool.close()


@pytest.fixture
async def scribe(post: Post) -> Scribe:
    rows = Rows(post.database)
    await rows.switch()
    return Scribe(post.pool, await rows.campaign("c1"))


async def test_every_fact_of_a_call_is_told_once_and_signed(post: Post, scribe: Scribe) -> None:
    async with receiving() as receiver:
        await scribe.odd("before anybody was told")
        await post.add(receiver)
        await scribe.call()
        for _ in range(2):
            await post.relay()
            await post.send()
    kinds = [one["type"] for one in receiver.messages]
    assert sorted(kinds) == sorted(
        ["call.placed", "call.answered", "call.joined", "call.ended", "call.disposed"]
    )
    placed = next(one for one in receiver.messages if one["type"] == "call.placed")
    assert (placed["data"]["number"], placed["campaign_id"]) == (NUMBER, "c1")
    assert {one.state for one in await post.deliveries()} == {DeliveryState.delivered}


async def test_facts_of_campaigns_are_told_and_only_what_is_wanted(
    post: Post, scribe: Scribe
) -> None:
    async with receiving() as all_calls, receiving() as campaigns, receiving() as other:
        await post.add(all_calls, "calls", kinds=["call.ended"])
        await post.add(campaigns, "campaigns", kinds=["campaign"])
        rows = Rows(post.database)
        await rows.campaign("c2")
        await post.add(other, "other", campaigns=["c2"])
        await scribe.call()
        await PostgresCampaignRecords(post.database).set_phase(
            scribe.campaign, phase=CampaignPhase.paused, reason="", now=NOW
        )
        await post.relay()
        await post.send()
    assert [one["type"] for one in all_calls.messages] == ["call.ended"]
    (paused,) = campaigns.messages
    assert (paused["type"], paused["data"]["phase"]) == ("campaign.changed", "paused")
    assert other.messages == []


async def test_what_is_not_taken_is_sent_again_after_growing_waits_with_the_same_id(
    post: Post, scribe: Scribe
) -> None:
    async def trouble(number: int) -> tuple[int, bytes]:
        if number == 1:
            return 500, b"broken " * 1_000
        if number == 2:
            await asyncio.sleep(5)
        return (302, b"") if number == 3 else (204, b"")

    async with receiving(trouble) as receiver:
        await post.add(receiver, kinds=["call.ended"])
        await scribe.call()
        await post.relay()
        waits = []
        for wait in WAITS[:4]:
            assert await post.send() == 1
            assert await post.send() == 0
            (found,) = await post.deliveries()
            if found.due_at is not None:
                waits.append(found.due_at - post.now)
                assert abs(waits[-1] / wait - 1) < 0.21
            post.now += wait * 1.25
        tries = await post.office.store.tries(found.endpoint_id, found.id)
    assert waits == sorted(waits)
    assert [one.status for one in tries] == [500, None, 302, 204]
    assert tries[1].error == "no answer in time"
    assert len(tries[0].answer) <= 1_000
    assert len({one["id"] for one in receiver.messages}) == 1
    assert found.state is DeliveryState.delivered


async def test_whoever_hangs_up_or_is_not_there_is_tried_again(post: Post, scribe: Scribe) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await post.office.add("rude", f"http://127.0.0.1:{port}/", kinds=["call.ended"], now=NOW)
    await scribe.call()
    await post.relay()
    assert await post.send() == 1
    server.close()
    await server.wait_closed()
    post.now += timedelta(seconds=10)
    assert await post.send() == 1
    (found,) = await post.deliveries("rude")
    assert (found.state, found.tries, found.last_status) == (DeliveryState.pending, 2, None)
    assert found.last_error


async def test_a_receiver_that_says_when_is_not_asked_before(post: Post, scribe: Scribe) -> None:
    async def busy(number: int) -> tuple[int, bytes]:
        return (503, b"") if number == 1 else (200, b"")

    async with receiving(busy) as receiver:
        await post.add(receiver, kinds=["call.ended"])
        await scribe.call()
        await post.relay()
        assert await post.send() == 1
        post.now += timedelta(minutes=59)
        assert await post.send() == 0
        post.now += timedelta(minutes=2)
        assert await post.send() == 1


async def test_a_message_is_given_up_after_a_day_and_the_receiver_disabled_after_three(
    post: Post, scribe: Scribe
) -> None:
    async def broken(_number: int) -> tuple[int, bytes]:
        return 500, b""

    async with receiving(broken) as receiver, receiving() as watcher:
        webhook = await post.add(receiver, kinds=["call"])
        await post.add(watcher, "watcher", kinds=["webhook"])
        await scribe.call()
        await post.relay()
        begun, tries = post.now, 0
        while await post.office.store.open_endpoints(now=post.now) or post.now < begun + 2 * _DAY:
            done = await post.send()
            # Once it fails on and on it is asked with one message at a time, not with all.
            assert done <= (1 if tries >= FAILING else 5)
            tries += done
            post.now += timedelta(minutes=31)
        states = [one.state for one in await post.deliveries()]
        assert states == [DeliveryState.failed] * 5
        assert max(one.tries for one in await post.deliveries()) >= 5

        post.now = begun + 3 * _DAY + timedelta(hours=1)
        await scribe.odd("unheard")
        await scribe.call("a2")
        await post.relay()
        assert await post.send() >= 1
        view = await post.office.store.find(webhook)
        assert view.disabled_at is not None
        assert "72 hours" in view.disabled_reason
        await post.relay()
        await post.send()
        (alert,) = watcher.messages
        assert (alert["type"], alert["data"]["name"]) == ("webhook.disabled", "crm")
        assert (await post.office.enable("crm")).disabled_at is None


_DAY = timedelta(days=1)


async def test_a_receiver_that_is_gone_is_disabled_at_once_and_gets_what_it_missed_when_asked(
    post: Post, scribe: Scribe
) -> None:
    gone = True

    async def answer(_number: int) -> tuple[int, bytes]:
        return (410 if gone else 200), b""

    async with receiving(answer) as receiver:
        await post.add(receiver, kinds=["call.ended"])
        await scribe.call("a1")
        await post.relay()
        assert await post.send() == 1
        await scribe.call("a2")
        await post.relay()
        assert await post.send() == 0
        assert len(await post.deliveries()) == 1

        gone = False
        await post.office.enable("crm")
        for _ in range(2):
            done = await post.office.replay("crm", since=NOW, order="again", now=post.now)
        assert done.deliveries == 0  # the second order of that name
        await post.send()
    assert {one["data"]["attempt_id"] for one in receiver.messages} == {"a1", "a2"}
    assert len({one["id"] for one in receiver.messages}) == 2


async def test_one_event_is_sent_again_under_its_id(post: Post, scribe: Scribe) -> None:
    async with receiving() as receiver:
        await post.add(receiver, kinds=["call.ended"])
        await scribe.call()
        await post.relay()
        await post.send()
        (first,) = receiver.messages
        assert (await post.office.replay("crm", event=first["id"], now=NOW)).deliveries == 1
        await post.send()
        with pytest.raises(EventNotFound):
            await post.office.replay("crm", event="nothing", now=NOW)
    assert [one["id"] for one in receiver.messages] == [first["id"]] * 2


async def test_a_process_that_is_killed_leaves_its_messages_to_the_next(
    post: Post, scribe: Scribe, database_url: str, tmp_path: Path
) -> None:
    blocked = asyncio.Event()

    async def hold(number: int) -> tuple[int, bytes]:
        if number == 1:
            await blocked.wait()
        return 200, b""

    home = tmp_path / "home"
    box = SecretBox.of(KeyRing.from_file(home / "keys" / "payload.json"))
    post.office = WebhookOffice(post.pool, post.database, box, OPEN)
    async with receiving(hold) as receiver:
        await post.add(receiver, kinds=["call.ended"])
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.webhooks", database_url, str(home),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert child.stdout is not None
        async with asyncio.timeout(30):
            assert await child.stdout.readline() == b"ready\n"
            scribe.clock = datetime.now(NOW.tzinfo)
            await scribe.call()
            await receiver.came.wait()
        child.send_signal(signal.SIGKILL)
        await child.wait()
        blocked.set()
        (found,) = await post.deliveries()
        assert (found.state, found.tries) == (DeliveryState.pending, 1)
        post.now = datetime.now(NOW.tzinfo) + timedelta(minutes=2)  # its lease is over
        await post.relay()
        assert await post.send() == 1
    assert len(receiver.messages) == 2
    assert len({one["id"] for one in receiver.messages}) == 1


async def test_a_receiver_that_answers_is_told_more_without_a_wait(
    post: Post, scribe: Scribe, tmp_path: Path
) -> None:
    count = AT_ONCE + 3
    settings = Settings(home=tmp_path / "home", webhooks=OPEN)
    post.office = WebhookOffice(
        post.pool, post.database, SecretBox.of(KeyRing.load(settings)), OPEN
    )
    async with receiving() as receiver:
        await post.add(receiver, kinds=["call.ended"])
        for number in range(count):
            await scribe.call(f"a{number}")
        seldom = timedelta(hours=1)
        async with sending_webhooks(settings, post.database, clock=lambda: NOW, often=seldom):
            async with asyncio.timeout(20):
                while len(receiver.messages) < count:
                    receiver.came.clear()
                    await receiver.came.wait()
    assert len({one["id"] for one in receiver.messages}) == count


async def test_what_happened_while_no_worker_ran_for_days_is_sent_by_the_next(
    post: Post, scribe: Scribe
) -> None:
    async with receiving() as receiver:
        await post.add(receiver, kinds=["call.ended"])
        await post.relay()
        await scribe.call()
        await scribe.release()
        post.now += timedelta(days=3)
        await post.relay()
        assert await post.send() == 1
    assert [one["type"] for one in receiver.messages] == ["call.ended"]


async def test_two_workers_send_each_message_once(post: Post, scribe: Scribe) -> None:
    async with receiving() as receiver:
        await post.add(receiver, kinds=["call.ended"])
        for number in range(20):
            await scribe.call(f"a{number}")
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(post.relay())
        await post.relay()
        async with asyncio.TaskGroup() as group:
            senders = [group.create_task(post.send()) for _ in range(3)]
    assert sum(one.result() for one in senders) == 20
    assert len({one["id"] for one in receiver.messages}) == len(receiver.messages) == 20


async def test_a_test_message_says_at_once_what_was_answered(post: Post) -> None:
    async with receiving() as receiver:
        await post.add(receiver)
        found = await post.office.test("crm", post.sender, now=NOW)
    assert (found.state, found.last_status, found.last_answer) == ("delivered", 200, "thanks")
    assert receiver.messages[0]["type"] == "webhook.test"


async def test_a_secret_is_replaced_without_a_message_that_nobody_can_check(post: Post) -> None:
    async with receiving() as receiver:
        await post.add(receiver)
        made = await post.office.rotate("crm")
        await post.office.test("crm", post.sender, now=NOW)  # checked with the old secret
        receiver.secrets = [made.secret]
        await post.office.test("crm", post.sender, now=NOW)
        await post.office.rotate("crm")
        await post.office.rotate("crm")
        receiver.secrets = ["whsec_" + made.secret.removeprefix("whsec_")]
        assert (await post.office.test("crm", post.sender, now=NOW)).last_status == 500


async def test_addresses_of_private_networks_are_refused_however_they_are_written(
    post: Post, scribe: Scribe
) -> None:
    closed = OPEN.model_copy(update={"allow_private": False})
    office = WebhookOffice(post.pool, post.database, post.office.box, closed)
    for url in (
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/latest",
        "https://user:pw@example.com/",
        "https://",
        "ftp://example.com/",
        "https://example.com:99999/",
        "https://exa\nmple.com/",
    ):
        with pytest.raises(AddressRefused):
            await office.add("x", url, now=NOW)
    async with (
        receiving(take) as receiver,
        Sender(allow_private=False, timeout=timedelta(seconds=1)) as guarded,
    ):
        port = receiver.url.rpartition(":")[2]
        for host in ("localhost", "127.0.0.1", "0x7f.1", "2130706433"):
            for scheme in ("http", "https"):
                sent = await guarded.post(f"{scheme}://{host}:{port}/", b"{}", {})
                assert sent.status is None, host
        assert "private" in (await guarded.post(f"https://localhost:{port}/", b"", {})).error
    assert receiver.messages == []


async def test_webhooks_are_told_apart_by_name_and_forgotten_whole(post: Post) -> None:
    async with receiving() as receiver:
        await post.add(receiver)
        with pytest.raises(WebhookExists):
            await post.add(receiver)
        with pytest.raises(UnknownKind):
            await post.add(receiver, "other", kinds=["pacing.noted"])
        await post.office.remove("crm")
        with pytest.raises(WebhookNotFound):
            await post.office.store.find("crm")
        assert await Relay(post.pool, lambda: NOW).step() is None
