"""Markup escapes what it is given, and leaves out what is not there."""

from importlib.resources import files

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from offhook.console.kit.chart import Line, line_chart
from offhook.console.kit.document import asset
from offhook.console.kit.markup import el, joined
from offhook.console.kit.panel import Act, act_of
from offhook.console.kit.parts import Row, choice, field, table
from offhook.console.kit.words import count, of, share, span


def test_text_in_markup_is_escaped_and_markup_is_not() -> None:
    shown = el("p", "<b>&", Markup("<i>x</i>"), title='"><script>')
    assert shown == '<p title="&#34;&gt;&lt;script&gt;">&lt;b&gt;&amp;<i>x</i></p>'


@given(st.text(), st.text())
def test_no_text_opens_an_element_or_closes_an_attribute(text: str, value: str) -> None:
    shown = str(el("p", text, title=value))
    assert shown.count("<") == shown.count(">") == 2
    assert shown.count('"') == 2


def test_attributes_that_are_not_there_are_left_out_and_names_are_those_of_html() -> None:
    shown = el("input", type="text", class_="a", data_of="b", disabled=False, hidden=True, id=None)
    assert shown == '<input type="text" class="a" data-of="b" hidden>'


def test_children_may_be_nested_and_missing() -> None:
    assert joined("a", None, ["b", [1, 2.5]]) == "ab12.5"


def test_a_table_names_its_columns_for_those_who_see_cards_and_marks_numbers() -> None:
    shown = table("People", ("Name", "Calls#"), [Row(key="a", cells=("Ann", "3"))])
    assert '<caption class="unseen">People</caption>' in shown
    assert '<tr data-key="a"><td data-label="Name">Ann</td>' in shown
    assert '<td data-label="Calls" class="number">3</td>' in shown


def test_a_field_ties_its_label_its_note_and_its_error_to_it() -> None:
    shown = field("Name", "name", note="yours", error="is empty")
    assert '<label for="f-name">Name</label>' in shown
    assert 'aria-describedby="n-name e-name" aria-invalid="true"' in shown


def test_a_choice_bars_what_can_not_be_chosen_and_says_why() -> None:
    shown = choice("Mode", "mode", {"a": "A", "b": "B"}, value="a", disabled={"b": "not here"})
    assert '<option value="a" selected>A</option>' in shown
    assert '<option value="b" disabled>B – not here</option>' in shown


def test_figures_and_spans_read_as_people_say_them() -> None:
    assert count(12_345.0) == "12,345"
    assert share(0.0314) == "3.1%"
    assert [span(s) for s in (0, 59, 61, 3_600, 90_061)] == [
        "0 s", "59 s", "1 min 1 s", "1 h", "1 d 1 h"
    ]  # fmt: skip
    assert (of(1, "call"), of(2, "call")) == ("1 call", "2 calls")


def test_a_chart_says_in_words_what_it_draws() -> None:
    shown = line_chart(
        "Rate",
        [Line(name="rate", values=[0.0, 0.02], colour=1)],
        covers="a minute ago",
        limit=0.03,
        per_cent=True,
    )
    assert 'aria-label="Rate: rate now 2%, most 2%"' in shown
    assert "cap 3%" in shown
    assert shown.count("<polyline") == 1


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_every_point_of_a_chart_is_inside_it(values: list[float]) -> None:
    shown = str(line_chart("x", [Line(name="a", values=values, colour=1)], covers="then"))
    if len(values) > 1:
        points = shown.split('points="')[1].split('"')[0].split()
        places = [tuple(map(float, point.split(","))) for point in points]
        assert all(0 <= x <= 340 and 0 <= y <= 180 for x, y in places)


def test_what_a_browser_tells_is_taken_only_where_it_makes_sense() -> None:
    assert act_of({"act": "save", "of": "x", "values": {"a": " b "}}) == Act(
        "save", "x", {"a": " b "}
    )
    assert act_of({"act": "save", "values": {"a": "b\nc\n"}}) == Act("save", "", {"a": "b\nc\n"})
    nonsense: tuple[object, ...] = (
        None, [], {}, {"act": 1}, {"act": "x", "values": []}, {"act": "x", "of": 3},
        {"act": "x", "values": {"a": 1}}, {"act": "x", "values": {"a": "\0"}},
        {"act": "x", "values": {"a": "b" * 20_001}},
        {"act": "x", "values": {str(n): "" for n in range(201)}},
    )  # fmt: skip
    assert [act_of(told) for told in nonsense] == [None] * len(nonsense)


def test_an_act_gives_its_fields_without_blanks_and_by_lines() -> None:
    act = Act("save", "", {"a": " b ", "c": "d\ne"})
    assert (act.text("a"), act.text("none"), act.lines("c")) == ("b", "", ["d", "e"])


def test_what_every_page_carries_has_no_comments_and_all_of_its_rules() -> None:
    style, script = asset("style.css"), asset("theme.js")
    assert "/*" not in style
    assert not any(line.startswith("//") for line in script.splitlines())
    whole = files("offhook.console.kit").joinpath("style.css").read_text("utf-8")
    assert style.count("{") == whole.count("{")
    assert "window.offhookTick" in script
