"""The forecast of a campaign, on its own page and where it is launched."""

from dataclasses import replace

from markupsafe import Markup

from offhook.accounts import Permission
from offhook.console.kit.page import OURS, Visit, console_page, says
from offhook.console.kit.panel import Act, Panel
from offhook.console.pages.campaign_more import headed
from offhook.console.views.forecast import Outlook, counts_said, forecast_part
from offhook.errors import OffhookError
from offhook.offices.forecasts import ForecastWish
from offhook.storage.campaign_views import CampaignViews
from offhook.storage.forecast_store import ForecastNotFound


class BadCounts(OffhookError):
    """Numbers of agents that can't be compared."""

    code = "forecast_form_invalid"


@console_page(
    "/campaigns/{key}/forecast",
    title="Forecast",
    place="campaigns",
    needs=Permission.campaigns_read,
)
async def forecast(visit: Visit) -> None:
    """How long the list takes, with whom."""
    await show_forecast(visit, await headed(visit, "forecast"))


async def show_forecast(visit: Visit, key: str) -> None:
    """Put the newest forecast of a campaign on the page, and the way to another."""
    forecaster = Forecaster(visit, key)
    forecaster.panel = await visit.panel(forecaster.markup, on_act=forecaster.acted)


class Forecaster:
    """The forecast of one campaign at one page."""

    panel: Panel

    def __init__(self, visit: Visit, key: str) -> None:
        self._visit = visit
        self._key = key
        self._office = visit.console.backend.forecasts
        self._outlook: Outlook | None = None

    async def markup(self) -> Markup:
        """What there is now."""
        if self._outlook is None:
            views = CampaignViews(self._visit.console.services.database)
            cap = (await views.settings(self._key)).pacing.target_abandonment
            try:
                self._outlook = Outlook(await self._office.last(self._key), cap)
            except ForecastNotFound:
                self._outlook = Outlook(cap=cap)
        return forecast_part(self._outlook)

    async def acted(self, act: Act) -> None:
        """Make another."""
        if self._outlook is None or self._outlook.making:
            return
        asked = act.text("agents")
        self._outlook = replace(self._outlook, agents=asked, making=True, why_not="")
        self.panel.show(forecast_part(self._outlook))
        why_not, found = "", self._outlook.found
        try:
            found = await self._office.make(self._key, ForecastWish(agents=_counts(asked)))
        except OURS as error:
            why_not = ": ".join(filter(None, says(error)))
        finally:
            self._outlook = replace(self._outlook, found=found, making=False, why_not=why_not)
            self.panel.show(forecast_part(self._outlook))


def _counts(text: str) -> tuple[int, ...]:
    try:
        return counts_said(text)
    except ValueError as error:
        raise BadCounts(str(error), hint="such as 5, 10, 20") from error
