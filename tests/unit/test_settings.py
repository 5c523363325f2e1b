"""Where settings come from, which of them are refused, and that secrets stay secret."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from offhook.errors import SettingsError
from offhook.settings import (
    DatabaseSettings,
    EncryptionSettings,
    LogSettings,
    Settings,
    TemporalSettings,
    as_environment,
    documented,
    load_settings,
    unknown_variables,
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_settings_have_defaults_when_nothing_is_set(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.home == tmp_path / "home"
    assert settings.temporal.address is None
    assert settings.database.url is None


def test_settings_prefer_the_environment_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "offhook.toml").write_text('[api]\nport = 9000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("OFFHOOK_API__PORT", "9001")
    settings = load_settings()
    assert (settings.api.host, settings.api.port) == ("0.0.0.0", 9001)  # noqa: S104 - data


def test_settings_prefer_the_homes_file_to_the_folders(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "offhook.toml").write_text("[api]\nport = 1111\n")
    (tmp_path / "offhook.toml").write_text("[api]\nport = 2222\n")
    assert load_settings().api.port == 1111


def test_settings_read_the_named_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "offhook.toml").write_text("[api]\nport = 1111\n")
    (tmp_path / "other.toml").write_text('[log]\njson = true\nlevel = "debug"\n')
    monkeypatch.setenv("OFFHOOK_CONFIG", str(tmp_path / "other.toml"))
    settings = load_settings()
    assert (settings.api.port, settings.log.json_lines) == (8400, True)


def test_settings_say_so_when_the_named_file_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_CONFIG", "/nowhere/offhook.toml")
    with pytest.raises(SettingsError, match=r"/nowhere/offhook\.toml"):
        load_settings()


@pytest.mark.parametrize(
    "text", ["[api]\nprot = 1\n", "[apis]\nport = 1\n", 'colour = "red"\n', "[api\n"]
)
def test_settings_refuse_a_file_with_a_mistake(tmp_path: Path, text: str) -> None:
    (tmp_path / "offhook.toml").write_text(text)
    with pytest.raises(SettingsError):
        load_settings()


def test_settings_name_the_variable_and_not_its_value_when_it_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OFFHOOK_API__PORT", "secret-by-mistake")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert "OFFHOOK_API__PORT" in str(refused.value)
    assert "secret-by-mistake" not in f"{refused.value}{refused.value.hint}"


def test_settings_never_print_secrets() -> None:
    settings = Settings(
        database=DatabaseSettings(url=SecretStr("postgresql://u:hunter2@h/d")),
        temporal=TemporalSettings(api_key=SecretStr("hunter2")),
        encryption=EncryptionSettings(keys={"k": SecretStr("hunter2")}),
    )
    assert "hunter2" not in f"{settings!r}{settings}{settings.model_dump_json()}"


def test_settings_survive_the_way_through_a_childs_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path / "elsewhere",
        database=DatabaseSettings(url=SecretStr("postgresql://u:p@h/d"), pool_size=3),
        log=LogSettings(json=True),
        encryption=EncryptionSettings(keys={"a": SecretStr("AAAA")}, active="a"),
    )
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_settings_find_variables_that_set_nothing() -> None:
    names = {"OFFHOOK_API__PROT": "1", "OFFHOOK_API__PORT": "1", "OFFHOOK_CONFIG": "x", "HOME": "/"}
    assert unknown_variables(names) == ["OFFHOOK_API__PROT"]


def test_settings_describe_every_variable() -> None:
    rows = documented()
    assert {"OFFHOOK_HOME", "OFFHOOK_TEMPORAL__ADDRESS", "OFFHOOK_LOG__JSON"} <= {
        name for name, _, _ in rows
    }
    assert all(description for _, _, description in rows)


def test_settings_of_tests_never_come_from_whoever_runs_them() -> None:
    assert [name for name in os.environ if name.startswith("OFFHOOK_")] == ["OFFHOOK_HOME"]
