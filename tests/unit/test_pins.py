"""Digits that can't be shown, keys that rotate, files to enrol from."""

import copy
import io
import json
import pickle
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.pin import PinPolicy, weaknesses
from offhook.pins.digits import HiddenDigits
from offhook.pins.enrolment import draw
from offhook.pins.keys import PinKeys
from offhook.pins.pin_file import NoCustomerColumn, PinFile, RefusedPin, Wanted, write_refused
from offhook.pins.stretching import salt_for
from offhook.pins.verifier import caller_of
from tests.support.pins import ring

KEYS = st.text("0123456789*#", min_size=4, max_size=32)
ROME = ZoneInfo("Europe/Rome")


def read(text: str) -> list[Wanted | RefusedPin]:
    return list(PinFile(io.BytesIO(text.encode()), ROME, "IT"))


@given(digits=KEYS)
def test_hidden_digits_show_nothing_and_their_length_neither(digits: str) -> None:
    hidden, other = HiddenDigits(digits), HiddenDigits("7" * 5)
    for shown in (repr, str, "{}".format, "%s".__mod__):
        assert shown(hidden) == shown(other)
        assert digits not in shown(hidden)
    for written in (json.dumps, pickle.dumps, copy.copy, copy.deepcopy, hash):
        with pytest.raises(TypeError) as refused:
            written(hidden)
        assert digits not in str(refused.value)
    assert hidden.reveal() == digits


@given(bad=st.text(min_size=1).filter(lambda text: not text.isascii() or text.isalpha()))
def test_what_is_no_keys_is_refused_without_being_repeated(bad: str) -> None:
    if set(bad) <= set("ABCD"):
        return
    with pytest.raises(ValueError, match="keys of a telephone") as refused:
        HiddenDigits(bad)
    assert refused.value.args[0].startswith("digits are")


@given(digits=KEYS, bound=st.binary(max_size=20))
def test_what_is_sealed_opens_with_its_bond_under_any_key_of_the_ring(
    digits: str, bound: bytes
) -> None:
    old, both, new = (PinKeys.of(ring(*names)) for names in (("a",), ("a", "b"), ("b",)))
    sealed = old.seal(digits.encode(), bound=bound)
    assert both.open(sealed, bound=bound) == digits.encode()
    assert both.open(sealed, bound=bound + b"x") is None
    assert new.open(sealed, bound=bound) is None


def test_lookups_differ_by_key_policy_and_customer() -> None:
    keys = PinKeys.of(ring("a", "b"))
    found = {keys.lookup(key, b"stretched", policy=policy) for key in "ab" for policy in ("p", "q")}
    assert len(found) == 4
    assert len({salt_for(b"s" * 16, who) for who in (None, "", "1001", "1002")}) == 4


@given(customer=st.from_regex(r"[0-9]{4,12}", fullmatch=True))
def test_drawn_pin_is_one_that_may_be_given_out(customer: str) -> None:
    policy = PinPolicy(min_length=4, max_length=6)
    assert weaknesses(draw(policy, customer).reveal(), policy, customer_number=customer) == ()


@pytest.mark.parametrize(
    ("written", "counted"),
    [
        ("+39 0733 123456", "+390733123456"),
        ("0733123456", "+390733123456"),
        ("0039 0733 123456", "+390733123456"),
        ("anonymous", ""),
        ("", ""),
        ("201", "201"),
    ],
)
def test_caller_counts_as_one_however_the_switch_writes_the_number(
    written: str, counted: str
) -> None:
    assert caller_of(written, "IT") == counted


def test_file_is_read_by_its_names_and_days_include_their_last() -> None:
    rows = read(
        "PIN;Customer;valid_until;callers\n482915;1001;2026-12-31;0733123456 +39055123456\n"
    )
    assert len(rows) == 1
    row = rows[0]
    assert isinstance(row, Wanted)
    assert (row.line, row.customer, row.pin) == (2, "1001", HiddenDigits("482915"))
    assert row.terms.valid_until == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert row.terms.callers == ("+390733123456", "+39055123456")


def test_refused_lines_have_reasons_and_no_pin() -> None:
    file = PinFile(
        io.BytesIO(b"customer,pin,callers\n,482915,\n1002,48x915,\n1003,731846,none\n1004,,\n"),
        ROME,
        "IT",
    )
    rows = list(file)
    bad = [row for row in rows if isinstance(row, RefusedPin)]
    assert [row.code for row in bad] == ["no_customer", "pin_weak", "bad_caller"]
    mend = io.StringIO()
    write_refused(bad, file.header, mend)
    assert mend.getvalue().splitlines()[0] == "line,code,reason,customer,callers"
    assert not any(pin in mend.getvalue() for pin in ("482915", "48x915", "731846"))
    assert isinstance(rows[-1], Wanted)
    assert rows[-1].pin is None


def test_file_without_customers_is_refused() -> None:
    with pytest.raises(NoCustomerColumn, match="customer"):
        read("name,pin\nAnna,482915\n")
