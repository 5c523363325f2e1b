"""The audit log: who did what."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from offhook.accounts.audit_csv import audit_lines
from offhook.accounts.principal import Kind
from offhook.accounts.roles import Permission
from offhook.api.auth import requires
from offhook.api.paging import Cursor, Limit, Page, read_cursor, write_cursor
from offhook.api.problems import RESPONSES, BadCursor
from offhook.api.requests import Since, Until
from offhook.api.services import Svc
from offhook.storage.account_audit import AuditFilter, AuditRow
from offhook.storage.account_tables import AuditResult

router = APIRouter(prefix="/audit", tags=["audit"], responses=RESPONSES)

CSV = "text/csv"
Text = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.get(
    "",
    dependencies=[requires(Permission.audit_read)],
    summary="See who did what",
    response_model=Page[AuditRow],
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
async def index(
    request: Request,
    services: Svc,
    since: Since = None,
    until: Until = None,
    actor: Text = None,
    kind: Kind | None = None,
    action: Text = None,
    subject: Text = None,
    result: AuditResult | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditRow] | StreamingResponse:
    """Entries, the newest first; with `Accept: text/csv` all of them as a file.

    `action=campaign.` and `subject=campaign/` are all about campaigns.
    """
    wanted = AuditFilter(
        since=since,
        until=until,
        actor=actor,
        kind=kind,
        action=action,
        subject=subject,
        result=result,
    )
    if CSV in request.headers.get("accept", ""):
        lines: AsyncIterator[str] = audit_lines(services.audit.every(wanted))
        return StreamingResponse(
            lines,
            media_type=CSV,
            headers={"content-disposition": 'attachment; filename="audit.csv"'},
        )
    found = await services.audit.page(wanted, before=_place(cursor), limit=limit + 1)
    more = write_cursor(str(found[limit - 1].id)) if len(found) > limit else None
    return Page(items=found[:limit], next_cursor=more)


def _place(cursor: str | None) -> int | None:
    place = read_cursor(cursor, 1)
    if place is None:
        return None
    if not (place[0].isascii() and place[0].isdigit() and len(place[0]) < 19):
        raise BadCursor
    return int(place[0])
