"""What `offhook bench dial --json` prints."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict


class Percentiles(BaseModel):
    """Milliseconds."""

    model_config = ConfigDict(frozen=True)

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> "Percentiles":
        """Of milliseconds in any order; each is one of the values, none is interpolated."""
        ordered = sorted(values)
        if not ordered:
            return cls()

        def at(percent: int) -> float:
            index = -(-percent * len(ordered) // 100) - 1
            return round(ordered[max(0, index)], 1)

        return cls(p50=at(50), p95=at(95), p99=at(99), max=at(100))


class BaselineReport(BaseModel):
    """The same number of calls a second as workflows: one Temporal workflow a call."""

    model_config = ConfigDict(frozen=True)

    calls: int
    calls_per_s: float
    answer_to_bridge_ms: Percentiles
    cpu_s_per_call: dict[str, float]
    """`total`, and by process."""


class BareReport(BaseModel):
    """A script that only dials and joins, on the same PBX in the same run."""

    model_config = ConfigDict(frozen=True)

    calls: int
    joined: int
    refused: int = 0
    """Calls that Asterisk would not make."""
    calls_per_s: float
    answer_to_agent_ms: Percentiles
    """Between Asterisk's own events, as offhook's."""
    cpu_s_per_call: dict[str, float]
    """`total`, and by process."""


class Ratio(BaseModel):
    """How many times better offhook is than the baseline."""

    model_config = ConfigDict(frozen=True)

    calls_per_s: float
    cpu_s_per_call: float
    answer_p50: float
    answer_p99: float


class DialReport(BaseModel):
    """What a run of the live path came to."""

    model_config = ConfigDict(frozen=True)

    calls: int
    agents: int
    rate: float | None
    """Originations a second that were asked for; None is as fast as it goes."""
    calls_per_s: float
    """Whole calls, from the first dialed to the last ended."""
    answer_to_agent_ms: Percentiles
    """As the PBX saw it: from the answer until the agent is on the line."""
    answer_to_join_command_ms: Percentiles
    """From the receipt of the answer to the command that joins: the part that is ours."""
    cpu_s_per_call: dict[str, float]
    """`total`, and by process; the PBX's own share is `simulator`, or `asterisk` and `sipp_...`."""
    rss_mb: dict[str, float]
    """`total`, and by process, at the end of the run."""
    errors: int
    """Attempts that didn't end answered, or of which the PBX tells another story."""
    failed_commands: int
    double_dialed: int
    stranded: int
    left_over: int = 0
    """Channels and bridges of a real PBX that were there when the campaign had ended."""
    duration_s: float
    load_average: tuple[float, float]
    """Of this machine over the last minute, before and after."""
    baseline: BaselineReport | None = None
    bare: BareReport | None = None
    times_bare: float | None = None
    """p99 from answer to agent, as a multiple of the bare script's."""
    ratio: Ratio | None = None

    @property
    def sound(self) -> bool:
        """Every call was made once, and nobody was wronged."""
        return not (self.errors or self.double_dialed or self.stranded or self.left_over)


def with_baseline(report: DialReport, baseline: BaselineReport) -> DialReport:
    """The report with the baseline and how they compare."""
    ours, theirs = report.answer_to_join_command_ms, baseline.answer_to_bridge_ms
    ratio = Ratio(
        calls_per_s=_share(report.calls_per_s, baseline.calls_per_s),
        cpu_s_per_call=_share(baseline.cpu_s_per_call["total"], report.cpu_s_per_call["total"]),
        answer_p50=_share(theirs.p50, ours.p50),
        answer_p99=_share(theirs.p99, ours.p99),
    )
    return report.model_copy(update={"baseline": baseline, "ratio": ratio})


def with_bare(report: DialReport, bare: BareReport) -> DialReport:
    """The report with the bare script's figures, and how many times longer customers waited."""
    times = _share(report.answer_to_agent_ms.p99, bare.answer_to_agent_ms.p99)
    return report.model_copy(update={"bare": bare, "times_bare": times})


def _share(better: float, worse: float) -> float:
    return round(better / worse, 2) if worse else 0.0
