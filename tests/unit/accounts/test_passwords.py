"""Which passwords are taken, and how they are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.accounts.errors import PasswordRefused
from offhook.accounts.passwords import LONGEST, SHORTEST, Passwords, common, require_good
from offhook.settings_access import AccessSettings

QUICK = AccessSettings(argon2_memory_kib=8, argon2_passes=1, argon2_lanes=1)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "shorter"),
        ("eleven char", "shorter"),
        ("x" * (LONGEST + 1), "longer"),
        ("aaaaaaaaaaaaaa", "repeats"),
        ("abababababab", "repeats"),
        ("Xy7!kXy7!kXy7!k", "repeats"),
        ("qwertyuiopasdf", "runs along"),
        ("lkjhgfdsapoiuy", "runs along"),
        ("abcdefghijklmn", "runs along"),
        ("12345678901234", "runs along"),
        ("Password 12345", "commonest"),
        ("correct horse battery staple", "commonest"),
        ("anna.rossi12", "login"),
    ],
)
def test_a_password_that_is_guessed_first_is_refused_and_it_says_why(
    password: str, why: str
) -> None:
    with pytest.raises(PasswordRefused, match=why):
        require_good(password, login="anna.rossi@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "four words nobody expects",
        "Tr0ub4dor&3x!",
        "пароль из слов",
        "爱爱吃苹果和香蕉还有很多水果",
    ],
)
def test_a_password_of_any_kind_of_characters_is_taken(password: str) -> None:
    require_good(password, login="anna.rossi@example.org")


@given(st.text(min_size=1, max_size=6), st.integers(2, 40))
def test_a_piece_that_is_repeated_is_never_taken(piece: str, times: int) -> None:
    with pytest.raises(PasswordRefused):
        require_good(piece * times, login="admin")


def test_the_commonest_are_those_that_are_long_enough_to_be_asked_about() -> None:
    assert len(common()) > 150
    assert all(len(one) >= SHORTEST and one == one.casefold() for one in common())


async def test_what_is_kept_is_argon2id_with_a_salt_of_its_own() -> None:
    passwords = Passwords(QUICK)
    first = await passwords.hash("four words nobody expects")
    second = await passwords.hash("four words nobody expects")

    assert first != second
    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert (await passwords.check(first, "four words nobody expects")) == (True, False)
    assert (await passwords.check(first, "four words nobody expected")) == (False, False)


async def test_a_hash_of_other_parameters_is_right_and_due_to_be_made_again() -> None:
    kept = await Passwords(QUICK).hash("four words nobody expects")
    today = Passwords(QUICK.model_copy(update={"argon2_passes": 2}))
    assert await today.check(kept, "four words nobody expects") == (True, True)


@pytest.mark.parametrize("kept", [None, "", "$argon2id$broken", "plain"])
async def test_nothing_is_right_where_no_hash_is_kept(kept: str | None) -> None:
    passwords = Passwords(QUICK)
    assert await passwords.check(kept, "nobody has this one") == (False, False)


async def test_a_password_is_the_same_however_the_keyboard_composed_it() -> None:
    passwords = Passwords(QUICK)
    kept = await passwords.hash("perche\u0301 no, quattro parole")
    assert (await passwords.check(kept, "perch\u00e9 no, quattro parole")).right
