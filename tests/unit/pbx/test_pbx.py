"""Numbers that say who answers, SIPp's log read back, and what an onlooker adds to it."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.demo.asterisk import recorded
from offhook.pbx.development import write_people
from offhook.pbx.install import CannotInstall, Suite, install, installed
from offhook.pbx.media import RATE, mu_law, resampled
from offhook.pbx.numbers import (
    MOST_PEOPLE,
    RINGS_S,
    TALKS_S,
    Behaviour,
    Mixture,
    Person,
    crowd,
    number,
)
from offhook.pbx.onlooker import SeenChannel
from offhook.pbx.record import Ending, parse_record

AT = 1_795_274_057.5


@given(
    st.sampled_from(Behaviour),
    st.integers(0, MOST_PEOPLE - 1),
    st.sampled_from(RINGS_S),
    st.sampled_from(TALKS_S),
)
def test_number_says_who_answers_however_it_is_written(
    behaviour: Behaviour, serial: int, ring_s: float, talk_s: float
) -> None:
    e164 = number(behaviour, serial, ring_s=ring_s, talk_s=talk_s)
    person = Person(behaviour=behaviour, ring_s=ring_s, talk_s=talk_s)

    assert Person.of(e164) == Person.of(e164.removeprefix("+39")) == person
    assert Person.of(f"0039{e164.removeprefix('+39')}") == person


def test_crowd_has_no_number_twice_and_is_the_same_for_a_seed() -> None:
    first = crowd(5_000, Mixture(), seed=3)

    assert len(set(first)) == 5_000
    assert first == crowd(5_000, Mixture(), seed=3) != crowd(5_000, Mixture(), seed=4)


def test_record_tells_how_each_call_ended_and_passes_over_other_lines() -> None:
    busy, human = number(Behaviour.busy), number(Behaviour.human)
    calls = parse_record(
        [
            "SIPp started",
            f"2026-11-21\t15:14:17\t{AT:.6f} a@x invite sip:{busy}",
            f"2026-11-21\t15:14:17\t{AT:.6f} b@x invite sip:{human}",
            f"2026-11-21\t15:14:17\t{AT:.6f} a@x refused 486",
            f"2026-11-21\t15:14:18\t{AT + 1:.6f} b@x answered ",
            f"2026-11-21\t15:14:20\t{AT + 3:.6f} b@x hung_up ",
            f"2026-11-21\t15:14:20\t{AT + 3:.6f} stranger answered ",
        ]
    )

    assert [(call.number, call.ending, call.status) for call in calls] == [
        (busy, Ending.refused, 486),
        (human, Ending.called_hung_up, None),
    ]
    assert calls[0].answered_at is None
    assert calls[1].answered_at == datetime.fromtimestamp(AT + 1, UTC)


def test_call_too_many_has_no_attempt_and_a_join_is_told_by_the_onlooker() -> None:
    human = number(Behaviour.human)
    at = datetime.fromtimestamp(AT, UTC)
    lines = []
    for call in ("a", "b"):
        lines += [
            f"x {AT + 0.01:.6f} {call} invite sip:{human}",
            f"x {AT + 1:.6f} {call} answered ",
            f"x {AT + 4:.6f} {call} ended ",
        ]
    seen = SeenChannel(
        number=human,
        dialled_at=at,
        up_at=at + timedelta(seconds=1),
        joined_at=at + timedelta(seconds=1.25),
    )

    first, second = recorded(parse_record(lines), {"offhook.t-1": seen, "other.t-1": seen})

    assert (first.extid, first.fate, first.waited_s) == ("t-1", "joined", 0.25)
    assert (second.extid, second.fate) == (None, "dropped")


def test_mu_law_is_the_code_that_g711_gives() -> None:
    coded = mu_law(np.array([0.0, 0.99999, -0.99999]))

    assert coded == bytes([0xFF, 0x80, 0x00])


def test_resampling_keeps_a_tone_and_filters_what_would_fold_back() -> None:
    rate = 22_050
    time = np.arange(rate) / rate

    heard = resampled(np.sin(2 * np.pi * 1000 * time), rate)
    folded = resampled(np.sin(2 * np.pi * 6000 * time), rate)

    assert abs(heard.size - RATE) <= 1
    assert np.sqrt((heard**2).mean()) == pytest.approx(0.707, abs=0.05)
    assert np.sqrt((folded**2).mean()) < 0.05


def test_half_an_installation_is_none(tmp_path: Path) -> None:
    (tmp_path / Suite.forky / "rootfs").mkdir(parents=True)

    assert installed(tmp_path) is None


def test_machine_without_packages_of_debian_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offhook.pbx.install.shutil.which", lambda _name: None)

    with pytest.raises(CannotInstall, match="apt-get") as refused:
        install(tmp_path)

    assert refused.value.code == "pbx_cannot_install"
    assert "switch add asterisk" in str(refused.value.hint)
    assert not list(tmp_path.iterdir())


def test_contact_file_of_the_development_pbx_names_what_each_person_does(tmp_path: Path) -> None:
    write_people(tmp_path / "contacts.csv", 50)

    with (tmp_path / "contacts.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    people = [Person.of(row["phone"]) for row in rows]

    assert len({row["phone"] for row in rows}) == 50
    assert [row["name"] for row in rows] == [p.behaviour.name for p in people if p is not None]
    assert len({row["name"] for row in rows}) > 4
