"""*Campaigns*: the list."""

from datetime import timedelta

from offhook.accounts import Permission
from offhook.console.kit.page import Visit, console_page
from offhook.console.views.campaigns import Listed, campaigns_page
from offhook.storage.campaign_views import CampaignViews

EVERY = timedelta(seconds=3)


@console_page("/campaigns", title="Campaigns", place="campaigns", needs=Permission.campaigns_read)
async def campaigns(visit: Visit) -> None:
    """All campaigns."""
    views = CampaignViews(visit.console.services.database)
    feed = visit.console.hub.feed("campaigns", views.all, every=EVERY)
    may_create, scope = visit.who.may(Permission.campaigns_write), visit.who.scope
    await visit.live(feed, lambda rows: campaigns_page(Listed(rows, may_create), scope))
