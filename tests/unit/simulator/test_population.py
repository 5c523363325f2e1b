"""People behave by seed, number and try, whatever the order; files say how."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError

from offhook.simulator.population import (
    Behaviour,
    Dist,
    PersonKind,
    Population,
    PopulationFileError,
    RandomTime,
    read_population,
)

NUMBERS = [f"0733{index:06}" for index in range(4000)]


def test_person_depends_on_seed_number_and_try_only() -> None:
    people = Population()
    forward = [people.person(number, 0, seed=1) for number in NUMBERS[:50]]
    backward = [people.person(number, 0, seed=1) for number in reversed(NUMBERS[:50])]
    assert forward == backward[::-1]
    assert forward != [people.person(number, 0, seed=2) for number in NUMBERS[:50]]
    assert forward != [people.person(number, 1, seed=1) for number in NUMBERS[:50]]


def test_kinds_come_as_often_as_their_probability() -> None:
    people = Population(answer_probability=0.4, machine_probability=0.2)
    kinds = Counter(people.person(number, 0, seed=3).kind for number in NUMBERS)
    assert kinds[PersonKind.answer] / len(NUMBERS) == pytest.approx(0.4, abs=0.03)
    assert kinds[PersonKind.machine] / len(NUMBERS) == pytest.approx(0.2, abs=0.03)
    assert kinds[PersonKind.busy] / len(NUMBERS) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("dist", list(Dist))
def test_times_have_the_mean_asked_for(dist: Dist) -> None:
    people = Population(answer_probability=0.8, talk=RandomTime(dist=dist, mean_s=30, cv=0.5))
    people = people.model_copy(update={"machine_probability": 0.0})
    talks = [people.person(number, 0, seed=5).talk_s for number in NUMBERS]
    assert sum(talks) / len(talks) == pytest.approx(30, rel=0.08)


def test_script_is_followed_try_by_try_and_its_last_line_stays() -> None:
    script = [Behaviour(kind=PersonKind.busy), Behaviour(kind=PersonKind.answer, talk_s=5)]
    people = Population(numbers={"1": script})
    kinds = [people.person("1", attempt, seed=1).kind for attempt in range(4)]
    assert kinds == [PersonKind.busy, *[PersonKind.answer] * 3]
    assert people.person("1", 3, seed=1).talk_s == 5


def test_probabilities_over_one_are_refused() -> None:
    with pytest.raises(ValidationError, match="more than 1"):
        Population(answer_probability=0.9, busy_probability=0.2)


def test_more_answers_leave_less_room_for_failures() -> None:
    people = Population().with_answers(0.9, None)
    assert people.answer_probability == 0.9
    failing = people.busy_probability + people.rejected_probability
    assert 0 < failing < 0.1


def test_population_file_is_read_as_toml_or_json(tmp_path: Path) -> None:
    toml = tmp_path / "people.toml"
    toml.write_text(
        'answer_probability = 0.5\n[ring]\nmean_s = 3\n[[numbers."0733"]]\nkind = "busy"\n'
    )
    people = read_population(toml)
    assert (people.answer_probability, people.ring.mean_s) == (0.5, 3)
    json_file = tmp_path / "people.json"
    json_file.write_text(people.model_dump_json())
    assert read_population(json_file) == people


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("a.toml", "answer_probability = 2", "answer_probability"),
        ("a.toml", "answer_probability = [", "write TOML"),
        ("a.json", "{", "write TOML"),
        ("a.toml", "colour = 1", "colour"),
    ],
)
def test_bad_population_file_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, what: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(PopulationFileError, match=what):
        read_population(path)


def test_missing_population_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(PopulationFileError, match="readable"):
        read_population(tmp_path / "nowhere.toml")
