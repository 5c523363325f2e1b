"""Campaign settings from a file and from flags: flags win, what neither says is the default."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialer.model import CampaignSettings
from offhook.errors import OffhookError


class BadCampaignSettings(OffhookError):
    """A campaign's settings make no sense."""

    code = "bad_campaign_settings"

    def __init__(self, problems: str) -> None:
        super().__init__(problems, hint="`offhook campaign create --help` lists them with examples")


def read_settings(path: Path | None) -> dict[str, Any]:
    """The settings in a TOML or JSON file; none without a file."""
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise BadCampaignSettings(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise BadCampaignSettings(f"{path} is neither TOML nor JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadCampaignSettings(f"{path} must hold a table of settings")
    return found


def build_settings(base: Mapping[str, Any], flags: Mapping[str, Any]) -> CampaignSettings:
    """`base` with every flag that was given laid over it; a dot in a flag's name goes deeper."""
    values: dict[str, Any] = json.loads(json.dumps(dict(base), default=str))
    for name, value in flags.items():
        if value is None:
            continue
        place, *inner = name.split(".")
        if inner:
            deeper = values.setdefault(place, {})
            if not isinstance(deeper, dict):
                raise BadCampaignSettings(f"{place}: must be a table")
            deeper[inner[0]] = value
        else:
            values[place] = value
    try:
        return CampaignSettings.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
    raise BadCampaignSettings(problems)
