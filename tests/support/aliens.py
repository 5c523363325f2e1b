"""What is none of a supervisor's business, planted in everything that there is to see.

Two campaigns, two queues and two groups of agents: one of each is theirs. Whatever belongs to the
other is called `alien-campaign…`, `alien-queue…` or `alien-group…`, so that any answer in which one
of those words stands tells what it must not.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import insert

from activities.schedule_contracts import Plan
from dialer.model import AgentId, CampaignId, ContactId
from offhook.accounts.principal import Scope
from offhook.api.backend import Backend
from offhook.storage import tables
from offhook.storage.database import Database
from offhook.storage.webhook_store import Event, WebhookStore
from offhook.storage.webhook_tables import DeliveryState
from offhook.temporal.schedule_desk import ScheduleNotFound, ScheduleView
from tests.support.backend import Served, configure, served
from tests.support.builders import NOW, TRUNK, Rows

ALIENS: Mapping[str, Scope] = {
    "alien-campaign": Scope(campaigns=("own",)),
    "alien-queue": Scope(queues=("own-queue",)),
    "alien-group": Scope(groups=("own-group",)),
}
"""The word that a scope must keep out of every answer."""
_MORNING = {"period_id": "am", "name": "morning", "start": "09:00", "end": "12:00"}
NUMBER = "+390612345678"


@dataclass
class Planted:
    """Ids of alien things, by the name that they have in paths."""

    params: dict[str, dict[str, str]]
    """By word."""

    def path(self, path: str, word: str) -> str:
        """A route's path, asking for what is alien; raises `KeyError` for a name that is new."""
        return path.format_map(self.params[word])


@asynccontextmanager
async def without_temporal(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """The API where Temporal is away, with a schedule of ours and an alien one."""

    async def desk(_backend: Backend) -> Timetable:
        return Timetable(("own", "alien-campaign"))

    monkeypatch.setattr(Backend, "schedule_desk", desk)
    async with served(database) as app:
        yield app


@dataclass(frozen=True)
class Timetable:
    """Schedules where Temporal is away."""

    campaigns: tuple[str, ...]

    async def all(self) -> list[ScheduleView]:
        return [_schedule(one) for one in self.campaigns]

    async def show(self, schedule: str) -> ScheduleView:
        for one in await self.all():
            if one.plan.schedule_id == schedule:
                return one
        raise ScheduleNotFound(schedule)


def _schedule(campaign: str) -> ScheduleView:
    plan = Plan.model_validate(
        {
            "schedule_id": f"{campaign}-daily",
            "job": {"kind": "start", "campaign_id": campaign},
            "cron": ["0 9 * * *"],
        }
    )
    return ScheduleView(
        plan=plan, paused=False, note="", next_at=(), recent=(), runs=0, running=0, missed=0,
        overlapped=0,
    )  # fmt: skip


async def plant(app: Served) -> Planted:
    """Two of everything: one of the supervisor's, one that is alien."""
    rows = Rows(app.database)
    await rows.switch()
    await configure(app.database)
    await rows.agents("own-agent", "alien-campaign-agent", "alien-group-agent", "shared")
    ours, theirs = ("own-agent", "alien-group-agent", "shared"), ("alien-campaign-agent", "shared")
    own = await rows.campaign("own", agents=map(AgentId, ours))
    alien = await rows.campaign("alien-campaign", agents=map(AgentId, theirs))
    contacts = {
        "own": await rows.contact(own, external_id="own-contact", numbers=(NUMBER,)),
        "alien": await rows.contact(alien, external_id="alien-campaign-contact", numbers=(NUMBER,)),
    }
    await _call(app.database, "own-call", own, contacts["own"], "own-agent")
    await _call(app.database, "own-call-2", own, contacts["own"], "alien-group-agent")
    await _call(
        app.database, "alien-campaign-call", alien, contacts["alien"], "alien-campaign-agent"
    )
    await _import(app.database, alien)
    async with app.client() as api:
        await _of_the_agents(api)
        await _of_the_campaigns(api)
        callbacks = {
            "own": await _promises(api, "own-list", queue="own-queue", campaign="own"),
            "alien-campaign": await _promises(
                api, "alien-campaign-list", queue="own-queue", campaign="alien-campaign"
            ),
            "alien-queue": await _promises(api, "alien-queue-list", queue="alien-queue"),
        }
        hook = await _hook(app, api)
    everywhere = {
        "switch": "pbx", "name": "menu", "token_id": "x", "user_id": "x",
    }  # fmt: skip
    of_campaign = everywhere | {
        "campaign": "alien-campaign", "agent": "alien-campaign-agent",
        "import_id": "alien-campaign-import",
        "contact": contacts["alien"], "attempt": "alien-campaign-call",
        "schedule": "alien-campaign-daily", "webhook": "alien-campaign-hook", "delivery": hook,
        "list_id": "alien-campaign-list", "callback_id": callbacks["alien-campaign"],
        "name": "alien-campaign-more",
    }  # fmt: skip
    of_queue = of_campaign | {
        "list_id": "alien-queue-list", "callback_id": callbacks["alien-queue"],
    }  # fmt: skip
    of_group = of_campaign | {
        "contact": contacts["own"],
        "agent": "alien-group-agent",
        "attempt": "own-call-2",
    }
    return Planted(
        {"alien-campaign": of_campaign, "alien-queue": of_queue, "alien-group": of_group}
    )


async def _call(
    database: Database, attempt: str, campaign: CampaignId, contact: ContactId, agent: str
) -> None:
    async with database.transaction() as session:
        await session.execute(
            insert(tables.attempts).values(
                id=attempt, campaign_id=campaign, shard=0, epoch=1, contact_id=int(contact),
                number=NUMBER, trunk_id=TRUNK, state="ended", opened_at=NOW, answered_at=NOW,
                joined_at=NOW, ended_at=NOW, outcome="answered", agent_id=agent,
                talk=timedelta(seconds=9), reason=f"of {attempt}",
            )
        )  # fmt: skip


async def _import(database: Database, campaign: CampaignId) -> None:
    async with database.transaction() as session:
        of_campaign = tables.lists.c.campaign_id == campaign
        list_id = await session.scalar(tables.lists.select().where(of_campaign))
        await session.execute(
            insert(tables.imports).values(
                id="alien-campaign-import", list_id=list_id, campaign_id=campaign, started_at=NOW,
                source="alien-campaign.csv", state="completed", ended_at=NOW,
            )
        )  # fmt: skip
        await session.execute(
            insert(tables.import_refusals).values(
                import_id="alien-campaign-import", line=2, code="number", reason="short",
                raw=["alien-campaign-row"],
            )
        )  # fmt: skip


async def _of_the_agents(api: httpx.AsyncClient) -> None:
    for agent, group in (
        ("own-agent", "own-group"),
        ("shared", "own-group"),
        ("alien-campaign-agent", "own-group"),
        ("alien-group-agent", "alien-group"),
    ):
        changed = {"groups": {group: 0}, "skills": {f"skill-of-{agent}": 1}}
        await _done(api.patch(f"agents/{agent}/profile", json=changed))
    both = {"groups": {"own-group": 0, "alien-group": 1}}
    await _done(api.patch("agents/shared/profile", json=both))


async def _of_the_campaigns(api: httpx.AsyncClient) -> None:
    there = "campaigns/alien-campaign"
    await _done(api.post(f"{there}/lists", json={"name": "alien-campaign-more"}))
    quota = {"disposition": "alien-campaign-sale", "most": 5}
    await _done(api.put(f"{there}/quotas/alien-campaign-quota", json=quota))
    for campaign in ("", "own", "alien-campaign"):
        listed = {"numbers": [NUMBER], "source": f"asked for {campaign}", "campaign": campaign}
        await _done(api.post("dnc", json=listed))


async def _promises(
    api: httpx.AsyncClient, name: str, *, queue: str, campaign: str | None = None
) -> str:
    made = {"name": name, "queue": queue, "periods": [_MORNING]}
    if campaign is not None:
        made["campaign_id"] = campaign
    await _done(api.post("callback-lists", json=made))
    booked = {"numbers": [NUMBER], "description": f"of {name}"}
    told = await _done(api.post(f"callback-lists/{name}/callbacks", json=booked))
    found: str = told["callback_id"]
    return found


async def _hook(app: Served, api: httpx.AsyncClient) -> str:
    hook = {"url": "https://crm.example.com/alien-campaign", "campaigns": ["alien-campaign"]}
    made = await _done(api.post("webhooks", json=hook | {"name": "alien-campaign-hook"}))
    await _done(api.post("webhooks", json={"name": "all", "url": "https://crm.example.com/x"}))
    store = WebhookStore(await app.backend.pool())
    event = Event(
        id="alien-campaign-event", kind="call.ended", at=NOW, campaign_id="alien-campaign", data={}
    )
    key = made["webhook"]["id"]
    await store.queue(key, event, now=NOW, due_at=NOW)
    lease = timedelta(minutes=1)
    claimed = await store.claim_event(key, event.id, now=NOW, lease=lease)
    assert claimed is not None
    await store.noted(
        claimed, at=NOW, status=500, error="", answer="not of alien-campaign", took=lease,
        state=DeliveryState.failed, due_at=None, paused_until=None,
    )  # fmt: skip
    return str(claimed.id)


async def _done(asking: Any) -> Any:
    answer = await asking
    assert answer.is_success, answer.text
    return answer.json()
