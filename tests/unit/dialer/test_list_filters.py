"""The filter language: what it lets through, and what it refuses, with the place."""

import pytest

from dialer.lists.filter_text import MAX_TEXT, BadFilter, parse_filter
from dialer.lists.filters import fits

ANNA = {
    "region": "North",
    "age": "41",
    "balance": "1200,50",
    "signed": "2026-01-31",
    "vip": "True",
    "Zip code": "00144",
    "notes": "asked for a brochure",
    "email": "",
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        'region == "North"',
        'region != "South"',
        '"North" == region',
        "age > 40 and age <= 41",
        "40 < age",
        "age in [40, 41]",
        'region in ["North", "East"]',
        'region not in ["South"]',
        'balance > 1200 and "brochure" in notes',
        'signed >= d"2026-01-01" and signed < d"2026-02-01"',
        "vip == true",
        "vip != false",
        'attribute["Zip code"] == "00144"',
        "email == null and phone == null and region != null",
        'not (region == "South" or age < 18)',
        'region == "South" or age == 41',
        'region > "Nor" and region < "Norti"',
    ],
)
def test_filter_takes_who_fits_it(text: str) -> None:
    assert fits(parse_filter(text), ANNA)


@pytest.mark.parametrize(
    "text",
    [
        'region == "north"',
        'email == ""',
        'phone != null or phone == "1" or phone < "z"',
        "region > 3 or region < 3 or region == 3",
        'age == d"2026-01-31"',
        "phone in []",
        '"" in email and email != null',
    ],
)
def test_filter_leaves_out_who_lacks_it(text: str) -> None:
    assert not fits(parse_filter(text), ANNA)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("region = 1", 7, "isn't expected"),
        ("region ==", 9, "isn't expected"),
        ("region == 'North' and", 21, "isn't expected"),
        ("age > 1 and vip", 12, "say what vip is"),
        ("age == region", 7, "must be a text"),
        ('region =~ "N.*"', 0, "patterns"),
        ("age > null", 0, "only == null"),
        ("vip > true", 0, "no order"),
        ("len(region) == 3", 0, "one side"),
        ("age + 1 == 3", 0, "one side"),
        ("contact.age == 3", 8, "one side"),
        ('signed > d"2026-13-01"', 11, "datetime"),
        ('signed > d"2026-01-01 10:00"', 0, "without a time"),
        ("age > 1e400", 0, "too large"),
        ('name == "a\\u0000"', 0, "characters"),
        ("age in region", 0, "write region in"),
    ],
)
def test_filter_that_makes_no_sense_is_refused_with_the_place(
    text: str, place: int, says: str
) -> None:
    with pytest.raises(BadFilter, match=says) as refused:
        parse_filter(text)
    assert refused.value.place == place


def test_filter_too_long_or_too_deep_is_refused() -> None:
    with pytest.raises(BadFilter, match="longer"):
        parse_filter("a == 1 or " * MAX_TEXT)
    with pytest.raises(BadFilter):
        parse_filter("not " * 490 + "a == 1")
