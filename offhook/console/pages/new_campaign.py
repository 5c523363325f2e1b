"""*New campaign*: a file, the rules, and the campaign is made."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup
from nicegui import ui

from dialer.compliance.binding import bound
from dialer.compliance.profiles import PROFILES
from dialer.model import Mode
from dialer.rejections import ModeNotPossible, require_mode
from offhook.accounts import Permission
from offhook.console.files import FileUnreadable, look_into
from offhook.console.kit.layout import url
from offhook.console.kit.page import Visit, console_page
from offhook.console.kit.panel import Act, Panel
from offhook.console.kit.words import sentence
from offhook.console.uploads import MOST, PATH, upload_path
from offhook.console.views.new_campaign import (
    Draft,
    SwitchChoice,
    new_campaign,
    settings_said,
)
from offhook.console.views.new_contacts import FileFound
from offhook.errors import OffhookError
from offhook.offices.campaign_settings import build_settings
from offhook.offices.campaigns import Reading
from offhook.storage.link_store import LinkStore
from offhook.switches.registry import SwitchConfig, open_switch

_UPLOAD_FAULTS = {
    "too_large": "The file is too large; import it with `offhook campaign import`.",
    "401": "You are not logged in any more. Log in again, then choose the file.",
    "403": "Your role may not bring files in.",
    "413": "The file is too large; import it with `offhook campaign import`.",
}


@console_page(
    "/new-campaign", title="New campaign", place="campaigns", needs=Permission.campaigns_write
)
async def new(visit: Visit) -> None:
    """Lead through it."""
    stored = await LinkStore(visit.console.services.database).switches()
    choices = [await switch_choice(one) for one in stored]
    titles = {one.name: one.title for one in PROFILES.values()}
    maker = Maker(visit, Draft(choices, titles))
    maker.panel = await visit.panel(maker.markup(), on_act=maker.acted)


async def switch_choice(config: SwitchConfig) -> SwitchChoice:
    """A switch to choose, and what it can't do."""
    adapter = open_switch(config).adapter
    try:
        way = adapter.capabilities.way
    finally:
        await adapter.aclose()
    barred = {}
    for mode in Mode:
        try:
            require_mode(mode, switch=config.switch_id, way=way)
        except ModeNotPossible as error:
            barred[mode] = str(error).split(": ", 1)[-1].split(";")[0]
    return SwitchChoice(str(config.switch_id), config.name, barred)


class Maker:
    """One campaign that is being made."""

    panel: Panel

    def __init__(self, visit: Visit, draft: Draft) -> None:
        self._visit = visit
        self._draft = draft

    def markup(self) -> Markup:
        """The page as the draft stands."""
        return new_campaign(self._draft, upload=PATH, most=MOST)

    async def acted(self, act: Act) -> None:
        """Go on with the draft; what is refused is said at its top."""
        try:
            await self._step(act)
        except OffhookError as error:
            said = f"{error}. Next: {error.hint}." if error.hint else f"{error}."
            self._draft = replace(self._draft, error=sentence(said))
        self.panel.show(self.markup())

    async def _step(self, act: Act) -> None:
        self._draft = replace(self._draft, error="")
        match act.name:
            case "uploaded":
                await self._uploaded(act)
            case "mapped":
                await self._mapped(act)
            case "go":
                await self._go()
            case "contacts":
                self._draft = self._draft.at(0)
            case "ruled":
                self._ruled(act.values)
            case "create":
                self._ruled(act.values)
                await self._create()

    async def _go(self) -> None:
        """The file is chosen."""
        self._draft = self._draft.at(1)

    async def _uploaded(self, act: Act) -> None:
        if fault := act.text("error"):
            said = _UPLOAD_FAULTS.get(fault, "The file did not arrive; choose it again.")
            raise FileUnreadable(said)
        found = await look_into(
            self._path(act.text("upload")),
            upload=act.text("upload"),
            name=act.text("name")[:120],
            region=self._draft.region,
        )
        self._draft = replace(self._draft, file=found, meanings={})

    def _path(self, upload: str) -> Path:
        try:
            return upload_path(self._visit.console, upload)
        except ValueError as error:
            raise FileUnreadable(str(error), hint="choose the file again") from error

    async def _mapped(self, act: Act) -> None:
        found = self._file()
        said = {
            name: act.text(f"column-{number}") for number, name in enumerate(found.shape.header)
        }
        region = act.text("region").upper()
        if len(region) == 2 and region.isalpha() and region.isascii():
            self._draft = replace(self._draft, region=region)
        self._draft = replace(self._draft, meanings=said)
        again = await look_into(
            self._path(found.upload),
            upload=found.upload,
            name=found.name,
            region=self._draft.region,
            said=said,
        )
        self._draft = replace(self._draft, file=again)

    def _ruled(self, values: Mapping[str, str]) -> None:
        self._draft = replace(self._draft, values=dict(values), stricter=())
        said = settings_said(values, region=self._draft.region)
        if said.get("name"):
            _, stricter = bound(build_settings({}, said))
            self._draft = replace(self._draft, stricter=stricter)

    async def _create(self) -> None:
        visit, found = self._visit, self._file()
        wanted = build_settings({}, settings_said(self._draft.values, region=self._draft.region))
        office = visit.console.backend.campaigns
        async with visit.audited("campaign.create") as entry:
            made = await office.create(wanted)
            entry.subject = f"campaign/{made.campaign.campaign_id}"
            entry.after = made.settings
        key = made.campaign.campaign_id
        request = await office.import_request(
            key, str(self._path(found.upload)), Reading(), import_id=f"{key}-first"
        )
        mapped = {"mapping": found.shape.mapping, "default_region": self._draft.region}
        async with visit.audited("import.start", f"campaign/{key}"):
            await (await office.desk()).start_import(request.model_copy(update=mapped))
        ui.navigate.to(url(f"/campaigns/{key}/launch"))

    def _file(self) -> FileFound:
        if self._draft.file is None:
            raise FileUnreadable("there is no file yet", hint="choose one first")
        return self._draft.file
