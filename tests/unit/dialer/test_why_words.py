"""Every reason for which the engine gives a contact back, or finishes one, has words."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import dialer.live
from dialer.compliance import judge
from dialer.retry import RetryReason
from dialer.why_words import FINISHED, REFUSALS, finished_says, refusal_says

LIVE = Path(dialer.live.__file__).parent
GIVING_BACK = {"give_back", "give_back_all", "_give_back", "_refuse_one", "_finish", "Verdict"}
"""Functions of the engine that are told the reason."""


def said_in(path: Path) -> Iterator[str]:
    """The reasons that a module names in calls of these, by value or by a constant's name."""
    module = import_module(f"dialer.live.{path.stem}")
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        if name not in GIVING_BACK:
            continue
        for given in [*node.args, *(one.value for one in node.keywords)]:
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield given.value
            elif isinstance(given, ast.Name) and given.id.isupper():
                value = getattr(module, given.id)
                if isinstance(value, str):
                    yield value


TRIED_AGAIN = {RetryReason.retry, RetryReason.disposition, RetryReason.next_number}
EMITTED = sorted({one for path in LIVE.glob("*.py") for one in said_in(path)})


def test_reasons_are_found_in_the_engine() -> None:
    assert {"skipped", "owner_away", "agent_needed", "claim_expired", "paused"} <= set(EMITTED)


@pytest.mark.parametrize("reason", EMITTED)
def test_reason_of_the_engine_has_words(reason: str) -> None:
    assert reason in REFUSALS or reason in FINISHED


@pytest.mark.parametrize("reason", [judge.DO_NOT_CALL, judge.NO_PROFILE, judge.NUMBER_IN_CALL])
def test_reason_of_the_law_has_words(reason: str) -> None:
    assert refusal_says(reason) != reason


@pytest.mark.parametrize("reason", sorted(set(RetryReason) - TRIED_AGAIN))
def test_reason_not_to_try_again_has_words(reason: str) -> None:
    assert finished_says(reason) != reason


def test_reasons_with_a_name_in_them_are_said_with_it() -> None:
    assert refusal_says("quota north") == "the calls in progress may fill the quota north"
    assert refusal_says("us-fl/attempts") == "the law forbade it (us-fl/attempts)"
    assert finished_says("said not_interested") == "an agent said not_interested"
    assert finished_says("fr/consent") == "the law forbids it for good (fr/consent)"
    assert finished_says("") == "it was reached"
