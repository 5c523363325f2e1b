"""The home: closed to others, locked by one supervisor, and honest about what runs."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from offhook.errors import StackError, StackNotRunning
from offhook.home import Home, Stack

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


def _stack(home: Home) -> Stack:
    return Stack(home=home.path, supervisor_pid=os.getpid(), started_at=NOW, api_url="http://x")


def test_home_keeps_keys_and_logs_from_other_accounts(home: Home) -> None:
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (home.keys, home.logs)} == {0o700}
    assert stat.S_IMODE(home.path.stat().st_mode) & 0o066 == 0


def test_home_is_locked_by_one_only(home: Home) -> None:
    with home.locked() as first, home.locked() as second:
        assert (first, second) == (True, False)
        assert home.is_locked()
    assert not home.is_locked()


def test_stack_is_loaded_while_its_home_is_locked(home: Home) -> None:
    home.write_stack(_stack(home))
    with home.locked():
        assert Stack.load(home) == _stack(home)
        assert Stack.load(home).urls() == {"api": "http://x"}
    with pytest.raises(StackNotRunning):
        Stack.load(home)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"home": 3}'])
def test_stack_counts_as_not_running_when_its_status_is_unreadable(home: Home, text: str) -> None:
    home.stack_file.write_text(text)
    with home.locked(), pytest.raises(StackNotRunning):
        Stack.load(home)


def test_home_says_what_to_do_when_it_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="can't be used") as refused:
        Home(tmp_path / "file" / "home").ensure()
    assert "OFFHOOK_HOME" in str(refused.value.hint)
