"""Webhooks: added, tested, looked at, sent again, removed."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from offhook.change_notes import note_change
from offhook.errors import OffhookError
from offhook.settings_webhooks import WebhookSettings
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.database import Database
from offhook.storage.errors import NotFound
from offhook.storage.pool import Pool
from offhook.storage.webhook_store import (
    DeliveryView,
    Event,
    WebhookStore,
    WebhookView,
)
from offhook.webhooks.deliverer import Deliverer
from offhook.webhooks.relay import ASKED_FOR
from offhook.webhooks.sender import Sender, checked_url
from offhook.webhooks.signing import SecretBox, new_secret

NEWEST = timedelta(days=1)


class UnknownKind(OffhookError):
    """There is no such kind of fact to be told of."""

    code = "webhook_kind_unknown"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"no facts of the kind {kind[:40]} are sent", hint=f"name some of {_offered()}"
        )


class EventNotFound(NotFound):
    """There is no such event, or it is not kept any more."""

    code = "event_not_found"
    noun = "event"
    listed_by = "`offhook webhook deliveries WEBHOOK` names those that are kept"


class NewWebhook(BaseModel):
    """A webhook that was just added, and the secret it signs with."""

    model_config = ConfigDict(frozen=True)

    secret: str
    """For the receiver: it proves that messages are ours."""
    webhook: WebhookView


class Replayed(BaseModel):
    """What is sent again."""

    model_config = ConfigDict(frozen=True)

    webhook_id: str
    order: str
    """Names the order; repeated with it, nothing is sent a third time."""
    deliveries: int


@dataclass(frozen=True)
class WebhookOffice:
    """Methods take a webhook's id or name; an unknown one raises `WebhookNotFound`."""

    pool: Pool
    database: Database
    box: SecretBox
    settings: WebhookSettings

    @property
    def store(self) -> WebhookStore:
        """The record of webhooks."""
        return WebhookStore(self.pool)

    async def add(
        self,
        name: str,
        url: str,
        *,
        kinds: Sequence[str] = (),
        campaigns: Sequence[str] = (),
        now: datetime,
    ) -> NewWebhook:
        """Tell an address of what happens from now on; campaigns by id or name."""
        for kind in kinds:
            if kind not in ASKED_FOR:
                raise UnknownKind(kind)
        views = CampaignViews(self.database)
        view = WebhookView(
            id=f"wh-{secrets.token_hex(6)}",
            name=name,
            url=checked_url(url, allow_private=self.settings.allow_private),
            kinds=tuple(sorted(set(kinds))),
            campaigns=tuple([(await views.find(one)).campaign_id for one in campaigns]),
            created_at=now,
            disabled_at=None,
            disabled_reason="",
            failing_since=None,
            failures=0,
            paused_until=None,
        )
        secret = new_secret()
        key_id, sealed = self.box.seal([secret], owner=view.id)
        await self.store.add(view, key_id=key_id, secrets=sealed)
        note_change(f"webhook/{view.id}", None, view)
        return NewWebhook(secret=secret, webhook=view)

    async def rotate(self, webhook: str) -> NewWebhook:
        """Sign with a new secret, and with the newest old one besides until the next time."""
        view = await self.store.find(webhook)
        known = self.box.open(*await self.store.secrets(view.id), owner=view.id)
        secret = new_secret()
        key_id, sealed = self.box.seal([secret, *known[:1]], owner=view.id)
        await self.store.replace_secrets(view.id, key_id, sealed)
        note_change(f"webhook/{view.id}", {"signs_with": "old"}, {"signs_with": "new and old"})
        return NewWebhook(secret=secret, webhook=view)

    async def reseal(self) -> int:
        """Seal the secrets of all with the active key; of how many."""
        every = await self.store.all()
        for view in every:
            known = self.box.open(*await self.store.secrets(view.id), owner=view.id)
            key_id, sealed = self.box.seal(known, owner=view.id)
            await self.store.replace_secrets(view.id, key_id, sealed)
        return len(every)

    async def enable(self, webhook: str) -> WebhookView:
        """Send to it again; what happened meanwhile is sent only when it is replayed."""
        view = await self.store.find(webhook)
        await self.store.enable(view.id)
        after = await self.store.find(view.id)
        note_change(f"webhook/{view.id}", view, after)
        return after

    async def remove(self, webhook: str) -> WebhookView:
        """Forget it with its deliveries."""
        view = await self.store.find(webhook)
        await self.store.remove(view.id)
        note_change(f"webhook/{view.id}", view, None)
        return view

    async def test(self, webhook: str, sender: Sender, *, now: datetime) -> DeliveryView:
        """Send a message now, and say what came of it."""
        view = await self.store.find(webhook)
        event = Event(
            id=f"test.{secrets.token_hex(8)}",
            kind="webhook.test",
            at=now,
            campaign_id=None,
            data={"webhook_id": view.id, "name": view.name},
        )
        # Due in a minute for everybody else: who asked is to see what comes of it.
        later = now + timedelta(minutes=1)
        await self.store.queue(view.id, event, now=now, due_at=later)
        deliverer = Deliverer(
            self.store, self.database, sender, self.box, self.settings, lambda: now
        )
        claimed = await self.store.claim_event(
            view.id, event.id, now=later, lease=timedelta(minutes=1)
        )
        if claimed is not None:
            await deliverer.deliver(claimed)
        return await self.store.delivery(view.id, event.id)

    async def replay(
        self,
        webhook: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        event: str | None = None,
        order: str | None = None,
        now: datetime,
    ) -> Replayed:
        """Send again what happened in a time (the last day), or one event."""
        view = await self.store.find(webhook)
        if event is not None and not await self.store.knows(event):
            raise EventNotFound(event)
        begin = since or (now - NEWEST if event is None else now - timedelta(days=36_500))
        key = order or f"replay-{secrets.token_hex(6)}"
        count = await self.store.replay(
            view,
            order=key,
            since=begin,
            until=until or now + timedelta(days=1),
            event=event,
            now=now,
        )
        return Replayed(webhook_id=view.id, order=key, deliveries=count)


def _offered() -> str:
    return ", ".join(sorted(ASKED_FOR))
