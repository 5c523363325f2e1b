"""Contact files that are damaged, enormous, interrupted or hostile."""

import io
from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from dialer.contacts_csv import (
    Batch,
    ColumnMapping,
    ContactFileError,
    FileOptions,
    ParsedContact,
    RefusedRow,
    read_contacts,
)
from dialer.contacts_csv.export import escape, unescape
from dialer.contacts_csv.lines import CHUNK, MAX_LINE, MAX_ROW_LINES, RowReader
from dialer.contacts_csv.seen import Seen
from tests.support.contacts import contact_rows

Item = ParsedContact | RefusedRow

HEADER = b"name,phone\n"
GOOD = b"Anna,3471234567\n"
ALSO_GOOD = b"Luca,3471234568\n"
SAMPLE = "".join(contact_rows(300, seed=7, bad_share=0.2)).encode()


def outcome(data: bytes) -> tuple[list[str], list[tuple[int, str]]]:
    """Names of the contacts; lines and codes of the refusals."""
    batches = list(read_contacts(io.BytesIO(data), FileOptions(delimiter=",")))
    contacts = chain.from_iterable(batch.contacts for batch in batches)
    refused = chain.from_iterable(batch.refused for batch in batches)
    return [c.name for c in contacts], [(r.line, r.code) for r in refused]


def items(batches: Iterator[Batch]) -> list[Item]:
    found: list[Item] = []
    for batch in batches:
        found += [*batch.contacts, *batch.refused]
    return sorted(found, key=lambda item: item.line)


def test_unterminated_quote_costs_its_own_line_only() -> None:
    data = HEADER + b'"Zoe,3471234569\n' + GOOD + ALSO_GOOD
    assert outcome(data) == (["Anna", "Luca"], [(2, "unterminated_quote")])


def test_unterminated_quote_before_many_lines_costs_its_own_line_only() -> None:
    many = b"".join(b"N,34712%05d\n" % n for n in range(MAX_ROW_LINES * 3))
    names, refused = outcome(HEADER + GOOD + b'"Zoe,3471234569\n' + many)
    assert len(names) == MAX_ROW_LINES * 3 + 1
    assert refused == [(3, "unterminated_quote")]


def test_field_of_ten_megabytes_is_refused_and_reading_goes_on() -> None:
    long = b"x" * (10 * MAX_LINE)
    data = HEADER + GOOD + long + b",3471234569\n" + ALSO_GOOD + b'"' + long + b'",1\n'
    assert outcome(data) == (["Anna", "Luca"], [(3, "row_too_long"), (5, "row_too_long")])


def test_long_line_after_an_open_quote_is_refused_for_itself() -> None:
    data = HEADER + GOOD + b'"Zoe\n' + b"y" * (MAX_LINE + 5) + b"\n" + ALSO_GOOD
    expected = [(3, "unterminated_quote"), (4, "row_too_long")]
    assert outcome(data) == (["Anna", "Luca"], expected)


def test_field_over_the_limit_of_the_parser_is_refused() -> None:
    data = HEADER + GOOD + b"z" * 140_000 + b",3471234569\n" + ALSO_GOOD
    assert outcome(data) == (["Anna", "Luca"], [(3, "row_too_long")])


def test_carriage_return_inside_a_line_is_refused() -> None:
    data = HEADER + GOOD + b"Zo\re,3471234569\n" + ALSO_GOOD
    assert outcome(data) == (["Anna", "Luca"], [(3, "malformed_row")])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_long_line_and_lone_surrogate_of_a_utf16_file_are_refused(encoding: str) -> None:
    text = "name,phone\nAnna,3471234567\n" + "x" * (2 * MAX_LINE) + "\nLuca,3471234568\n"
    data = text.encode(encoding) + "Zo\udc41,3471234569\n".encode(encoding, "surrogatepass")
    expected = [(3, "row_too_long"), (5, "undecodable")]
    assert outcome("\ufeff".encode(encoding) + data) == (["Anna", "Luca"], expected)
    cut = "\ufeffname,phone\nAnna,3471234567\nLuca,3471234568".encode(encoding) + b"\x41"
    assert outcome(cut) == (["Anna", "Luca"], [])
    endless = ("\ufeffname,phone\nAnna,3471234567\n" + "x" * (2 * MAX_LINE)).encode(encoding)
    assert outcome(endless) == (["Anna"], [(3, "row_too_long")])
    # The same, ending exactly where the reader gave up on the line.
    start = "name,phone\nAnna,3471234567\n"
    exact = (start + "x" * (CHUNK // 2 * 33 - len(start))).encode(encoding)
    assert outcome("\ufeff".encode(encoding) + exact) == (["Anna"], [(3, "row_too_long")])


def test_long_line_that_ends_the_file_is_refused() -> None:
    data = HEADER + GOOD + b"x" * (MAX_LINE * 2)
    assert outcome(data) == (["Anna"], [(3, "row_too_long")])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_file_read_again_gives_the_same_batches(encoding: str) -> None:
    data = SAMPLE.decode().replace("Ł", "L").replace("ē", "e").replace("ņ", "n")
    source = io.BytesIO(data.replace("ž", "z").replace("š", "s").encode(encoding))
    options = FileOptions(batch_rows=37)
    first = list(read_contacts(source, options))
    assert len(first) == 9
    assert list(read_contacts(source, options)) == first


def test_changed_file_has_another_fingerprint() -> None:
    files = (HEADER + GOOD, HEADER + ALSO_GOOD, HEADER + GOOD + GOOD)
    batches = [next(read_contacts(io.BytesIO(data), FileOptions())) for data in files]
    assert len({batch.fingerprint for batch in batches}) == len(files)


hostile = st.lists(
    st.one_of(
        st.sampled_from(
            [b",", b";", b"\t", b"|", b'"', b"\n", b"\r\n", b"\r", b"\0", b"\xff\xfe", b"\xe9"]
        ),
        st.sampled_from([b"phone", b"name", b"id", b"3471234567", b"+39 347 1234568", b"112"]),
        st.binary(max_size=6),
        st.text(max_size=4).map(lambda text: text.encode("utf-8", "surrogatepass")),
    ),
    max_size=40,
).map(b"".join)
encodings = st.sampled_from([None, "utf-8", "cp1252", "utf-16", "utf-16-be", "latin-1"])


@settings(max_examples=400)
@given(st.sampled_from([b"", HEADER, b"phone\n"]), hostile, encodings, st.integers(1, 5))
def test_any_bytes_give_rows_or_a_typed_error(
    start: bytes, data: bytes, encoding: str | None, batch_rows: int
) -> None:
    source = io.BytesIO(start + data)
    options = FileOptions(encoding=encoding, batch_rows=batch_rows)
    try:
        batches = list(read_contacts(source, options))
    except ContactFileError as error:
        event(error.code)
        return
    lines = [item.line for item in items(iter(batches))]
    assert len(lines) == len(set(lines)) == batches[-1].rows_seen
    assert batches[-1].bytes_seen <= batches[-1].bytes_total == len(source.getvalue())
    numbers = [
        entry.number for batch in batches for item in batch.contacts for entry in item.numbers
    ]
    assert len(numbers) == len(set(numbers))


@settings(max_examples=300)
@given(hostile, st.sampled_from(["utf-8", "cp1252", "utf-16-le", "utf-16-be"]))
def test_every_byte_of_a_file_belongs_to_a_row_or_a_blank_line(data: bytes, encoding: str) -> None:
    rows = RowReader(io.BytesIO(data), encoding=encoding, delimiter=",", offset=0)
    last = 0
    for row in rows:
        assert row.line > last
        last = row.line
    # Half a character at the very end of a UTF-16 file is all that may be left over.
    assert 0 <= len(data) - rows.offset <= (3 if encoding.startswith("utf-16") else 0)


@given(st.text(max_size=20))
def test_escaping_a_cell_is_undone_exactly(cell: str) -> None:
    assert unescape(escape(cell)) == cell


@given(st.text("='+-@\t\r1 a", max_size=6))
def test_escaped_cell_is_never_a_formula(cell: str) -> None:
    kept = escape(cell)
    assert unescape(kept) == cell
    assert kept[:1] not in {"=", "@", "\t", "\r"}
    assert kept[:1] not in {"+", "-"} or not any(char in kept for char in "=@a'")


@given(st.lists(st.sets(st.integers(0, 2**64 - 1), max_size=20), max_size=12))
def test_seen_remembers_every_key_and_nothing_else(batches: list[set[int]]) -> None:
    seen, model = Seen(), set[int]()
    for batch in batches:
        assert seen.among(sorted(batch)) == batch & model
        seen.add(sorted(batch - model))
        model |= batch
        assert len(seen) == len(model)
    assert seen.among([*model, 5]) == model | ({5} & model)


def test_mapping_needs_a_number_column() -> None:
    with pytest.raises(ValueError, match="numbers"):
        ColumnMapping(numbers=())
