"""Ids on a PBX that others use too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.live.correlators import Correlators
from offhook.switches.asterisk.names import Named, Names, Part

APPS = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
CAMPAIGNS = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), min_size=1)


@given(app=APPS, campaign=CAMPAIGNS, shard=st.integers(0, 9), epoch=st.integers(1, 99))
def test_every_correlator_of_the_dialer_comes_back_from_its_id(
    app: str, campaign: str, shard: int, epoch: int
) -> None:
    names, made = Names(app), Correlators(campaign, shard, epoch)
    attempt, park = made.attempt(), made.park()
    assert names.read(names.of(attempt)) == Named(attempt, Part.customer)
    assert names.read(names.of(park)) == Named(park, Part.agent)
    assert names.read(names.diverted(attempt, "PJSIP/x")) == Named(attempt, Part.diverted)
    assert names.read(names.message(attempt)) == Named(attempt, Part.message)


@given(app=APPS, other=APPS, campaign=CAMPAIGNS)
def test_id_of_another_application_is_nobodys(app: str, other: str, campaign: str) -> None:
    correlator = Correlators(campaign, 0, 1).attempt()
    found = Names(other).read(Names(app).of(correlator))
    assert (found is not None) == (app == other)


@given(st.text(max_size=60))
def test_reading_any_text_never_fails(text: str) -> None:
    found = Names("offhook").read(text)
    assert found is None or text.startswith("offhook.")


@pytest.mark.parametrize("foreign", ["1700000000.17", "offhook", "offhook.", "offhook.check"])
def test_id_without_a_correlator_is_not_ours(foreign: str) -> None:
    assert Names("offhook").read(foreign) is None


def test_id_with_an_unknown_ending_is_ours_and_no_party() -> None:
    assert Names("offhook").read("offhook.spring-1-1.rec") == Named("spring-1-1", Part.other)
