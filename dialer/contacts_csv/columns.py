"""What the columns of a file hold, told from their names in five languages, or from their cells."""

import re
import unicodedata
from collections.abc import Sequence

from dialer.contacts_csv.model import (
    ColumnChoices,
    ColumnMapping,
    Names,
    NoNumberColumn,
    UnknownColumn,
)
from dialer.numbers import InvalidNumber, resolve

REFUSAL_COLUMNS = ("refused_line", "refused_code", "refused_reason")
"""Put before the columns of a file of refused rows, and ignored when it is read again."""

NOTHING_CHOSEN = ColumnChoices()

_NUMBER = re.compile(
    r"\b(phones?|telephones?|tel|telefon[oi]?|telefonos?|telefon(nummer|o)?|mobile?|mobilnummer"
    r"|mobiltelefon|mobil|handy(nummer)?|rufnummer|cell|cellphone|cellular[ei]?|cell?ulare"
    r"|portable|movil|celular|landline|festnetz(nummer)?|fijo|fisso|msisdn|gsm)\b"
)
_NOT_NUMBER = re.compile(r"\b(fax|type|tipo|typ|status|stato|notes?|label|carrier|operatore)\b")
_NUMBER_EXACTLY = {"number", "numero", "nummer", "num", "e164"}
_NAMES = {
    "first name": 0,
    "firstname": 0,
    "given name": 0,
    "nome": 0,
    "prenom": 0,
    "vorname": 0,
    "nombre": 0,
    "name": 1,
    "full name": 1,
    "fullname": 1,
    "contact name": 1,
    "nominativo": 1,
    "nome completo": 1,
    "nome e cognome": 1,
    "nom complet": 1,
    "nombre completo": 1,
    "middle name": 1,
    "last name": 2,
    "lastname": 2,
    "surname": 2,
    "family name": 2,
    "cognome": 2,
    "nom": 2,
    "nom de famille": 2,
    "nachname": 2,
    "familienname": 2,
    "apellido": 2,
    "apellidos": 2,
}
"""Header to place in the name: given names first."""
_SINGLE = {
    "external_id": {
        "id", "external id", "externalid", "customer id", "client id", "contact id", "lead id",
        "crm id", "uuid", "reference", "ref", "codice", "codice cliente", "id cliente",
        "riferimento", "identifiant", "id client", "numero client", "code client", "kundennummer",
        "kunden id", "kundennr", "identificador", "codigo", "codigo cliente", "numero de cliente",
    },
    "priority": {"priority", "priorita", "priorite", "prioritat", "prioridad"},
    "zone": {
        "time zone", "timezone", "tz", "fuso orario", "fuseau horaire", "zeitzone", "zona horaria",
    },
    "due": {
        "due", "due date", "due at", "call at", "call date", "call after", "not before",
        "data richiamo", "richiamare il", "data chiamata", "date de rappel", "date d appel",
        "rappeler le", "ruckruf am", "ruckrufdatum", "anrufen am", "fecha de llamada",
        "llamar el",
    },
    "language": {"language", "lang", "lingua", "langue", "sprache", "idioma"},
}  # fmt: skip


def clean_header(cells: Sequence[str]) -> Names:
    """Names for the columns, each one given and unlike the others."""
    names: list[str] = []
    for place, cell in enumerate(cells, 1):
        name = wanted = " ".join(cell.split()) or f"column {place}"
        times = 1
        while name in names:
            times += 1
            name = f"{wanted} {times}"
        names.append(name)
    return tuple(names)


def guess_mapping(header: Names, chosen: ColumnChoices = NOTHING_CHOSEN) -> ColumnMapping:
    """The mapping told from the names of the columns, those left out that a person chose; refused
    if none can be a number.
    """
    spoken_for = chosen_columns(chosen)
    plain = {name: _plain(name) for name in header if name not in spoken_for}
    single: dict[str, str] = {}
    for field, known in _SINGLE.items():
        match = next((name for name in plain if plain[name] in known), None)
        if match is not None:
            single[field] = match
    numbers = [
        name
        for name in plain
        if plain[name] in _NUMBER_EXACTLY
        or (_NUMBER.search(plain[name]) and not _NOT_NUMBER.search(plain[name]))
    ]
    numbers = [name for name in numbers if name not in single.values()][:10]
    if not (chosen.numbers or numbers):
        raise NoNumberColumn(header)
    names = sorted((n for n in plain if plain[n] in _NAMES), key=lambda n: _NAMES[plain[n]])
    return ColumnMapping(
        numbers=chosen.numbers or tuple(numbers),
        names=chosen.names or tuple(names[:5]),
        ignored=chosen.ignored,
        external_id=chosen.external_id or single.get("external_id"),
        priority=chosen.priority or single.get("priority"),
        zone=chosen.zone or single.get("zone"),
        due=chosen.due or single.get("due"),
        language=chosen.language or single.get("language"),
    )


def chosen_columns(chosen: ColumnChoices) -> set[str]:
    """Every column that a person spoke of, and ours."""
    single = (chosen.external_id, chosen.priority, chosen.zone, chosen.due, chosen.language)
    return {
        *chosen.numbers,
        *chosen.names,
        *chosen.ignored,
        *filter(None, single),
        *REFUSAL_COLUMNS,
    }


def guess_by_cells(header: Names, rows: Sequence[Sequence[str]], region: str) -> ColumnMapping:
    """The mapping of a file without header: the first column that is nearly all numbers."""
    for place, name in enumerate(header):
        cells = [row[place] for row in rows if len(row) > place and row[place].strip()]
        if cells and sum(is_number(cell, region) for cell in cells) >= 0.8 * len(cells):
            return ColumnMapping(numbers=(name,))
    raise NoNumberColumn(header)


def check_mapping(mapping: ColumnMapping, header: Names) -> ColumnMapping:
    """The mapping, if the file has its columns; our own columns are ignored whatever it says."""
    for column in mapping.columns():
        if column not in header and column not in mapping.ignored:
            raise UnknownColumn(column, header)
    ignored = {*mapping.ignored, *REFUSAL_COLUMNS}.intersection(header)
    return mapping.model_copy(update={"ignored": tuple(sorted(ignored))})


def is_number(cell: str, region: str) -> bool:
    """Whether the cell is a number that may be dialed."""
    try:
        resolve(cell.strip(), region)
    except InvalidNumber:
        return False
    return True


def _plain(name: str) -> str:
    """Lower case, without accents, words apart: what two spellings of a header share."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    letters = unicodedata.normalize("NFKD", apart).encode("ascii", "ignore").decode().lower()
    return " ".join(re.findall(r"[a-z]+|\d+", letters.replace("ß", "ss")))
