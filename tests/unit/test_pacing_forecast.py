"""`offhook pacing forecast`: hours, lines and abandonment of a list by the number of agents."""

import json
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import CampaignSettings, Mode, PacingSettings, SwitchId
from dialer.simulation import Question, Scenario, Spread, counts_around, forecast_row
from dialer.simulation.scenario import Shape
from offhook.cli import main
from offhook.cli.pacing_chart import Chart, Limit, Series, bar, spaced, svg, ticks
from offhook.offices.forecasts import scenario_of
from offhook.storage.pacing_facts import PacingFacts

SHIFT: dict[str, object] = {
    "name": "Spring",
    "agents": 2,
    "duration_s": 600,
    "answer_probability": 0.5,
    "talk": {"dist": "constant", "mean_s": 100},
    "ring": {"dist": "constant", "mean_s": 20},
    "contacts": 3_000,
}

NAMED = {"a": 3.0, "b": 2.95, "c": 2.94, "d": 0.1}
"""Names of lines, and where they end."""

NOTHING = PacingFacts(
    calls=0,
    attempts=0,
    answered=0,
    machines=0,
    busy=0,
    picked_up=0,
    ring_s=0.0,
    talks=0,
    talk_s=0.0,
    talk_deviation_s=0.0,
    wraps=0,
    wrap_s=0.0,
    left=500,
    finished=0,
    agents=4,
    lines=0,
)


def settings(**changes: object) -> CampaignSettings:
    return CampaignSettings.model_validate(
        {"name": "Spring", "switch": SwitchId("pbx"), "wrap_up": timedelta(seconds=9)} | changes
    )


def forecast_file(folder: Path, **changes: object) -> str:
    path = folder / "shift.json"
    path.write_text(json.dumps(SHIFT | changes))
    return str(path)


def test_forecast_of_a_certain_shift_matches_arithmetic() -> None:
    scenario = Scenario.model_validate(SHIFT | {"answer_probability": 1.0})
    row = forecast_row(
        Question(scenario=scenario, mode=Mode.progressive, contacts=300, agents=(2,)), 2
    )
    assert row.calls_per_hour == pytest.approx(2 * 3_600 / 120, rel=0.05)
    assert row.hours == pytest.approx(300 / 60, rel=0.05)
    assert row.talk_minutes_per_agent_hour == pytest.approx(50, rel=0.03)
    assert (row.lines, row.abandonment_rate) == (2, 0.0)


def test_forecast_command_prints_a_row_per_number_of_agents_and_draws_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "spring.svg"
    given = ["pacing", "forecast", "--scenario", forecast_file(tmp_path), "--agents", "1,2"]
    assert main.run([*given, "--pacer", "progressive", "--svg", str(picture), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["contacts"], found["pacer"]) == (3_000, "progressive")
    one, two = found["rows"]
    assert (one["agents"], two["agents"]) == (1, 2)
    assert one["hours"] > 1.8 * two["hours"]
    drawn = ElementTree.fromstring(picture.read_text())
    assert "hours by agents" in "".join(drawn.itertext())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "one of --campaign and --scenario"),
        (["--scenario", "{file}", "--agents", "many"], "write numbers"),
        (["--scenario", "{file}", "--pacer", "agentless"], "name another"),
        (["--scenario", "{endless}"], "say --contacts"),
    ],
)
def test_forecast_command_says_what_is_wrong_with_its_question(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    endless = tmp_path / "endless.json"
    endless.write_text(json.dumps({**SHIFT, "contacts": None}))
    names = {"{file}": forecast_file(tmp_path), "{endless}": str(endless)}
    assert main.run(["pacing", "forecast", *(names.get(word, word) for word in more)]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_scenario_of_a_campaign_without_calls_rests_on_assumptions_and_its_settings() -> None:
    found = scenario_of("Spring", settings(), NOTHING)
    assert found.answer_probability == 0.25
    assert found.agents == 4
    assert found.wrap == Spread(dist=Shape.lognormal, mean_s=9.0, cv=0.6)
    assert found.calls_per_contact == pytest.approx((1 - 0.75**3) / 0.25)
    assert found.lines == PacingSettings().concurrency


def test_scenario_of_a_campaign_goes_by_what_its_calls_have_shown() -> None:
    seen = PacingFacts(
        calls=9_980,
        attempts=10_500,
        answered=995,
        machines=3_000,
        busy=500,
        picked_up=4_000,
        ring_s=8.0,
        talks=980,
        talk_s=60.0,
        talk_deviation_s=30.0,
        wraps=980,
        wrap_s=5.0,
        left=100,
        finished=5_000,
        agents=12,
        lines=30,
    )
    found = scenario_of("Spring", settings(), seen)
    assert found.answer_probability == pytest.approx(0.1)
    assert found.machine_probability == pytest.approx(0.3)
    assert found.talk.mean_s == pytest.approx(61.2)
    assert found.talk.cv == 0.5
    assert found.calls_per_contact == 2.1
    assert found.lines == 30


def test_agents_worth_comparing_lie_around_the_given_number() -> None:
    assert counts_around(10) == (5, 8, 10, 12, 15, 20)
    assert counts_around(1) == (1, 2)


def test_chart_marks_round_numbers_and_refuses_to_draw_nothing() -> None:
    assert ticks(0.0, 3.1) == [0.0, 1.0, 2.0, 3.0]
    assert ticks(60.0, 100.0) == [60.0, 70.0, 80.0, 90.0, 100.0]
    empty = Chart(title="t", x_label="x", y_label="y", series=[Series(name="a", points=[])])
    with pytest.raises(ValueError, match="at least one point"):
        svg(empty)


def test_chart_names_each_line_where_it_ends_and_no_name_covers_another() -> None:
    lines = [Series(name=name, points=[(0.0, 0.0), (9.0, y)]) for name, y in NAMED.items()]
    limit = Limit(name="cap", y=2.9)
    drawn = svg(Chart(title="t", x_label="x", y_label="y", series=lines, limit=limit))
    assert "prefers-color-scheme:dark" in drawn, "it is read on dark pages, too"
    texts = ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    at = {text.text: float(text.get("y", "nan")) for text in texts if text.text in {*NAMED, "cap"}}
    assert set(at) == {*NAMED, "cap"}
    heights = sorted(at.values())
    gaps = [above - below for below, above in pairwise(heights)]
    assert min(gaps) >= 12.0
    assert at["a"] == heights[0], "the highest line has the highest name"


@given(st.lists(st.floats(0.0, 400.0), min_size=1, max_size=20))
def test_labels_keep_a_line_apart_and_above_the_bottom(wanted: list[float]) -> None:
    places = spaced(wanted, 0.0, 400.0)
    ordered = sorted(places)
    assert all(later - first >= 14.99 for first, later in pairwise(ordered))
    assert ordered[-1] <= 400.0
    for (one, at), (other, then) in pairwise(sorted(zip(wanted, places, strict=True))):
        assert at <= then or one == other


def test_bar_is_as_long_as_its_share() -> None:
    assert bar(5.0, 10.0, width=8) == "████"
    assert bar(1.0, 16.0, width=8) == "▄"
    assert bar(1.0, 0.0) == ""
