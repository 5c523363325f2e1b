"""What a bench is to run."""

from dataclasses import dataclass

from offhook.demo.kinds import PbxKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """How many calls, by whom and how fast."""

    calls: int = 2_000
    agents: int = 150
    rate: float | None = None
    """Originations a second; None is as fast as it goes."""
    seed: int = 1
    baseline: bool = False
    """Also run calls as one Temporal workflow each, for comparison."""
    pbx: PbxKind = PbxKind.voispeed
    """What to dial through; on a real Asterisk a bare script is measured beside offhook."""
