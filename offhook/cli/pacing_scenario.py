"""Scenario files: JSON, or TOML in a file called so."""

import json
import tomllib
from pathlib import Path

from pydantic import ValidationError

from dialer.simulation import Scenario


class ScenarioFileError(ValueError):
    """A scenario file that can't be used; says where it is wrong."""

    code = "scenario_file_invalid"


def read_scenario(path: Path) -> Scenario:
    """The scenario in a file."""
    try:
        raw = path.read_bytes()
        data = tomllib.loads(raw.decode()) if path.suffix == ".toml" else json.loads(raw)
        return Scenario.model_validate(data)
    except OSError as error:
        raise ScenarioFileError(f"{path}: {error.strerror}; name a readable file") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ScenarioFileError(f"{path}: {place}: {first['msg']}") from error
    except ValueError as error:
        raise ScenarioFileError(f"{path}: {error}; write JSON, or TOML in a .toml file") from error
