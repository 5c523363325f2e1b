"""The simulator's control plane refuses nonsense in words; the PBX behind it goes on."""

import json
from random import Random

import httpx
import pytest

from offhook.simulator.config import SimulatorConfig
from offhook.simulator.serve import running_simulator
from offhook.switches.voispeed import wire

VALID: dict[str, list[object]] = {
    "faults": [{"kind": "html", "next": 1}, {"kind": "lines", "lines": 3, "gateway": "1"}],
    "numbers": [{"number": "555", "behaviour": [{"kind": "busy"}]}],
    "events-urls": [{"urls": []}],
    "inbound": [{"number": "555", "called": "1"}],
    "hangup": [{"extid": "nobody", "by": "gateway"}],
}
ODD: list[object] = [
    None, True, -1, 10**30, 1.5e308, "", "\x00", "\ud83d\ude00", "http://", "file:///etc/passwd",
    [], {}, [[]], {"a": {"b": []}}, "9" * 5_000,
]  # fmt: skip
RAW = [b"", b"[", b"\xff\xfe", b"null", b"[" * 2_000, b'{"kind": "html"', b"NaN", b"1e999"]


def spoiled(random: Random, body: object) -> object:
    """A body with something in it changed, added or left out."""
    if not isinstance(body, dict) or random.random() < 0.1:
        return random.choice(ODD)
    changed = dict(body)
    name = random.choice([*changed, "strange"])
    if random.random() < 0.2:
        changed.pop(name, None)
    else:
        changed[name] = random.choice(ODD)
    return changed


@pytest.mark.parametrize("name", sorted(VALID))
async def test_control_refuses_nonsense_in_words(name: str) -> None:
    random = Random(name)
    bodies = [json.dumps(spoiled(random, random.choice(VALID[name]))).encode() for _ in range(80)]
    async with running_simulator(SimulatorConfig()) as sim, httpx.AsyncClient() as http:
        for body in [*RAW, *bodies]:
            answer = await http.post(f"{sim.control_url}/{name}", content=body)
            assert answer.status_code in (200, 400), (body[:200], answer.text)
            assert answer.status_code == 200 or answer.json()["error"]
        await http.delete(f"{sim.control_url}/faults")
        calls = await http.get(
            sim.url, params={"service": "get_current_calls", "token": "simulator"}
        )
        assert isinstance(wire.parse_current_calls(calls.content), tuple)
