"""Made-up contact files of any size, the same for the same seed."""

import random
from collections.abc import Iterator

FIRST = ("Anna", "Marco", "Lucía", "Jürgen", "Zoë", "Paul", "Inés", "Łukasz", "Giulia", "François")
LAST = ("Rossi", "Müller", "García", "Dubois", "Kowalski", "Bērziņš", "D'Angelo", "Smith")
HEADER = "codice;nome;cognome;cellulare;telefono casa;priorità;città;note\n"


def contact_rows(count: int, *, seed: int = 1, bad_share: float = 0.02) -> Iterator[str]:
    """A header and `count` rows of a semicolon file; some are duplicates, some can't be dialed."""
    rng = random.Random(seed)
    yield HEADER
    for place in range(count):
        mobile = f"3{rng.choice('2346')}{rng.randrange(10)}{rng.randrange(10**7):07}"
        chance = rng.random()
        if chance < bad_share:
            mobile = rng.choice(["", "n/a", "12", "112", "+39 899 123456", "3.93471E+11"])
        elif chance < 0.2:
            mobile = f"+39 {mobile[:3]} {mobile[3:6]} {mobile[6:]}"
        elif chance < 0.3:
            mobile = f"0033 6{rng.randrange(10**8):08}"
        home = f"0{rng.choice(('2', '6', '11', '51'))} {rng.randrange(10**7):07}"
        note = '"richiamare, ""urgente""\ndopo le 18"' if rng.random() < 0.01 else ""
        yield (
            f"C{place:07};{rng.choice(FIRST)};{rng.choice(LAST)};{mobile};"
            f"{home if rng.random() < 0.3 else ''};{rng.randrange(5)};Milano;{note}\n"
        )
