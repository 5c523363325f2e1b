"""The reference page of states is what the tables say."""

from pathlib import Path

from dialer.agent import TRANSITIONS as AGENT
from dialer.call import TRANSITIONS as CALL
from dialer.diagrams import states_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "states.md"


def test_states_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == states_page(), (
        "run python -m dialer.diagrams > docs/reference/states.md"
    )


def test_states_page_lists_every_move() -> None:
    page = states_page()
    for table in (CALL, AGENT):
        for state, moves in table.items():
            for move, after in moves.items():
                assert f"| {state} | {move} | {after} |" in page
