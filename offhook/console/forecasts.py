"""Forecasts, each in a process of its own: simulating a shift takes seconds of a whole core."""

import asyncio
import os
import sys

from dialer.simulation import Forecast
from offhook.errors import OffhookError
from offhook.settings import Settings, as_environment

LONGEST_S = 120.0
_AT_A_TIME = asyncio.Semaphore(1)
_NICE = 10
"""Calls that are in progress come first."""


class NoForecast(OffhookError):
    """A forecast could not be made."""

    code = "no_forecast"


async def forecast(settings: Settings, campaign: str) -> Forecast:
    """What `offhook pacing forecast` says of a campaign; raises `NoForecast`."""
    environment = {**os.environ, **as_environment(settings), "OFFHOOK_HOME": str(settings.home)}
    command = [sys.executable, "-m", "offhook", "pacing", "forecast", "--campaign", campaign]
    async with _AT_A_TIME:
        process = await asyncio.create_subprocess_exec(
            "nice",
            "-n",
            str(_NICE),
            *command,
            "--json",
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(LONGEST_S):
                said, complaint = await process.communicate()
        except TimeoutError:
            raise NoForecast("the forecast takes too long", hint="ask for it later") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:]
        raise NoForecast("there is no forecast for this campaign", hint="".join(last)[:200] or None)
    return Forecast.model_validate_json(said)
