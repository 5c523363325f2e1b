"""The newest forecast of each campaign, kept so that it need not be simulated for each reader."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime
from sqlalchemy import Column, ForeignKey, Table, Text, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from dialer.simulation import Forecast
from offhook.storage.campaign_records import store_session
from offhook.storage.columns import instant
from offhook.storage.database import Database
from offhook.storage.errors import NotFound
from offhook.storage.tables import metadata

campaign_forecasts = Table(
    "campaign_forecasts",
    metadata,
    Column("campaign_id", Text, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    instant("made_at", required=True),
    Column("forecast", JSONB, nullable=False),
)


class ForecastNotFound(NotFound):
    """No forecast was made of the campaign."""

    code = "forecast_not_found"
    noun = "forecast of campaign"
    listed_by = "make one: `POST /api/v1/campaigns/{campaign}/forecast`"


class KeptForecast(Forecast):
    """A forecast, and what it was made of when."""

    campaign_id: str
    made_at: AwareDatetime


@dataclass(frozen=True)
class ForecastStore:
    """One forecast for each campaign; a database that is away raises `StoreUnavailable`."""

    database: Database

    async def keep(self, campaign: str, forecast: Forecast, *, now: datetime) -> KeptForecast:
        """Put a forecast in the place of the one before."""
        row = {"made_at": now, "forecast": forecast.model_dump(mode="json")}
        kept = insert(campaign_forecasts).values(campaign_id=campaign, **row)
        async with store_session(self.database) as session:
            await session.execute(
                kept.on_conflict_do_update(index_elements=["campaign_id"], set_=row)
            )
        return _kept(campaign, now, forecast)

    async def find(self, campaign: str) -> KeptForecast:
        """The newest; raises `ForecastNotFound`."""
        wanted = campaign_forecasts.c.campaign_id == campaign
        async with store_session(self.database) as session:
            row = (await session.execute(select(campaign_forecasts).where(wanted))).one_or_none()
        if row is None:
            raise ForecastNotFound(campaign)
        return _kept(campaign, row.made_at, Forecast.model_validate(row.forecast))


def _kept(campaign: str, made_at: datetime, forecast: Forecast) -> KeptForecast:
    said = {name: getattr(forecast, name) for name in Forecast.model_fields}
    return KeptForecast(campaign_id=campaign, made_at=made_at, **said)
