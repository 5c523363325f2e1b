"""What happens by itself, and when next."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from activities.schedule_contracts import CampaignJob, ImportJob, Job, Overlap, Plan
from offhook.console.kit.markup import Child, el, joined
from offhook.console.kit.parts import (
    badge,
    button,
    choice,
    empty,
    facts,
    field,
    page_head,
    section,
)
from offhook.console.kit.words import instant, plain
from offhook.temporal.schedule_desk import ScheduleView

ORDERS: Mapping[str, str] = {
    "start": "Start a campaign",
    "pause": "Pause a campaign",
    "resume": "Resume a campaign",
    "stop": "Stop a campaign",
}
OVERLAPS: Mapping[Overlap, str] = {
    Overlap.skip: "Leave it out",
    Overlap.buffer_one: "Let one wait",
    Overlap.buffer_all: "Let all wait",
    Overlap.cancel_other: "Cancel the one before",
    Overlap.allow_all: "Run both",
}


def schedules_page(
    found: Sequence[ScheduleView], campaigns: Mapping[str, str], *, may_write: bool
) -> Markup:
    """All schedules."""
    add = button("New schedule", "add", kind="primary") if may_write else None
    head = page_head("Schedules", add, note="What starts, pauses and imports by itself.")
    if not found:
        return el(
            "div",
            head,
            empty(
                "Nothing is scheduled",
                "A schedule starts or pauses a campaign at set times, in a time zone of its own.",
                add,
            ),
            class_="stack",
        )
    return el("div", head, *(_one(one, campaigns, may_write) for one in found), class_="stack")


def _one(one: ScheduleView, campaigns: Mapping[str, str], may_write: bool) -> Markup:
    plan = one.plan
    coming = [el("li", instant(at)) for at in one.next_at[:10]]
    return section(
        plan.schedule_id,
        el(
            "div",
            facts(
                {
                    "Does": job_words(plan.job, campaigns),
                    "When": when_words(plan),
                    "Where one still runs": OVERLAPS[plan.overlap],
                    "Note": one.note or plan.note or None,
                    "Runs so far": _runs(one),
                }
            ),
            el(
                "div",
                el("p", "Next runs" if not one.paused else "Would run", class_="muted"),
                el("ol", *coming, class_="next-runs") if coming else el("p", "none"),
            ),
            class_="split",
        ),
        el("br"),
        _deeds(one) if may_write else None,
        aside=badge("paused", "warn") if one.paused else badge("active", "good"),
    )


def _runs(one: ScheduleView) -> str:
    missed = f", {one.missed} missed" if one.missed else ""
    return f"{one.runs}{missed}" + (f", {one.overlapped} left out" if one.overlapped else "")


def _deeds(one: ScheduleView) -> Markup:
    key = one.plan.schedule_id
    return el(
        "div",
        button("Run now", "trigger", of=key),
        button("Resume", "resume", of=key) if one.paused else button("Pause", "pause", of=key),
        button("Delete", "remove", of=key, kind="danger"),
        class_="actions",
    )


def job_words(job: Job, campaigns: Mapping[str, str]) -> Child:
    """What a schedule does."""
    match job:
        case CampaignJob():
            return f"{plain(job.kind)} {campaigns.get(job.campaign_id, job.campaign_id)}"
        case ImportJob():
            name = campaigns.get(job.campaign_id, job.campaign_id)
            return joined("Import ", el("code", job.ref), f" into {name}")
        case _:
            return plain(job.kind)


def when_words(plan: Plan) -> str:
    """When a schedule runs."""
    parts = list(plan.cron)
    for rule in plan.calendar:
        times = ", ".join(f"{at:%H:%M}" for at in rule.at)
        days = ", ".join(plain(day) for day in rule.weekdays) or "every day"
        if rule.days:
            days = f"days {', '.join(map(str, rule.days))} of the month"
        parts.append(f"{times} on {days}")
    return f"{'; '.join(parts)}, clock of {plan.zone}"


def new_fields(campaigns: Mapping[str, str]) -> tuple[Markup, ...]:
    """What a schedule needs."""
    return (
        field(
            "Name",
            "schedule_id",
            required=True,
            pattern="[a-z0-9][a-z0-9_-]{0,39}",
            note="Small letters and digits, such as spring-mornings",
        ),
        choice("Does", "kind", ORDERS),
        choice("Campaign", "campaign_id", campaigns),
        field("At", "at", kind="time", value="09:00", required=True),
        choice(
            "On",
            "weekdays",
            {
                "mon,tue,wed,thu,fri": "Monday to Friday",
                "": "every day",
                **{day: plain(day) for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
            },
            value="mon,tue,wed,thu,fri",
        ),
        field("Time zone", "zone", value="Europe/Rome"),
        choice("Where one still runs", "overlap", {str(k): v for k, v in OVERLAPS.items()}),
    )


def plan_said(said: Mapping[str, str]) -> Plan:
    """The plan that the form describes; raises `ValueError`."""
    weekdays = tuple(filter(None, said.get("weekdays", "").split(",")))
    return Plan.model_validate(
        {
            "schedule_id": said.get("schedule_id", "").strip(),
            "job": {"kind": said.get("kind", ""), "campaign_id": said.get("campaign_id", "")},
            "calendar": [{"at": [said.get("at", "")], "weekdays": weekdays}],
            "zone": said.get("zone", "").strip(),
            "overlap": said.get("overlap", ""),
        }
    )
