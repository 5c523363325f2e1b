"""How a campaign does, what came of it, and why it does what it does."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict

from offhook.accounts.roles import Permission
from offhook.api.agent_seeing import story_as_seen
from offhook.api.auth import Who, requires
from offhook.api.problems import RESPONSES
from offhook.api.requests import Since, Until
from offhook.api.seeing import OneCampaign
from offhook.api.services import Back
from offhook.offices.compliance import windows_csv
from offhook.storage.campaign_views import CampaignView
from offhook.storage.compliance_report import ComplianceReport, ComplianceReports
from offhook.storage.reports import CampaignReport, Reports

router = APIRouter(prefix="/campaigns", tags=["campaign reports"], responses=RESPONSES)

CSV = "text/csv"


class Why(BaseModel):
    """A verdict, and what it was made from."""

    model_config = ConfigDict(extra="allow")

    campaign: str
    name: str
    code: str
    """Never changes."""
    says: str
    then: str
    """What to do about it; empty for nothing."""
    until: Any = None
    facts: dict[str, Any]
    contact: dict[str, Any] | None = None


@router.get(
    "/{campaign}/status",
    dependencies=[requires(Permission.campaigns_read)],
    summary="How a campaign does",
)
async def view(on: OneCampaign, backend: Back) -> CampaignView:
    """Contacts, agents and calls by state, outcomes, abandonment against its cap, the pacer."""
    return await backend.campaigns.views.view(on.campaign_id)


@router.get(
    "/{campaign}/report",
    dependencies=[requires(Permission.reports_read)],
    summary="What came of a campaign",
)
async def report(on: OneCampaign, backend: Back) -> CampaignReport:
    """The status, and what explains it: waits, calls not placed, oddities."""
    return await Reports(backend.database).report(on.campaign_id)


@router.get(
    "/{campaign}/why",
    dependencies=[requires(Permission.campaigns_read)],
    summary="Why a campaign is dialing, or not",
)
async def why(on: OneCampaign, backend: Back) -> Why:
    """A verdict in words, and the facts that it was made from."""
    return Why.model_validate(await backend.why.campaign(on.campaign_id, now=backend.clock()))


@router.get(
    "/{campaign}/why/contact",
    dependencies=[requires(Permission.contacts_read)],
    summary="Why a contact is being dialed, or not",
)
async def why_contact(
    on: OneCampaign,
    who: Who,
    backend: Back,
    key: Annotated[
        str,
        Query(
            min_length=1,
            max_length=100,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="Its id, your own key of it, or a number.",
            examples=["+390612345678"],
        ),
    ],
) -> Why:
    """A verdict in words, and the contact's whole story."""
    found = await backend.why.contact(on.campaign_id, key, now=backend.clock())
    return Why.model_validate(await story_as_seen(backend.database, who, found))


@router.get(
    "/{campaign}/compliance",
    dependencies=[requires(Permission.compliance_read)],
    summary="How the law was kept",
    response_model=ComplianceReport,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
async def compliance(
    on: OneCampaign, request: Request, backend: Back, since: Since = None, until: Until = None
) -> ComplianceReport | PlainTextResponse:
    """The law, figures per window, and evidence; with `Accept: text/csv` the windows as a file."""
    found = await ComplianceReports(backend.database).report(
        on.campaign_id, now=backend.clock(), since=since, until=until
    )
    if CSV in request.headers.get("accept", ""):
        return PlainTextResponse(windows_csv(found), media_type=CSV)
    return found
