"""What dial loops do, as metrics and log lines."""

from datetime import datetime, timedelta

import structlog

from dialer.commands import NotePacing, SwitchCommand
from dialer.model import SwitchId
from offhook import telemetry

log = structlog.get_logger()

_steps = telemetry.histogram(
    "dialer_step_seconds", "Time of one step of a dial loop, its commit included"
)
_step_events = telemetry.counter("dialer_step_events_total", "Events that engines handled")
_lag = telemetry.histogram(
    "dialer_command_lag_seconds",
    "Time from the event that caused a command to the command leaving for the switch",
    labels=("action",),
)
_failures = telemetry.counter(
    "dialer_command_failures_total",
    "Commands and questions that failed",
    labels=("action", "error"),
)
_decisions = telemetry.counter(
    "dialer_pacing_decisions_total",
    "Decisions of pacers that placed calls or gave another kind of reason than the one before",
    labels=("why",),
)
_paced = telemetry.counter(
    "dialer_paced_calls_total", "Calls that pacers' decisions placed, by reason", labels=("why",)
)
_untranslatable = telemetry.counter(
    "dialer_untranslatable_events_total", "Vendor events that could not be understood"
)

_unwatched = telemetry.counter(
    "dialer_unwatched_switches_total",
    "Times a campaign began to wait because nobody watched the events of its switch",
)


class MeteredDialing:
    """The `DialObserver` of a worker."""

    def step(self, *, events: int, commands: int, took: timedelta) -> None:
        """Count one turn of a loop."""
        _steps.observe(took.total_seconds())
        _step_events.inc(events)

    def sent(self, command: SwitchCommand, *, lag: timedelta) -> None:
        """Time one command; joining is what a customer waits for."""
        _lag.labels(action=command.kind).observe(max(0.0, lag.total_seconds()))

    def failed(self, action: str, error: Exception) -> None:
        """Count and tell a failure."""
        name = type(error).__name__
        _failures.labels(action=action, error=name).inc()
        log.warning("dial_command_failed", action=action, error=name, detail=str(error)[:200])

    def paced(self, note: NotePacing) -> None:
        """Count a decision of the pacer, and what it came to."""
        _decisions.labels(why=note.why).inc()
        _paced.labels(why=note.why).inc(note.place)

    def untranslatable(self, channel: str, error: Exception) -> None:
        """Count and tell an event that the adapter could not read."""
        _untranslatable.inc()
        log.warning("event_untranslatable", channel=channel, detail=str(error)[:200])

    def watched(self, switch: SwitchId, since: datetime | None) -> None:
        """Tell when a campaign begins and ends to wait for somebody who watches its switch."""
        if since is None:
            log.info("switch_watched", switch=switch)
            return
        _unwatched.inc()
        log.warning("switch_unwatched", switch=switch, since=since.isoformat())
