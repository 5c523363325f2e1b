"""`offhook pacing simulate`: a list, one object per seed; a bad file is a usage error."""

import json
from pathlib import Path

import pytest

from offhook.cli import main

SHIFT = {
    "name": "short",
    "agents": 3,
    "duration_s": 300,
    "warmup_s": 60,
    "answer_probability": 0.5,
    "talk": {"dist": "exponential", "mean_s": 30},
}


def shift_file(folder: Path, **changes: object) -> str:
    path = folder / "shift.json"
    path.write_text(json.dumps(SHIFT | changes))
    return str(path)


def test_simulate_prints_one_object_per_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["pacing", "simulate", "--scenario", shift_file(tmp_path), "--seeds", "2", "--json"]
    assert main.run(given) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["pacer"], first["seed"], second["seed"]) == ("predictive", 1, 2)
    assert {"calls", "answered", "abandoned", "abandonment_rate", "mean_wait_ms"} <= set(first)
    assert 0.0 < first["agent_utilisation"] < 1.0
    assert set(first["decide_us"]) == {"p50", "p99"}


def test_simulate_shows_a_table_to_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shift.toml"
    path.write_text("agents = 2\nduration_s = 200\nanswer_probability = 0.4\n")
    given = ["pacing", "simulate", "--scenario", str(path), "--pacer", "progressive"]
    assert main.run(given) == 0
    assert "progressive: 0.00% abandoned" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agents": 0}, "agents"),
        ({"warmup_s": 300}, "warmup_s"),
        ({"duration_s": float("inf")}, "duration_s"),
        ({"talk": {"mean_s": 1e12}}, "talk.mean_s"),
        ({"ring": {"dist": "uniform", "mean_s": 9}}, "ring.dist"),
        ({"drift": [{"at_s": 9, "agent": 2}]}, "drift.0.agent"),
        ({"machine_probability": 0.6}, "add up to more than 1"),
        ({"shift": 8}, "shift"),
    ],
)
def test_simulate_refuses_a_scenario_that_makes_no_sense(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], said: str
) -> None:
    given = ["pacing", "simulate", "--scenario", shift_file(tmp_path, **changes)]
    assert main.run(given) == 2
    assert said in capsys.readouterr().err


def test_simulate_refuses_a_file_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shift.json").write_text("agents: 3")
    for name in ("shift.json", "none.json"):
        assert main.run(["pacing", "simulate", "--scenario", str(tmp_path / name)]) == 2
        assert name in capsys.readouterr().err


def test_simulate_refuses_a_pacer_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["pacing", "simulate", "--scenario", shift_file(tmp_path), "--pacer", "wizard"]
    assert main.run(given) == 2
    assert "predictive" in capsys.readouterr().err


def test_simulate_counts_whoever_answers_a_campaign_without_agents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shift = shift_file(tmp_path, lines=9, machine_probability=0.3, amd_s=1.0)
    assert (
        main.run(["pacing", "simulate", "--scenario", shift, "--pacer", "agentless", "--json"]) == 0
    )
    (result,) = json.loads(capsys.readouterr().out)
    assert 0.3 < result["answered"] / result["calls"] < 0.55
    assert (result["abandoned"], result["agent_utilisation"]) == (0, 0.0)
