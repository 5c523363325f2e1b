"""Today's workflow code makes the same decisions as the code that recorded the histories."""

import json

import pytest
from temporalio.worker import Replayer

from offhook.temporal.client import data_converter
from offhook.temporal.registration import WORKFLOWS
from tests.replay.record import FINGERPRINTS, HISTORIES, fingerprint, load

RECORDED = sorted(path.stem for path in HISTORIES.glob("*.json"))


def test_every_recorded_history_has_a_fingerprint() -> None:
    assert sorted(json.loads(FINGERPRINTS.read_text())) == RECORDED
    assert RECORDED


@pytest.mark.parametrize("name", RECORDED)
async def test_workflow_replays_a_recorded_history(name: str) -> None:
    replayer = Replayer(workflows=list(WORKFLOWS), data_converter=data_converter(None))
    await replayer.replay_workflow(load(name))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_history_holds_the_commands_of_its_fingerprint(name: str) -> None:
    history = json.loads((HISTORIES / f"{name}.json").read_text())
    assert fingerprint(history) == json.loads(FINGERPRINTS.read_text())[name]
