"""Contact files: shape, mapping, rows, duplicates, and what a person gets back."""

import csv
import io
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dialer.contacts_csv import (
    REFUSAL_COLUMNS,
    Batch,
    ColumnChoices,
    ColumnMapping,
    ContactFileError,
    FileOptions,
    FileShape,
    ParsedContact,
    Refusal,
    RefusedRow,
    UnknownColumn,
    inspect,
    read_contacts,
    write_header,
    write_refused,
)
from dialer.numbers import NumberFault

OPTIONS = FileOptions()


def read(
    text: str | bytes, options: FileOptions = OPTIONS
) -> tuple[list[ParsedContact], list[RefusedRow]]:
    """Every contact and every refusal of a file."""
    data = text.encode() if isinstance(text, str) else text
    batches: list[Batch] = list(read_contacts(io.BytesIO(data), options))
    return (
        [contact for batch in batches for contact in batch.contacts],
        [row for batch in batches for row in batch.refused],
    )


def shape_of(text: str, options: FileOptions = OPTIONS) -> FileShape:
    return inspect(io.BytesIO(text.encode()), options)


def refusals(text: str | bytes, options: FileOptions = OPTIONS) -> list[tuple[int, str]]:
    return [(row.line, row.code) for row in read(text, options)[1]]


def test_row_becomes_a_contact_with_everything_its_columns_say() -> None:
    contacts, refused = read(
        "ID,Nome,Cognome,Cellulare,Telefono casa,Priorità,Fuso orario,Data richiamo,Lingua,Città\n"
        "C1,Anna,Rossi,347 1234567,02 1234567,5,Europe/Rome,02/03/2026 10:00,it,Milano\n"
    )
    assert refused == []
    (contact,) = contacts
    assert contact.line == 2
    assert (contact.external_id, contact.name, contact.language) == ("C1", "Anna Rossi", "it")
    assert [(n.number, n.label) for n in contact.numbers] == [
        ("+393471234567", "Cellulare"),
        ("+39021234567", "Telefono casa"),
    ]
    assert contact.numbers[1].zones == ("Europe/Rome",)
    assert (contact.priority, contact.zone) == (5, "Europe/Rome")
    assert contact.due_at == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    assert contact.attributes == {"Città": "Milano"}


@pytest.mark.parametrize(
    ("header", "numbers", "names", "external_id"),
    [
        ("Customer ID;First Name;Last Name;Mobile Phone", ("Mobile Phone",), 2, "Customer ID"),
        ("Codice cliente;Nominativo;Telefono;Fax", ("Telefono",), 1, "Codice cliente"),
        ("Identifiant;Nom;Prénom;Téléphone portable", ("Téléphone portable",), 2, "Identifiant"),
        ("Kundennummer;Vorname;Nachname;Handynummer", ("Handynummer",), 2, "Kundennummer"),
        ("Código;Nombre;Apellidos;Móvil;Fijo", ("Móvil", "Fijo"), 2, "Código"),
        ("ref;fullName;phoneNumber;phone_2", ("phoneNumber", "phone_2"), 1, "ref"),
        ("order number;number;phone type", ("number",), 0, None),
    ],
)
def test_columns_are_told_from_their_names_in_five_languages(
    header: str, numbers: tuple[str, ...], names: int, external_id: str | None
) -> None:
    mapping = shape_of(header + "\n1;2;3;4\n").mapping
    assert mapping.numbers == numbers
    assert len(mapping.names) == names
    assert mapping.external_id == external_id


def test_given_name_comes_first_whatever_the_order_of_columns() -> None:
    contacts, _ = read("Nom,Prénom,Téléphone\nDubois,Zoé,+33612345678\n")
    assert contacts[0].name == "Zoé Dubois"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(delimiter: str) -> None:
    text = f'name{delimiter}phone\n"Rossi, Anna; |\t"{delimiter}3471234567\n'
    contacts, _ = read(text)
    assert contacts[0].numbers[0].number == "+393471234567"
    assert shape_of(text).delimiter == delimiter


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_encoding_is_found(encoding: str, found: str) -> None:
    data = "nome;telefono\nNicolò;3471234567\nZoë;3471234568\n".encode(encoding)
    assert inspect(io.BytesIO(data), OPTIONS).encoding == found
    contacts, refused = read(data)
    assert [contact.name for contact in contacts] == ["Nicolò", "Zoë"]
    assert refused == []


def test_declared_encoding_wins_over_what_the_bytes_look_like() -> None:
    data = "nome;telefono\nŁukasz;3471234567\n".encode("cp1250")
    contacts, _ = read(data, FileOptions(encoding="windows-1250"))
    assert contacts[0].name == "Łukasz"


def test_broken_row_of_a_utf8_file_is_refused_and_the_others_are_read() -> None:
    data = "nome,telefono\nNicolò,3471234567\nZoë,3471234568\n".encode()
    data += b"Andr\xe9,3471234569\n"
    assert refusals(data) == [(4, "undecodable")]
    assert len(read(data)[0]) == 2


def test_quoted_line_breaks_stay_in_the_cell_and_count_as_lines() -> None:
    contacts, refused = read(
        'name,phone,note\nAnna,3471234567,"first\r\nsecond ""quoted"""\n\nLuca,12,\n'
    )
    assert contacts[0].attributes == {"note": 'first\r\nsecond "quoted"'}
    assert [(row.line, row.code) for row in refused] == [(5, NumberFault.too_short)]


def test_old_mac_line_ends_are_lines() -> None:
    contacts, _ = read("name,phone\rAnna,3471234567\rLuca,3471234568\r")
    assert [(contact.line, contact.name) for contact in contacts] == [(2, "Anna"), (3, "Luca")]


def test_file_without_header_takes_the_column_that_is_all_numbers() -> None:
    contacts, _ = read("12;Anna;3471234567\n13;Luca;3471234568\n")
    assert len(contacts) == 2
    assert contacts[0].attributes == {"column 1": "12", "column 2": "Anna"}
    assert read("3471234567\n3471234568\n")[0][1].line == 2


def test_mapping_given_by_a_person_is_used_as_it_is() -> None:
    mapping = ColumnMapping(numbers=("b",), names=("a",), ignored=("c",))
    contacts, _ = read("a,b,c,d\nAnna,3471234567,x,y\n", FileOptions(mapping=mapping))
    assert contacts[0].name == "Anna"
    assert contacts[0].attributes == {"d": "y"}


def test_some_columns_are_chosen_by_a_person_and_the_others_told_from_their_names() -> None:
    chosen = ColumnChoices(numbers=("Kontakt",), zone="Gebiet", ignored=("Telefon",))
    contacts, _ = read(
        "Kontakt,Telefon,Gebiet,Nachname,Stadt\n3471234567,112,Asia/Tokyo,Rossi,Roma\n",
        FileOptions(columns=chosen),
    )
    assert [entry.label for entry in contacts[0].numbers] == ["Kontakt"]
    assert (contacts[0].name, contacts[0].zone) == ("Rossi", "Asia/Tokyo")
    assert contacts[0].attributes == {"Stadt": "Roma"}


def test_chosen_column_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownColumn, match="it has phone"):
        read("phone\n3471234567\n", FileOptions(columns=ColumnChoices(due="when")))


def test_bad_number_is_dropped_with_its_reason_when_another_is_good() -> None:
    contacts, refused = read("tel,cell\n112,3471234567\n")
    assert refused == []
    assert contacts[0].dropped == (("tel", NumberFault.emergency),)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("1,,0,,", "no_number"),
        ("1,+39 899 123456,0,,", "premium_rate"),
        ("1,3.93471E+11,0,,", "rounded_by_spreadsheet"),
        ("1,3471234567,high,,", "bad_priority"),
        ("1,3471234567,99999,,", "bad_priority"),
        ("1,3471234567,0,Europe/Atlantis,", "bad_zone"),
        ("1,3471234567,0,,31/02/2026", "bad_due"),
        ("1,3471234567,0,,soon", "bad_due"),
        ("1,3471234567,0,,9999-12-31T23:59-12:00", "bad_due"),
        ("1,3471234567,0,,,,extra", "too_many_columns"),
        ("1,347\x001234567,0,,", "nul_byte"),
    ],
)
def test_row_is_refused_with_its_code_and_its_cells(row: str, code: str) -> None:
    _, refused = read(f"id,phone,priority,timezone,due\n{row}\n")
    assert [(found.line, found.code) for found in refused] == [(2, code)]
    assert refused[0].raw == tuple(row.split(","))
    assert "3471234567" not in refused[0].reason


def test_missing_cells_at_the_end_of_a_row_are_empty() -> None:
    contacts, refused = read("phone,name,city\n3471234567\n3471234568,Anna,,,\n")
    assert len(contacts) == 2
    assert refused == []


def test_month_comes_first_where_the_options_say_so() -> None:
    text = "phone,due\n3471234567,3/2/2026\n"
    options = FileOptions(day_first=False, zone="Europe/Rome")
    assert read(text, options)[0][0].due_at == datetime(2026, 3, 1, 23, 0, tzinfo=UTC)


def test_first_row_of_a_number_or_external_id_is_kept() -> None:
    text = (
        "id,phone,mobile\n"
        "1,3471234567,\n"
        "2,+39 347 1234567,\n"
        "1,3471234568,\n"
        "3,3471234567,3471234569\n"
        "4,3471234570,347 123 4570\n"
        "2,3471234571,\n"
    )
    for batch_rows in (1, 2, 100):
        contacts, refused = read(text, FileOptions(batch_rows=batch_rows))
        assert [(row.line, row.code) for row in refused] == [
            (3, "duplicate_number"),
            (4, "duplicate_id"),
        ]
        assert [contact.external_id for contact in contacts] == ["1", "3", "4", "2"]
        assert contacts[1].dropped == (("phone", "duplicate_number"),)
        assert contacts[2].dropped == (("mobile", "duplicate_number"),)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b" \n\n", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"name,phone\n", "empty_file"),
        (b"name,city\nAnna,Milano\n", "no_number_column"),
        (b'"name,phone\nAnna,3471234567\n', "unreadable_header"),
        (b"\x00\x01\x02\x03,1\n", "unreadable_header"),
    ],
)
def test_file_that_is_no_contact_file_is_a_typed_error(data: bytes, code: str) -> None:
    with pytest.raises(ContactFileError) as refused:
        read(data)
    assert refused.value.code == code


def test_no_number_column_in_a_file_without_header_is_a_typed_error() -> None:
    with pytest.raises(ContactFileError) as refused:
        read("Anna;Milano\nLuca;Roma\n", FileOptions(has_header=False))
    assert refused.value.code == "no_number_column"


@pytest.mark.parametrize("encoding", ["klingon", "cp037", "base64"])
def test_encoding_that_can_not_be_read_is_a_typed_error(encoding: str) -> None:
    with pytest.raises(ContactFileError) as refused:
        read("phone\n3471234567\n", FileOptions(encoding=encoding))
    assert refused.value.code == "unknown_encoding"


def test_mapping_of_a_column_that_is_not_there_is_a_typed_error() -> None:
    with pytest.raises(ContactFileError) as refused:
        read("a,b\n1,2\n", FileOptions(mapping=ColumnMapping(numbers=("phone",))))
    assert refused.value.code == "unknown_column"


def test_refused_rows_can_be_mended_and_imported_again() -> None:
    first = 'id;phone;note\n1;12;"=1+1; a"\n2;347;\'quoted\n3;3471234567;fine\n4;n/a;@x;extra\n'
    options = FileOptions()
    shape = shape_of(first)
    _, refused = read(first)
    out = io.StringIO(newline="")
    write_header(shape.header, out, delimiter=";")
    write_refused(refused, shape.header, out, delimiter=";")
    rows = list(csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=";"))
    assert rows[0] == [*REFUSAL_COLUMNS, "id", "phone", "note"]
    assert rows[1][0] == "2"
    assert rows[1][1] == NumberFault.too_short
    assert rows[1][5] == "'=1+1; a"
    assert rows[2][5] == "''quoted"

    mended = out.getvalue().replace(";12;", ";3471234568;").replace(";347;", ";3471234569;")
    again = shape_of(mended, options)
    assert again.mended
    contacts, refused = read(mended)
    assert [contact.attributes for contact in contacts] == [
        {"note": "=1+1; a"},
        {"note": "'quoted"},
    ]
    assert [(row.line, row.code) for row in refused] == [(4, "too_many_columns")]

    twice = io.StringIO(newline="")
    write_header(again.header, twice)
    write_refused(refused, again.header, twice)
    assert twice.getvalue().splitlines()[0] == ",".join((*REFUSAL_COLUMNS, "id", "phone", "note"))
    assert twice.getvalue().splitlines()[1].endswith("4,n/a,'@x,extra")


def test_phone_number_is_not_escaped_for_spreadsheets() -> None:
    out = io.StringIO(newline="")
    write_refused([RefusedRow(2, "x", "-", ("+39 12", "-1", "+cmd"))], ("a", "b", "c"), out)
    assert out.getvalue() == "2,x,'-,+39 12,-1,'+cmd\r\n"


def test_batches_cross_to_another_process_and_say_how_far_reading_is() -> None:
    data = b"phone\n" + b"".join(b"34712%05d\n" % n for n in range(25))
    batches = list(read_contacts(io.BytesIO(data), FileOptions(batch_rows=10)))
    assert [batch.rows_seen for batch in batches] == [10, 20, 25]
    assert batches[-1].bytes_seen == batches[-1].bytes_total == len(data)
    assert pickle.loads(pickle.dumps(batches)) == batches  # noqa: S301  # our own bytes


def test_columns_without_a_name_or_with_the_same_name_are_told_apart() -> None:
    contacts, _ = read("phone,note,note,,Phone type\n3471234567,a,b,c,d\n")
    assert contacts[0].attributes == {
        "note": "a",
        "note 2": "b",
        "column 4": "c",
        "Phone type": "d",
    }


def test_empty_cells_leave_the_defaults() -> None:
    contacts, _ = read("phone,priority,due,time zone\n3471234567,,,\n")
    assert (contacts[0].priority, contacts[0].due_at, contacts[0].zone) == (0, None, "")


def test_delimiter_is_the_one_that_splits_every_row_alike() -> None:
    text = "name;phone\n" + "x" * 60_000 + ";3471234567\n" + "," * 10 + "\n"
    assert shape_of(text).delimiter == ";"


def test_line_too_long_comes_after_good_rows_of_an_old_mac_file() -> None:
    text = "name,phone\rAnna,3471234567\r" + "x" * (1 << 21) + "\rLuca,3471234568"
    contacts, refused = read(text)
    assert [contact.name for contact in contacts] == ["Anna", "Luca"]
    assert [(row.line, row.code) for row in refused] == [(3, "row_too_long")]


def test_every_code_is_in_the_reference() -> None:
    page = Path(__file__).parents[3] / "docs" / "reference" / "contact-files.md"
    text = page.read_text(encoding="utf-8")
    errors = {error.code for error in ContactFileError.__subclasses__()}
    missing = {
        code
        for code in {*Refusal, *NumberFault, *errors, *REFUSAL_COLUMNS}
        if f"`{code}`" not in text
    }
    assert not missing
