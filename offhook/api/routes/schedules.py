"""Schedules: what happens by itself, and when."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import AwareDatetime, ConfigDict, Field

from activities.schedule_contracts import CalendarRule, Cron, Job, Overlap, Plan, Zone
from offhook.accounts.principal import Principal
from offhook.accounts.roles import Permission
from offhook.api.auth import Who, requires
from offhook.api.idempotency import Repeatable
from offhook.api.paging import Cursor, Limit, Page, read_cursor, write_cursor
from offhook.api.problems import RESPONSES, ApiError
from offhook.api.requests import FIRST, LAST, Sent
from offhook.api.seeing import seen
from offhook.api.services import Back
from offhook.temporal.schedule_desk import Applied, ScheduleNotFound, ScheduleView

router = APIRouter(
    prefix="/schedules", tags=["schedules"], responses=RESPONSES, route_class=Repeatable
)

CanRead = requires(Permission.schedules_read)
CanWrite = requires(Permission.schedules_write)
Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$", examples=["spring-am"])]


class ScheduleInvalid(ApiError):
    """The parts of a schedule don't fit together."""

    code = "schedule_invalid"
    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self) -> None:
        super().__init__(
            "the parts of the schedule don't fit together",
            hint="say when, by `cron` or `calendar`",
        )


class PlanBody(Sent):
    """What is to happen, and when."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job": {"kind": "start", "campaign_id": "Spring"},
                    "calendar": [
                        {"at": ["09:00"], "weekdays": ["mon", "tue", "wed", "thu", "fri"]}
                    ],
                    "zone": "Europe/Rome",
                    "overlap": "skip",
                    "catch_up": "PT1H",
                }
            ]
        }
    )

    job: Job
    """Campaigns and switches by id or name."""
    cron: Annotated[tuple[Cron, ...], Field(max_length=10)] = ()
    calendar: Annotated[tuple[CalendarRule, ...], Field(max_length=10)] = ()
    zone: Zone = "UTC"
    overlap: Overlap = Overlap.skip
    catch_up: Annotated[timedelta, Field(ge=timedelta(minutes=1), le=timedelta(days=365))] = (
        timedelta(hours=1)
    )
    """How late a run may be that was missed while Temporal was down."""
    jitter: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(hours=12))] = timedelta(0)
    until: Annotated[AwareDatetime, Field(ge=FIRST, le=LAST)] | None = None
    note: Annotated[str, Field(max_length=200)] = ""


class NoteBody(Sent):
    """Why."""

    note: Annotated[str, Field(max_length=200)] = ""


@router.get("", dependencies=[CanRead], summary="List schedules")
async def index(
    who: Who, backend: Back, limit: Limit = 50, cursor: Cursor = None
) -> Page[ScheduleView]:
    """Schedules by id, each with its next ten runs."""
    place = read_cursor(cursor, 1)
    every = await (await backend.schedule_desk()).all()
    rest = [
        one
        for one in every
        if _visible(who, one) and (place is None or one.plan.schedule_id > place[0])
    ]
    more = write_cursor(rest[limit - 1].plan.schedule_id) if len(rest) > limit else None
    return Page(items=rest[:limit], next_cursor=more)


@router.put(
    "/{schedule}",
    dependencies=[CanWrite],
    summary="Have a schedule so",
    responses={201: {"model": Applied, "description": "It is new"}},
)
async def apply(
    schedule: Name, body: PlanBody, who: Who, backend: Back, response: Response
) -> Applied:
    """Make the schedule of this id, or change it to this; repeated, it changes nothing.

    Whether it is paused stays as it is.
    """
    try:
        plan = Plan.model_validate(body.model_dump() | {"schedule_id": schedule})
    except ValueError:
        raise ScheduleInvalid from None
    if plan.campaign_id is not None:
        await seen(plan.campaign_id, backend, who)
    elif not who.scope.everything:
        raise ScheduleNotFound(schedule)
    done = await backend.schedules.apply(plan)
    if done.new:
        response.status_code = HTTPStatus.CREATED
    return done


@router.get("/{schedule}", dependencies=[CanRead], summary="See a schedule")
async def show(schedule: Name, who: Who, backend: Back) -> ScheduleView:
    """What, when, the next ten runs and those before."""
    return await _seen(schedule, who, backend)


@router.post("/{schedule}/pause", dependencies=[CanWrite], summary="Pause a schedule")
async def pause(
    schedule: Name, who: Who, backend: Back, body: NoteBody | None = None
) -> ScheduleView:
    """Begin no more runs until resumed."""
    await _seen(schedule, who, backend)
    note = body.note if body is not None else ""
    return await (await backend.schedule_desk()).pause(schedule, note=note)


@router.post("/{schedule}/resume", dependencies=[CanWrite], summary="Resume a schedule")
async def resume(
    schedule: Name, who: Who, backend: Back, body: NoteBody | None = None
) -> ScheduleView:
    """Begin runs again; what was missed meanwhile is not made up for."""
    await _seen(schedule, who, backend)
    note = body.note if body is not None else ""
    return await (await backend.schedule_desk()).resume(schedule, note=note)


@router.post("/{schedule}/trigger", dependencies=[CanWrite], summary="Run a schedule now")
async def trigger(schedule: Name, who: Who, backend: Back) -> ScheduleView:
    """Begin a run now, beside those that are due; the overlap policy counts."""
    await _seen(schedule, who, backend)
    return await (await backend.schedule_desk()).trigger(schedule)


@router.delete("/{schedule}", dependencies=[CanWrite], status_code=204, summary="Remove a schedule")
async def remove(schedule: Name, who: Who, backend: Back) -> Response:
    """Begin no more runs at all; one that goes on, goes on."""
    await _seen(schedule, who, backend)
    await (await backend.schedule_desk()).remove(schedule)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _seen(schedule: str, who: Principal, backend: Back) -> ScheduleView:
    view = await (await backend.schedule_desk()).show(schedule)
    if not _visible(who, view):
        raise ScheduleNotFound(schedule)
    return view


def _visible(who: Principal, view: ScheduleView) -> bool:
    campaigns = who.scope.campaigns
    return campaigns is None or view.plan.campaign_id in campaigns
