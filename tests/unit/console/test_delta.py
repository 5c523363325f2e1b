"""What a browser is told of a change: only what is new."""

import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from offhook.console.kit.delta import applied, delta, pieces
from offhook.console.kit.markup import el

ROWS = st.lists(st.text(alphabet="ab<>& \n", max_size=6), max_size=12)


def table(rows: Iterable[str]) -> Markup:
    return el("table", el("tbody", *(el("tr", el("td", one), data_key=one) for one in rows)))


@given(ROWS, ROWS)
def test_a_browser_that_applies_a_change_shows_what_is_wanted(
    before: list[str], after: list[str]
) -> None:
    old, new = str(table(before)), str(table(after))
    assert applied(old, delta(old, new)) == new
    assert "".join(pieces(new)) == new


def test_one_row_of_many_costs_that_row_wherever_the_others_move() -> None:
    rows = [f"Agent {number:03}" for number in range(60)]
    old = str(table(rows))
    told = delta(old, str(table(["New one", *rows[30:], *rows[:30]])))
    assert '<tr data-key="New one"><td>New one</td></tr>' in told
    moved = delta(old, old.replace("<td>Agent 007</td>", "<td>Talks</td>"))
    assert [one for one in moved if isinstance(one, str)] == ["<td>Talks</td></tr>"]
    assert len(json.dumps(told)) < len(old) / 10
