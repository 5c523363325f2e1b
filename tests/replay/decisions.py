"""`python -m tests.replay.decisions`: write down what today's engine decides on a small floor.

A journal says by which decisions it was made (`dialer.version`). What a pacer decides in a short
simulated shift is kept as one fingerprint for each number, so that nobody changes the decisions
and forgets to raise it.
"""

import hashlib
import json
import sys
from datetime import datetime
from pathlib import Path

from dialer.events import Tally
from dialer.model import CampaignSettings
from dialer.pacing import make_pacer
from dialer.pacing.base import Decision, Floor, Observation, Pacer
from dialer.simulation import Scenario, Spread, simulate
from dialer.simulation.scenario import Drift, Shape
from dialer.version import DECISIONS

STORE = Path(__file__).parent / "decisions.json"
FLOOR = Scenario(
    name="fingerprint",
    agents=8,
    duration_s=2_400.0,
    answer_probability=0.3,
    machine_probability=0.2,
    amd_s=1.5,
    ring=Spread(dist=Shape.lognormal, mean_s=11.0, cv=0.6),
    talk=Spread(mean_s=60.0),
    wrap=Spread(mean_s=8.0),
    drift=(Drift(at_s=1_200.0, answer_probability=0.5, agents=6),),
)


class Listening:
    """A pacer whose decisions are taken down."""

    def __init__(self, pacer: Pacer) -> None:
        self.name = pacer.name
        self._pacer = pacer
        self.said = hashlib.sha256()

    def observe(self, observation: Observation, now: datetime) -> None:
        """Pass it on."""
        self._pacer.observe(observation, now)

    def retune(self, settings: CampaignSettings) -> None:
        """Pass it on."""
        self._pacer.retune(settings)

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """Ask, and take down what leads to calls placed or taken back."""
        decision = self._pacer.calls_to_place(floor, now)
        if decision.place or decision.cancel:
            self.said.update(f"{now.isoformat()} {decision.place} {decision.cancel}\n".encode())
        return decision


def fingerprint() -> str:
    """What the predictive pacer decides on the floor, as one short text."""
    heard: list[Listening] = []

    def listen(settings: CampaignSettings, tally: Tally) -> Pacer:
        heard.append(Listening(make_pacer(settings, tally)))
        return heard[-1]

    simulate(FLOOR, make=listen)
    return heard[0].said.hexdigest()[:16]


def recorded() -> dict[str, str]:
    """Fingerprints by number of decisions."""
    known: dict[str, str] = json.loads(STORE.read_text())
    return known


if __name__ == "__main__":
    before = recorded() if STORE.exists() else {}
    number, now_ = str(DECISIONS), fingerprint()
    if before.get(number, now_) != now_ and "--again" not in sys.argv:
        sys.exit(f"decisions {number} are recorded otherwise; raise DECISIONS in dialer/version.py")
    STORE.write_text(json.dumps(before | {number: now_}, indent=1) + "\n")
