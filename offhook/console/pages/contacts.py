"""*Contacts*: search, history, why."""

from contextlib import suppress

from markupsafe import Markup

from dialer.model import CampaignId, ContactId
from dialer.numbers import InvalidNumber, resolve
from offhook.accounts import Permission
from offhook.api.agent_seeing import agents_in_scope, history_as_seen, story_as_seen
from offhook.console.kit.page import Visit, console_page
from offhook.console.kit.panel import Act
from offhook.console.views.contacts import Search, contact_page, search_page
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.contact_search import ContactSearch
from offhook.storage.contacts import Contacts
from offhook.storage.errors import ContactNotFound

REGION = "IT"
"""Country of numbers without a prefix, where no campaign says another."""


@console_page("/contacts", title="Contacts", place="contacts", needs=Permission.contacts_read)
async def contacts(visit: Visit) -> None:
    """Find somebody."""

    async def read(key: str, campaign: str) -> Markup:
        return search_page(await _searched(visit, key[:200], campaign))

    async def acted(act: Act) -> None:
        panel.show(await read(act.text("key"), act.text("campaign")))

    panel = await visit.panel(
        lambda: read(visit.query("key"), visit.query("campaign")), on_act=acted
    )


async def _searched(visit: Visit, key: str, campaign: str) -> Search:
    database, scope = visit.console.services.database, visit.who.scope
    views = CampaignViews(database)
    names = {
        one.campaign_id: one.name
        for one in await views.all()
        if scope.has(campaign=one.campaign_id)
    }
    campaign = campaign if campaign in names else ""
    region = (await views.settings(campaign)).default_region if campaign else REGION
    number = ""
    with suppress(InvalidNumber):
        number = str(resolve(key, region).number)
    where = [campaign] if campaign else None if scope.campaigns is None else list(names)
    found = await ContactSearch(database).find(key, number=number, campaigns=where)
    return Search(key, campaign, names, found)


@console_page("/contacts/{key}", title="Contact", place="contacts", needs=Permission.contacts_read)
async def contact(visit: Visit) -> None:
    """One contact."""

    async def read() -> Markup:
        now = visit.console.clock()
        told = await Contacts(visit.console.services.database).history(
            ContactId(visit.param("key")), now=now
        )
        if not visit.who.scope.has(campaign=told.campaign_id):
            raise ContactNotFound(visit.param("key"))
        why = await visit.console.backend.why.contact(
            CampaignId(told.campaign_id), told.contact_id, now=now
        )
        database = visit.console.services.database
        agents = await agents_in_scope(database, visit.who)
        why = await story_as_seen(database, visit.who, why)
        return contact_page(history_as_seen(told, agents), why)

    await visit.panel(read)
