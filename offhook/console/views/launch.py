"""The last step of a new campaign: what came of the file, how long it will take, and the start."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from offhook.console.kit.layout import url
from offhook.console.kit.markup import el
from offhook.console.kit.parts import (
    Row,
    bars,
    button,
    card,
    cards,
    link,
    notice,
    page_head,
    section,
    table,
)
from offhook.console.kit.words import count, instant, of, plain
from offhook.console.views.new_campaign import steps
from offhook.storage.campaign_views import CampaignRow
from offhook.storage.import_reads import ImportRow, RefusedLine
from offhook.storage.tables import ImportState

SHOWN_LINES = 50


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came of the newest import of a campaign."""

    row: ImportRow | None
    reasons: dict[str, int]
    lines: Sequence[RefusedLine]


def launch_page(campaign: CampaignRow, arrived: Arrived, *, may_start: bool) -> Markup:
    """The page, without its forecast."""
    done = arrived.row is not None and arrived.row.state is ImportState.completed
    ready = done and arrived.row is not None and arrived.row.accepted + arrived.row.duplicates > 0
    started = campaign.started_at is not None
    start = button("Start now", "start", kind="primary", disabled=not ready)
    return el(
        "div",
        page_head(
            campaign.name,
            start if may_start and not started else None,
            link(
                "To the campaign" if started else "Later",
                url(f"/campaigns/{campaign.campaign_id}"),
                class_="button",
            ),
            note=None if started else "Nothing is dialed before you start it.",
            back=link("Campaigns", url("/campaigns"), class_="crumb"),
        ),
        None if started else steps(2),
        import_part(arrived),
        class_="stack",
    )


def import_part(arrived: Arrived) -> Markup:
    """How far the import is, and what it refused."""
    row = arrived.row
    if row is None:
        return notice("plain", "The file is on its way", "A worker reads it next.")
    return el(
        "div",
        import_notice(row),
        cards(
            card("Rows read", count(row.rows)),
            card("Contacts", count(row.accepted), tone="good" if row.accepted else ""),
            card("In the list before", count(row.duplicates)),
            card("Refused", count(row.refused), tone="warn" if row.refused else ""),
        ),
        refused_lines(row, arrived) if row.refused else None,
        class_="stack",
    )


def import_notice(row: ImportRow) -> Markup:
    """The state of an import in a line."""
    match row.state:
        case ImportState.running:
            return notice("plain", "The file is being imported", "You may leave this page.")
        case ImportState.failed:
            return notice("bad", "The file can't be imported", f"{row.error}.")
        case ImportState.completed:
            return notice("good", f"{of(row.accepted, 'contact')} imported")


def refused_lines(row: ImportRow, arrived: Arrived) -> Markup:
    """The rows that were refused, by reason and one by one."""
    rows = [
        Row(
            key=f"{one.line}",
            cells=(count(one.line), plain(one.code), one.reason, " ; ".join(one.raw)[:90]),
        )
        for one in arrived.lines
    ]
    more = row.refused - len(rows)
    return section(
        "Refused rows",
        bars({plain(code): number for code, number in arrived.reasons.items()}),
        el("br"),
        table("Refused rows", ("Line", "Why", "What that means", "The row"), rows),
        el("p", f"and {of(more, 'more row')}", class_="muted") if more > 0 else None,
        aside="Mend them in your file and import it again: nobody is doubled.",
    )


def imports_table(rows: Sequence[ImportRow]) -> Markup:
    """The imports of a campaign."""
    return table(
        "Imports",
        ("Began", "List", "State", "Rows#", "Contacts#", "Refused#", "Before#"),
        [
            Row(
                key=one.import_id,
                cells=(
                    instant(one.started_at),
                    one.list_name,
                    plain(one.state),
                    count(one.rows),
                    count(one.accepted),
                    count(one.refused),
                    count(one.duplicates),
                ),
            )
            for one in rows
        ],
    )
