"""One campaign: settings, report, contacts."""

import secrets
from datetime import timedelta

from markupsafe import Markup

from offhook.accounts import Permission
from offhook.console.kit.markup import joined
from offhook.console.kit.page import Visit, confirm_done, console_page
from offhook.console.kit.panel import Act
from offhook.console.pages.campaign import CampaignOrders, campaign_feed, campaign_id, rights
from offhook.console.views.campaign import campaign_head
from offhook.console.views.campaign_pages import (
    changes_said,
    contacts_page,
    lines_said,
    report_page,
    settings_page,
)
from offhook.offices.campaign_settings import BadCampaignSettings
from offhook.storage.import_reads import ImportReads
from offhook.storage.reports import Reports

EVERY = timedelta(seconds=5)


async def headed(visit: Visit, tab: str) -> str:
    """Put the campaign's heading on the page; its id."""
    key = await campaign_id(visit)
    feed = campaign_feed(visit.console, key)
    may = rights(visit)
    orders = CampaignOrders(visit, key, feed)
    await visit.live(
        feed, lambda now: campaign_head(now, may, tab), on_act=orders.given, alike=(tab, may)
    )
    return key


@console_page(
    "/campaigns/{key}/settings",
    title="Settings",
    place="campaigns",
    needs=Permission.campaigns_read,
)
async def settings(visit: Visit) -> None:
    """See and change them."""
    key = await headed(visit, "settings")
    office = visit.console.backend.campaigns
    may = visit.who.may(Permission.campaigns_write)

    async def read() -> Markup:
        shown = await office.show(key)
        return settings_page(shown.settings, may_write=may, version=shown.version)

    async def acted(act: Act) -> None:
        visit.require(Permission.campaigns_write)
        before = await office.show(key)
        if act.name == "save":
            version: int | None = int(act.text("version") or before.version)
            wanted = changes_said(act.values, before.settings)
        else:
            version = None
            try:
                wanted = lines_said(act.text("changes"))
            except ValueError as error:
                raise BadCampaignSettings(str(error)) from error
        if not wanted:
            confirm_done("Nothing was changed")
            return
        async with visit.audited("campaign.change", f"campaign/{key}"):
            await office.change(key, wanted, request_id=secrets.token_hex(8), version=version)
        panel.show(await read())
        confirm_done("Saved; calls from now on go by it")

    panel = await visit.panel(read, on_act=acted)


@console_page(
    "/campaigns/{key}/report", title="Report", place="campaigns", needs=Permission.campaigns_read
)
async def report(visit: Visit) -> None:
    """What came of it."""
    key = await headed(visit, "report")
    reports = Reports(visit.console.services.database)

    async def read() -> Markup:
        return report_page(await reports.report(key))

    feed = visit.console.hub.feed(f"report {key}", read, every=EVERY)
    await visit.live(feed, lambda markup: markup)


@console_page(
    "/campaigns/{key}/contacts",
    title="Contacts",
    place="campaigns",
    needs=Permission.contacts_read,
)
async def contacts(visit: Visit) -> None:
    """The list, and the files it came from."""
    key = await headed(visit, "contacts")
    campaigns = campaign_feed(visit.console, key)
    imports = ImportReads(visit.console.services.database)
    may = visit.who.may(Permission.imports_write)

    async def read() -> Markup:
        known = (await campaigns.now()).value.view.contacts
        return contacts_page(key, known, await imports.of_campaign(key), may_import=may)

    feed = visit.console.hub.feed(f"contacts {key} {may}", read, every=EVERY)
    await visit.live(feed, joined)
