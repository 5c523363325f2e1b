"""What a forecast reads of a campaign, on a real PostgreSQL."""

from datetime import timedelta

from dialer.model import AttemptId
from dialer.outcomes import Outcome
from offhook.storage.database import Database
from offhook.storage.dial_store import PostgresDialStore
from offhook.storage.pacing_facts import pacing_facts
from tests.integration.storage.steps import claim, closing, opening, take, write
from tests.support.builders import SWITCH, Rows


async def test_facts_count_what_the_network_answered_and_what_is_left(
    store: PostgresDialStore, rows: Rows, database: Database
) -> None:
    campaign = await rows.campaign(agents=await rows.agents("alice", "bob"))
    await rows.contacts(campaign, 5)
    lease = await take(store, campaign)
    outcomes = (Outcome.answered, Outcome.machine, Outcome.busy, Outcome.failed)
    for number, contact in enumerate((await claim(store, lease))[:4]):
        attempt = AttemptId(f"c1-1-{number + 1}")
        end = closing(contact, outcomes[number], attempt)
        await write(store, lease, opening(contact, attempt), end, seq=number + 1)
    facts = await pacing_facts(database, campaign, SWITCH, ())
    assert (facts.attempts, facts.calls) == (4, 3)
    assert (facts.answered, facts.machines, facts.busy) == (1, 1, 1)
    assert (facts.talks, facts.talk_s) == (1, timedelta(seconds=20).total_seconds())
    assert (facts.left, facts.finished, facts.agents) == (4, 1, 2)
    assert facts.lines > 0
    assert (await pacing_facts(database, campaign, SWITCH, ("elsewhere",))).lines == 0
    assert (facts.wraps, facts.wrap_s) == (0, 0.0)
