"""Simulated shifts, run once and then remembered beside this file.

A shift is kept under what was run: who paced, on which floor, for how long, with which seed; and
with the commit that it was run on, so that the page can say whether all come from one. Shifts are
written down one by one: whoever stops half way goes on there. Delete `results.json` to run
everything again, as after a change of the engine or the pacers.
"""

import json
import multiprocessing
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from dialer.events import Tally
from dialer.model import CampaignSettings, Mode
from dialer.pacing import Pacer, make_pacer
from dialer.simulation import Latency, Scenario
from dialer.simulation.results import worst_window
from dialer.simulation.run import PacerFactory
from dialer.simulation.run import Shift as Simulated
from tests.bench.pacing.baselines import Adapt, FixedRatio, OmniDialer, VicidialAdapt
from tests.bench.pacing.optimum import Memoryless
from tests.bench.pacing.worlds import lifelike, memoryless

STORE = Path(__file__).parent / "results.json"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One pacer on one floor."""

    pacer: str
    """`predictive`, `progressive`, `ratio 1.2`, `vicidial_average`, `omnidialer`, ..."""
    agents: int
    seeds: int
    hours: float
    answer_probability: float = 0.25
    handle_s: float = 120.0
    cap: float = 0.03
    alive: bool = False
    """On the lifelike floor instead of the memoryless one."""

    @property
    def floor(self) -> Memoryless:
        """The memoryless floor."""
        return Memoryless(
            agents=self.agents,
            answer_probability=self.answer_probability,
            handle_s=self.handle_s,
            cap=self.cap,
        )

    @property
    def scenario(self) -> Scenario:
        """What is simulated."""
        if self.alive:
            return lifelike(self.agents, self.hours, self.cap)
        return memoryless(self.floor, self.hours)

    @property
    def key(self) -> str:
        """The name it is remembered by."""
        world = f"p={self.answer_probability:g} H={self.handle_s:g}"
        where = "lifelike" if self.alive else world
        return f"{self.pacer} on {where}, {self.agents} agents, cap {self.cap:g}"


class Shift(TypedDict):
    """What one seed came to."""

    hours: float
    used: float
    """The first half hour, in which the optimum isn't known, not counted."""
    answered: int
    """By persons, from the first call on, as the law counts; so are `abandoned`."""
    abandoned: int
    worst_1000: float | None
    decide_p99_us: float
    commit: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What all the shifts of a case came to."""

    seeds: int
    hours: float
    utilisation: float
    abandonment: float
    worst_1000: float | None
    least: float
    """Utilisation of the worst seed."""
    commits: frozenset[str]


def pacer_of(case: Case, settings: CampaignSettings, tally: Tally) -> Pacer:
    """The pacer that a case names."""
    name = case.pacer
    if name.startswith("ratio "):
        return FixedRatio(float(name.removeprefix("ratio ")))
    if name.startswith("vicidial_"):
        rule, _, aim = name.removeprefix("vicidial_").partition(" ")
        return VicidialAdapt(Adapt(rule), target=case.cap, aim=float(aim or 0.0))
    if name == "omnidialer":
        return OmniDialer(target=case.cap, ring_s=case.scenario.ring.mean_s)
    mode = settings.model_copy(update={"mode": Mode(name)})
    return make_pacer(mode, tally)


def maker(case: Case) -> PacerFactory:
    """What makes the pacer that a case names."""

    def make(settings: CampaignSettings, tally: Tally) -> Pacer:
        return pacer_of(case, settings, tally)

    return make


def _shift(job: tuple[Case, int, str]) -> Shift:
    case, seed, commit = job
    shift = Simulated(case.scenario, Mode.predictive, seed, maker(case))
    seen = shift.run()
    return Shift(
        hours=case.hours,
        used=round(shift.busy_s / shift.paid_s, 5),
        answered=len(seen.fates),
        abandoned=sum(seen.fates),
        worst_1000=worst_window(seen.fates),
        decide_p99_us=Latency.of(seen.spent_ns).p99,
        commit=commit,
    )


Shifts = dict[str, dict[str, Shift]]
"""By case and seed."""


def _stored() -> Shifts:
    shifts: Shifts = json.loads(STORE.read_text()) if STORE.exists() else {}
    return shifts


def known() -> dict[str, Outcome]:
    """Everything that was run before."""
    return {key: _sum(list(shifts.values())) for key, shifts in _stored().items()}


def commit_here() -> str:
    """The commit that shifts are run on; marked where the dialer differs from it."""
    asked = ["git", "describe", "--always", "--abbrev=9", "--exclude=*"]
    name = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    changed = ["git", "status", "--porcelain", "--", "dialer", "tests/bench/pacing/worlds.py"]
    edits = subprocess.run(changed, capture_output=True, text=True, check=True).stdout.strip()
    return f"{name}, changed" if edits else name


def run(cases: Iterable[Case], *, until: float, processes: int) -> bool:
    """Run what isn't known, each shift kept as soon as it is over; whether nothing is lacking.

    Stops beginning shifts at `until` on the monotonic clock.
    """
    shifts, commit = _stored(), commit_here()
    lacking = [
        (case, seed, commit)
        for case in cases
        for seed in range(1, case.seeds + 1)
        if shifts.get(case.key, {}).get(str(seed), {"hours": 0.0})["hours"] < case.hours
    ]

    def in_time() -> Iterator[tuple[Case, int, str]]:
        for job in lacking:
            if time.monotonic() >= until:
                return
            yield job

    done = 0
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        jobs = in_time()
        while batch := [job for _, job in zip(range(processes), jobs, strict=False)]:
            for (case, seed, _), shift in zip(batch, pool.map(_shift, batch, 1), strict=True):
                shifts.setdefault(case.key, {})[str(seed)] = shift
            done += len(batch)
            STORE.write_text(json.dumps(shifts, indent=1, sort_keys=True) + "\n")
    return done == len(lacking)


def _sum(shifts: list[Shift]) -> Outcome:
    used = [shift["used"] for shift in shifts]
    answered = sum(shift["answered"] for shift in shifts)
    worst = [shift["worst_1000"] for shift in shifts if shift["worst_1000"] is not None]
    return Outcome(
        seeds=len(shifts),
        hours=min(shift["hours"] for shift in shifts),
        utilisation=sum(used) / len(used),
        abandonment=sum(shift["abandoned"] for shift in shifts) / max(1, answered),
        worst_1000=max(worst, default=None),
        least=min(used),
        commits=frozenset(shift["commit"] for shift in shifts),
    )
