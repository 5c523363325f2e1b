"""Simulated shifts, run once and then remembered beside this file.

A result is kept under what was run: who paced, on which floor, for how long, with how many seeds.
Delete `results.json` to run everything again, as after a change of the engine or the pacers.
"""

import json
import multiprocessing
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dialer.events import Tally
from dialer.model import CampaignSettings, Mode
from dialer.pacing import Pacer, make_pacer
from dialer.simulation import Scenario, simulate
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


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What all the seeds of a case came to."""

    seeds: int
    hours: float
    utilisation: float
    abandonment: float
    worst_1000: float | None
    least: float
    """Utilisation of the worst seed."""
    decide_p99_us: float


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


def _shift(job: tuple[Case, int]) -> dict[str, float | None]:
    case, seed = job

    def make(settings: CampaignSettings, tally: Tally) -> Pacer:
        return pacer_of(case, settings, tally)

    result = simulate(case.scenario, seeds=[seed], make=make)[0]
    return {
        "used": result.agent_utilisation,
        "answered": result.answered,
        "abandoned": result.abandoned,
        "worst": result.worst_1000,
        "p99": result.decide_us.p99,
    }


def known() -> dict[str, Outcome]:
    """Everything that was run before."""
    if not STORE.exists():
        return {}
    return {key: Outcome(**value) for key, value in json.loads(STORE.read_text()).items()}


def run(cases: Iterable[Case]) -> dict[str, Outcome]:
    """Run what isn't known with at least as many seeds and hours, and return everything known."""
    found = known()
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for case in cases:
            before = found.get(case.key)
            if before and before.seeds >= case.seeds and before.hours >= case.hours:
                continue
            jobs = [(case, seed) for seed in range(1, case.seeds + 1)]
            found[case.key] = _sum(case, pool.map(_shift, jobs, chunksize=1))
            text = {key: vars(value) for key, value in sorted(found.items())}
            STORE.write_text(json.dumps(text, indent=1) + "\n")
    return found


def _sum(case: Case, shifts: list[dict[str, float | None]]) -> Outcome:
    used = [float(shift["used"] or 0.0) for shift in shifts]
    answered = sum(float(shift["answered"] or 0.0) for shift in shifts)
    abandoned = sum(float(shift["abandoned"] or 0.0) for shift in shifts)
    worst = [shift["worst"] for shift in shifts if shift["worst"] is not None]
    return Outcome(
        seeds=case.seeds,
        hours=case.hours,
        utilisation=round(sum(used) / len(used), 5),
        abandonment=round(abandoned / answered, 5) if answered else 0.0,
        worst_1000=max(worst, default=None),
        least=round(min(used), 5),
        decide_p99_us=max(float(shift["p99"] or 0.0) for shift in shifts),
    )
