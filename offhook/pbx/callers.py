"""Somebody who calls the private Asterisk and presses keys: SIPp once more, the other way round.

Keys go as RFC 2833 events in the audio stream, which SIPp sends through a raw socket: that takes
the rights of root. Otherwise they go as SIP INFO, which Asterisk takes alike.
"""

import asyncio
import os
import re
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from offhook.launch import guarded
from offhook.pbx import scenario
from offhook.pbx.configuration import HOST, free_ports
from offhook.pbx.install import Installed
from offhook.pbx.keys import packets
from offhook.pbx.people import SippFailed

_STEP = re.compile(r"[0-9*#]|;|!")
_GAP_MS, _PAUSE_MS = 400, 1000
_LIMIT_S = 60


class Script(BaseModel):
    """What a caller does once he is answered."""

    model_config = ConfigDict(frozen=True)

    keys: str = Field(default="", pattern=r"^[0-9*#;!]{0,60}$")
    """Keys in order; `;` is a second of patience, `!` hangs up. Without it, he waits to be let go.
    """
    calling: str = Field(default="+390733000001", pattern=r"^\+?[0-9]{1,20}$")
    stay_s: float = Field(default=20.0, ge=0, le=_LIMIT_S)
    """How long he stays after the last key before he hangs up himself."""


def can_send_rfc2833() -> bool:
    """Whether this process may open the raw socket that playing packets needs."""
    return os.geteuid() == 0


def sip_port(run: Path) -> int:
    """Where the private Asterisk of this folder takes calls, from its own configuration."""
    found = re.search(r"^bind = \S+:(\d+)$", (run / "etc/pjsip.conf").read_text(), re.MULTILINE)
    if found is None:
        raise SippFailed("the private Asterisk has no SIP port", hint="start it: offhook pbx up")
    return int(found[1])


async def call(installed: Installed, *, sip_port: int, number: str, script: Script) -> None:
    """Call a number and play the script; returns when the call is over.

    `SippFailed` when the call was refused, or didn't go as the script says.
    """
    in_band = can_send_rfc2833()
    port, media = free_ports("uu")
    with tempfile.TemporaryDirectory(prefix="offhook-caller-") as name:
        folder = Path(name)
        (folder / "caller.xml").write_text(scene(script, folder if in_band else None))
        process = await asyncio.create_subprocess_exec(
            *guarded(
                installed.command(
                    "sipp", f"{HOST}:{sip_port}", "-sf", folder / "caller.xml", "-s", number,
                    "-i", HOST, "-p", str(port), "-mi", HOST, "-mp", str(media), "-m", "1",
                    "-nostdin",
                    "-timeout", f"{_LIMIT_S + 30}s", "-timeout_error",
                )
            ),
            cwd=folder,
            env={**os.environ, "TERM": "dumb"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            ended = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
    if ended != 0:
        raise SippFailed(
            f"the call to {number} was refused or broke off",
            hint="see `offhook inbound list` for numbers that are answered",
        )


def scene(script: Script, folder: Path | None) -> str:
    """The caller's scenario; with a folder, the packets of his keys are written there."""
    steps = []
    for place, step in enumerate(_STEP.findall(script.keys)):
        if step == ";":
            steps.append(scenario.patience(_PAUSE_MS, place))
        elif step != "!":
            sent = _played(folder, step, place) if folder else scenario.info(step, place + 2)
            steps += [sent, scenario.patience(_GAP_MS, place)]
    leaves = 1 if script.keys.endswith("!") else max(1, round(script.stay_s * 1000))
    return scenario.caller(script.calling, steps, leaves_ms=leaves)


def _played(folder: Path, key: str, place: int) -> str:
    path = folder / f"key{place}.pcap"
    path.write_bytes(packets(key, place))
    return f'<nop><action><exec play_pcap_audio="{path}"/></action></nop>\n'
