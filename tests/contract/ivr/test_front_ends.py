"""One machine, two front ends: callers who key the same get to the same place on both."""

import asyncio
from pathlib import Path

import pytest

from offhook.pbx.install import Installed
from tests.contract.ivr.front_ends import (
    CASES,
    FrontEndUnderTest,
    asterisk,
    make_desk,
    number_of,
    voispeed,
)
from tests.support.ivr_desk import MemoryDesk


async def _all_arrive(front_end: FrontEndUnderTest, desk: MemoryDesk) -> None:
    """Everybody calls at once, and gets where the tree says."""
    await asyncio.gather(
        *(front_end.call(case, number_of(place)) for place, case in enumerate(CASES.values()))
    )
    async with asyncio.timeout(20):
        while not all(k.session.ended for k in desk.kept.values()):  # noqa: ASYNC110 - told elsewhere
            await asyncio.sleep(0.02)
    wanted = {what: (case.end, case.through, case.language) for what, case in CASES.items()}
    arrived = {}
    for place, what in enumerate(CASES):
        kept = desk.of(number_of(place))
        arrived[what] = (kept.session.ended, tuple(kept.visited), kept.session.language)
    assert arrived == wanted
    assert desk.secrets == {}


async def test_callers_of_a_voispeed_responder_get_where_the_tree_says() -> None:
    desk = make_desk()
    async with voispeed(desk) as front_end:
        await _all_arrive(front_end, desk)


@pytest.mark.slow
async def test_callers_of_a_real_asterisk_get_where_the_tree_says(
    asterisk_installed: Installed, tmp_path: Path
) -> None:
    desk = make_desk()
    async with asterisk(desk, asterisk_installed, tmp_path) as front_end:
        await _all_arrive(front_end, desk)
