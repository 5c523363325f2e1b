"""The list of campaigns."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dialer.model import CampaignPhase
from offhook.accounts import Scope
from offhook.console.kit.layout import url
from offhook.console.kit.markup import el
from offhook.console.kit.parts import Row, empty, link, page_head, section, table
from offhook.console.kit.words import instant, of, plain
from offhook.console.views.names import phase_badge
from offhook.storage.campaign_records import ENDED
from offhook.storage.campaign_views import CampaignRow

NEW = "New campaign"


@dataclass(frozen=True, slots=True)
class Listed:
    """What the page shows, and whether the person may make new ones."""

    rows: Sequence[CampaignRow]
    may_create: bool


def campaigns_page(listed: Listed, scope: Scope) -> Markup:
    """All campaigns that somebody sees: those that go on first, then the newest."""
    rows = [one for one in listed.rows if scope.has(campaign=one.campaign_id)]
    make = link(NEW, url("/new-campaign"), class_="button primary") if listed.may_create else None
    head = page_head("Campaigns", make, note=of(len(rows), "campaign") if rows else None)
    if not rows and listed.rows:
        yours = "You see the campaigns that your account is for. An administrator changes which."
        return el("div", head, empty("None of the campaigns is yours", yours, make), class_="stack")
    if not rows:
        return el(
            "div",
            head,
            empty(
                "There is no campaign yet",
                "A campaign is a list of people to call, agents to talk to them, and rules. "
                "Bring a CSV file of contacts and it leads you through the rest.",
                make,
            ),
            class_="stack",
        )
    going = [one for one in rows if not _rests(one)]
    resting = [one for one in rows if _rests(one)]
    return el(
        "div",
        head,
        section("Under way", _table("Campaigns under way", going)) if going else None,
        section("Not running", _table("Campaigns that don't run", resting)) if resting else None,
        class_="stack",
    )


def _rests(row: CampaignRow) -> bool:
    return row.phase in ENDED or (row.phase is CampaignPhase.scheduled and row.started_at is None)


def _table(caption: str, rows: Sequence[CampaignRow]) -> Markup:
    return table(
        caption,
        ("Campaign", "Phase", "Mode", "Switch", "Made", "Started"),
        [
            Row(
                key=one.campaign_id,
                cells=(
                    link(one.name, url(f"/campaigns/{one.campaign_id}")),
                    phase_badge(one.phase, one.reason),
                    plain(one.mode),
                    one.switch,
                    instant(one.created_at, "both"),
                    instant(one.started_at, "both"),
                ),
            )
            for one in rows
        ],
    )
