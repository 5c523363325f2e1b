"""Forecasts in a process of their own: simulating shifts takes seconds of a whole core.

`simulated` is the caller's side. The other side is this module run as a program: it gets the
question on its standard input and says the forecast on its standard output. It gives way to
everybody who is on the phone, and dies with its parent.
"""

import asyncio
import os
import subprocess
import sys

from pydantic import TypeAdapter

from dialer.simulation import Forecast, Question, forecast_row, gathered
from offhook.launch import guarded

NICENESS = 10
_QUESTION = TypeAdapter(Question)


class SimulationBroke(RuntimeError):
    """The process ended without a forecast."""


async def simulated(question: Question) -> Forecast:
    """The answer to the question; the process is killed when whoever waits is cancelled."""
    child = await asyncio.create_subprocess_exec(
        *guarded([sys.executable, "-m", "offhook.offices.forecast_process"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        said, _ = await child.communicate(_QUESTION.dump_json(question))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise SimulationBroke(f"the simulation ended with {child.returncode}")
    return Forecast.model_validate_json(said)


def main() -> None:
    """Be the child."""
    os.nice(NICENESS)
    question = _QUESTION.validate_json(sys.stdin.buffer.read())
    rows = tuple(forecast_row(question, count) for count in question.agents)
    sys.stdout.write(gathered(question, rows).model_dump_json())


if __name__ == "__main__":
    main()
