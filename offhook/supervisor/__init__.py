"""Run a local stack as children of one process."""

from offhook.supervisor.parts import ALL_PARTS
from offhook.supervisor.stack import RunningStack, running_stack
from offhook.supervisor.supervisor import Backoff, EventKind, PartEvent, PartSpec, Supervisor

__all__ = [
    "ALL_PARTS",
    "Backoff",
    "EventKind",
    "PartEvent",
    "PartSpec",
    "RunningStack",
    "Supervisor",
    "running_stack",
]
