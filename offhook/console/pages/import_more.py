"""More contacts for a campaign that there is already."""

import secrets
from dataclasses import replace

from markupsafe import Markup
from nicegui import ui

from offhook.accounts import Permission
from offhook.console.kit.layout import url
from offhook.console.kit.markup import el
from offhook.console.kit.page import Visit, console_page
from offhook.console.kit.parts import link, notice, page_head
from offhook.console.pages.campaign import campaign_id
from offhook.console.pages.new_campaign import Maker
from offhook.console.uploads import MOST, PATH
from offhook.console.views.new_campaign import Draft
from offhook.console.views.new_contacts import contacts_step
from offhook.offices.campaigns import Reading


@console_page(
    "/campaigns/{key}/import",
    title="Import contacts",
    place="campaigns",
    needs=Permission.imports_write,
)
async def import_more(visit: Visit) -> None:
    """A file, what its columns hold, and it is imported."""
    key = await campaign_id(visit)
    region = (await visit.console.backend.campaigns.show(key)).settings.default_region
    importer = Importer(visit, Draft((), {}, region=region), key)
    importer.panel = await visit.panel(importer.markup(), on_act=importer.acted)


class Importer(Maker):
    """A file on its way into a campaign."""

    def __init__(self, visit: Visit, draft: Draft, key: str) -> None:
        super().__init__(visit, draft)
        self._key = key

    def markup(self) -> Markup:
        """The page as the draft stands."""
        draft = self._draft
        body = contacts_step(
            draft.file, draft.meanings, draft.region, upload=PATH, most=MOST, go="Import"
        )
        back = link("Campaign", url(f"/campaigns/{self._key}/contacts"), class_="crumb")
        told = notice("bad", draft.error) if draft.error else None
        head = page_head("Import contacts", back=back)
        return el("div", head, told, body, class_="stack")

    async def _go(self) -> None:
        visit, found = self._visit, self._file()
        office = visit.console.backend.campaigns
        import_id = f"{self._key}-{secrets.token_hex(4)}"
        path = str(self._path(found.upload))
        request = await office.import_request(self._key, path, Reading(), import_id=import_id)
        mapped = {"mapping": found.shape.mapping, "default_region": self._draft.region}
        async with visit.audited("import.start", f"campaign/{self._key}"):
            await (await office.desk()).start_import(request.model_copy(update=mapped))
        self._draft = replace(self._draft, file=None)
        ui.navigate.to(url(f"/campaigns/{self._key}/launch"))
