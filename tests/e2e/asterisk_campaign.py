"""`python -m tests.e2e.asterisk_campaign --calls 500`: real calls, and what both ends say of them.

With `--faults`, a smaller campaign for each way of disturbing it, one line of JSON each.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from offhook.demo.run import DemoOptions
from offhook.home import Home
from offhook.logging import configure_logging
from offhook.settings import LogLevel, load_settings
from tests.support.asterisk_campaign import CampaignResult, Fault, run_campaign


async def _one(options: DemoOptions, fault: Fault, *, amd: bool) -> CampaignResult:
    settings = load_settings()
    configure_logging(settings.log.model_copy(update={"level": LogLevel.warning}))
    with tempfile.TemporaryDirectory(
        prefix="offhook-campaign-", ignore_cleanup_errors=True
    ) as folder:
        return await run_campaign(Home(Path(folder)), settings, options, fault, amd=amd)


def main() -> int:
    """Run what the command line asks for; 1 when anything is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500, help="contacts to call")
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault", type=Fault, choices=list(Fault), default=Fault.none)
    parser.add_argument("--faults", action="store_true", help="one campaign for every fault")
    parser.add_argument("--amd", action="store_true", help="listen for answering machines")
    asked = parser.parse_args()
    options = DemoOptions(contacts=asked.calls, agents=asked.agents, seed=asked.seed)
    sound = True
    for fault in Fault if asked.faults else [asked.fault]:
        result = asyncio.run(_one(options, fault, amd=asked.amd))
        sys.stdout.write(result.model_dump_json() + "\n")
        sys.stdout.flush()
        sound &= result.sound
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
