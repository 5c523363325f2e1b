"""Kill parts of a dialing stack again and again, and write down what came of it.

Run as `python -m tests.e2e.kill_table --kills 20`: one Markdown table on standard output, progress
on standard error; exit code 1 when anybody was called twice, forgotten or left waiting.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path

from offhook.home import Home
from offhook.logging import configure_logging
from offhook.settings import LogLevel, load_settings
from tests.support.kills import Blow, KilledCampaign, killed_campaign

PARTS = ("worker", "links", "postgres", "temporal", "api")
GONE = timedelta(seconds=30)
MOST_KILLS = 100
LONGEST_CAMPAIGN_S = 900.0
HEAD = (
    "campaign", "killed", "gone for", "after attempts", "calls in flight", "waiting",
    "serves again after", "taken over after", "longest wait after that",
)  # fmt: skip
TOTALS = (
    "campaign", "contacts", "attempts", "kills", "ended", "double dials", "lost outcomes",
    "stranded", "guessed outcomes", "journal entries", "replayed otherwise",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run campaigns until as many kills were dealt as asked for, or time is up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help=f"at most {MOST_KILLS}")
    parser.add_argument("--minutes", type=float, default=30, help="no new campaign after this")
    options = parser.parse_args(arguments)
    settings = load_settings().log.model_copy(update={"level": LogLevel.error})
    configure_logging(settings, process="kills")
    campaigns = asyncio.run(_campaigns(min(options.kills, MOST_KILLS), options.minutes * 60))
    sys.stdout.write(rendered(campaigns))
    return 0 if all(_unharmed(campaign) for campaign in campaigns) else 1


async def _campaigns(kills: int, seconds: float) -> list[KilledCampaign]:
    """Campaigns of five kills, whose parts come back at once or after half a minute in turn."""
    began = time.monotonic()
    done: list[KilledCampaign] = []
    while (dealt := sum(len(each.blows) for each in done)) < kills:
        if time.monotonic() - began > seconds:
            break
        away = GONE if len(done) % 2 else timedelta(0)
        parts = PARTS[: kills - dealt]
        with tempfile.TemporaryDirectory(prefix="offhook-kills-") as folder:
            async with asyncio.timeout(LONGEST_CAMPAIGN_S):
                done.append(
                    await killed_campaign(
                        Home(Path(folder)),
                        [Blow(parts=(part,), away=away) for part in parts],
                        contacts=170 if away else 80,
                        seed=len(done) + 1,
                        tell=_progress,
                    )
                )
    return done


def _progress(line: str) -> None:
    sys.stderr.write(line + "\n")


def _unharmed(campaign: KilledCampaign) -> bool:
    verdict = campaign.verdict
    harm = verdict.double_dialed + campaign.lost + verdict.stranded + campaign.differences
    return not harm and not verdict.mismatches


def rendered(campaigns: Sequence[KilledCampaign]) -> str:
    """Two tables: what was done to each campaign, and what came of it."""
    blows = [
        row for number, campaign in enumerate(campaigns, 1) for row in _blows(number, campaign)
    ]
    totals = [_total(number, campaign) for number, campaign in enumerate(campaigns, 1)]
    return f"{_table(HEAD, blows)}\n{_table(TOTALS, totals)}"


def _blows(number: int, campaign: KilledCampaign) -> Iterable[tuple[object, ...]]:
    for place, hit in enumerate(campaign.blows):
        yield (
            number,
            " and ".join(hit.blow.parts),
            _seconds(hit.blow.away.total_seconds()),
            hit.attempts,
            hit.in_flight,
            hit.waiting,
            _seconds((hit.back_at - hit.at).total_seconds()),
            _seconds((hit.over_at - hit.at).total_seconds()),
            _seconds(campaign.longest_waits[place]),
        )


def _total(number: int, campaign: KilledCampaign) -> tuple[object, ...]:
    verdict = campaign.verdict
    return (
        number,
        campaign.contacts,
        campaign.attempts,
        len(campaign.blows),
        campaign.phase.value,
        verdict.double_dialed,
        campaign.lost + len(verdict.mismatches),
        verdict.stranded,
        verdict.guessed,
        campaign.journal_entries,
        campaign.differences,
    )


def _seconds(value: float) -> str:
    return f"{value:.1f} s"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
