"""How long the engine takes over an event: 400 calls in progress, 100 agents.

`python -m tests.bench.engine_rate [seconds]` runs a floor in virtual time and prints percentiles of
`handle`, pacing decisions apart.
"""

import gc
import sys
import time
from datetime import datetime

from dialer.commands import Command
from dialer.engine import Engine
from dialer.events import Event, SnapshotTaken, Tick
from dialer.live import placing
from dialer.model import Mode, PacingSettings
from dialer.pacing.agentless import AgentlessPacer
from dialer.pacing.base import Decision, Floor
from tests.support.dialing import agent, contact, settings, started, trunk
from tests.support.fake_switch import Fate
from tests.support.floor import Floor as Room


class Filler(AgentlessPacer):
    """Keeps 400 calls in progress whatever the agents can take."""

    def calls_to_place(self, floor: Floor, now: datetime) -> Decision:
        """What is lacking to 400."""
        begun = len(floor.ringing_ages) + len(floor.waiting_ages) + len(floor.talking_ages)
        return Decision(place=max(0, 400 - begun), reason="filling")


class Timed(Engine):
    """An engine that notes how long each event took, and how much of it pacing."""

    def __init__(self) -> None:
        super().__init__(pacer_factory=lambda settings, tally: Filler(settings))
        self.spent: dict[str, list[float]] = {}
        self.pacing: list[float] = []

    def handle(self, event: Event, now: datetime) -> list[Command]:
        """Handle the event against the clock."""
        paced = len(self.pacing)
        begun = time.perf_counter()
        commands = super().handle(event, now)
        taken = time.perf_counter() - begun
        kind = event.kind if isinstance(event, Tick | SnapshotTaken) else "event"
        self.spent.setdefault(kind, []).append(taken - sum(self.pacing[paced:]))
        return commands


def percentile(values: list[float], share: float) -> float:
    """In microseconds."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e6


def main(duration: float) -> None:
    """Run, and say what it took."""
    engine = Timed()
    pace = placing.pace

    def timed_pace(*args: object) -> None:
        begun = time.perf_counter()
        pace(*args)  # type: ignore[arg-type]  # passed through
        engine.pacing.append(time.perf_counter() - begun)

    placing.pace = timed_pace  # type: ignore[assignment]  # measured, not changed
    floor = Room(
        started(
            agents=tuple(agent(number) for number in range(100)),
            trunks=(trunk(500),),
            settings=settings(
                mode=Mode.power, pacing=PacingSettings(ratio=5.0, calls_per_second=60.0)
            ),
        ),
        contacts=[contact(number) for number in range(100_000)],
        engine=engine,
    )
    floor.switch.fate = Fate(ring=9.0, answers=True, talk=18.0)
    for number in range(0, 100_000, 4):
        for step in range(3):
            floor.switch.fates[f"+3902{number + step:07d}"] = Fate(ring=15.0, answers=False)
    gc.freeze()  # the made-up contacts are no part of the engine
    floor.start().run(duration)
    most = max(len(step.commands) for step in floor.steps)
    status = engine.status(floor.now)
    sys.stdout.write(f"in progress at the end: {dict(status.calls)}, most commands {most}\n")
    for kind, values in [*engine.spent.items(), ("pacing", engine.pacing)]:
        figures = ", ".join(
            f"p{share:.0%}".replace("%", "") + f" {percentile(values, share):.0f} us"
            for share in (0.5, 0.9, 0.99)
        )
        sys.stdout.write(f"{kind}: {len(values)} times, {figures}\n")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0)
