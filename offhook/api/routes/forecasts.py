"""Forecasts of campaigns: simulated by the engine that dials."""

from fastapi import APIRouter

from offhook.accounts.roles import Permission
from offhook.api.auth import requires
from offhook.api.idempotency import Repeatable
from offhook.api.problems import RESPONSES
from offhook.api.seeing import OneCampaign
from offhook.api.services import Back
from offhook.offices.forecasts import ForecastWish
from offhook.storage.forecast_store import KeptForecast

router = APIRouter(
    prefix="/campaigns", tags=["campaign reports"], responses=RESPONSES, route_class=Repeatable
)

CanRead = requires(Permission.campaigns_read)


@router.get("/{campaign}/forecast", dependencies=[CanRead], summary="See a campaign's forecast")
async def show(on: OneCampaign, backend: Back) -> KeptForecast:
    """The newest that was made, over the API or in the console."""
    return await backend.forecasts.last(on.campaign_id)


@router.post("/{campaign}/forecast", dependencies=[CanRead], summary="Forecast a campaign")
async def make(on: OneCampaign, backend: Back, body: ForecastWish | None = None) -> KeptForecast:
    """How long its list takes, with how many agents and lines, at which abandonment.

    Takes seconds with ten agents, a minute with hundreds. Whoever does not wait for it finds it
    with `GET` later. 409 where nobody is left to dial, 503 where too many are wanted at once.
    """
    return await backend.forecasts.make(on.campaign_id, body or ForecastWish())
