"""Talking to a menu in the page."""

from pathlib import Path

from ivr.tree import Tree, plant
from offhook.console.ivr_trial import forest_of, sensible, talk
from offhook.console.views.ivr import trial_part

MENU = Path(__file__).parents[3] / "docs/tutorial/ivr-pin/support.yaml"


def _trees() -> dict[str, Tree]:
    return plant([("support.yaml", MENU.read_text())]).trees


def test_a_menu_speaks_first_and_waits() -> None:
    trial = talk(_trees(), "support", [])
    assert trial.waits
    assert trial.result is None
    assert [who for who, _ in trial.said] == ["ivr"]


def test_keys_lead_on_and_a_pin_is_hidden() -> None:
    trial = talk(_trees(), "support", ["1"])
    assert ("caller", "1") in trial.said
    assert (trial.waits, trial.secret) == (True, True)
    after = talk(_trees(), "support", ["1", "123456"])
    assert ("caller", "••••••") in after.said
    assert "123456" not in str(after.said)


def test_hanging_up_ends_the_call_and_says_where() -> None:
    trial = talk(_trees(), "support", ["1", "!"])
    assert not trial.waits
    assert trial.result is not None
    assert trial.result.node == "pin"
    assert "The call ended at pin" in trial_part(trial)


def test_published_trees_are_a_forest_again_and_the_entry_is_first() -> None:
    trees = _trees()
    assert forest_of(trees, "support").trees == trees


def test_only_what_a_telephone_has_can_be_pressed() -> None:
    assert [sensible(text) for text in ("1 2#", "", "!", "a", "1!", "1" * 41)] == [
        "12#", "", "!", None, None, None
    ]  # fmt: skip
