"""Commands explain themselves."""

import shlex

import pytest

from offhook.errors import StackNotRunning
from offhook.reference import commands, errors

COMMANDS = {" ".join(words): found for words, found in commands()}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_an_example_that_names_it(name: str) -> None:
    told = COMMANDS[name].help or ""
    assert "Example" in told, f"`offhook {name} --help` shows no example"
    example = told[told.index("Example") :]
    assert f"offhook {name}" in " ".join(example.split())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_says_what_it_is_for(name: str) -> None:
    for parameter in COMMANDS[name].params:
        assert getattr(parameter, "help", None), f"offhook {name}: {parameter.name} has no help"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_options_of_an_example_exist(name: str) -> None:
    known = {
        option
        for parameter in COMMANDS[name].params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    told = COMMANDS[name].help or ""
    for line in told[told.index("Example") :].splitlines():
        used = {
            word.partition("=")[0]
            for word in shlex.split(line, comments=False)
            if word.startswith("--")
        }
        assert used <= known, f"offhook {name}: {used - known}"


def test_errors_have_a_code_and_a_meaning() -> None:
    found = errors()
    assert (
        found[StackNotRunning.code]
        == "A command needs a running stack and there is none in this home."
    )
    assert all(meaning.endswith((".", "`", ")")) for meaning in found.values())
