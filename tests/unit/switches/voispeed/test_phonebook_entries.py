"""Contacts as a VOIspeed phonebook takes them."""

from activities.phonebook import BookEntry
from offhook.switches.voispeed.phonebook import sync_contact


def entry(*numbers: tuple[str, str], name: str = "Ada Verdi") -> BookEntry:
    return BookEntry(contact_id=7, name=name, numbers=numbers, info=(("credit", "100"),))


def test_contact_is_known_by_application_and_our_id() -> None:
    contact = sync_contact(entry(("", "+391")), "crm")
    assert (contact.uc_app_name, contact.uc_external_id, contact.name) == ("crm", "7", "Ada Verdi")
    assert [(line.caption, line.value) for line in contact.ext_info] == [("credit", "100")]


def test_number_goes_where_its_label_says() -> None:
    contact = sync_contact(entry(("Home", "+391"), ("work", "+392"), ("fax", "+393")), "crm")
    assert (contact.numhome, contact.numoffice, contact.numfax) == ("+391", "+392", "+393")
    assert contact.nummobile is None


def test_numbers_without_a_label_fill_the_places_in_order() -> None:
    contact = sync_contact(entry(("", "+391"), ("?", "+392"), ("mobile", "+393")), "crm")
    assert (contact.nummobile, contact.numoffice, contact.numhome) == ("+391", "+392", "+393")


def test_numbers_beyond_the_places_are_left_out() -> None:
    contact = sync_contact(entry(*(("", f"+39{index}") for index in range(9))), "crm")
    values = [value for value in contact.to_json().values() if str(value).startswith("+39")]
    assert len(values) == 5


def test_contact_without_a_name_has_none() -> None:
    assert "name" not in sync_contact(entry(("", "+391"), name=""), "crm").to_json()
