"""Every setting offhook has, where it is read from, and what it means.

Sources, strongest first: arguments in code, environment (`OFFHOOK_`, sections nested by `__`), one
TOML file, defaults. The file is `$OFFHOOK_CONFIG`, else `offhook.toml` in the home, else
`offhook.toml` in the working directory. A setting that nobody knows is an error: a typo must not
silently mean the default.
"""

import json
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, get_origin

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from offhook.errors import SettingsError
from offhook.settings_access import AccessSettings
from offhook.settings_access import Section as _Section
from offhook.settings_calls import DeskSettings, IvrSettings
from offhook.settings_calls import RetentionSettings as RetentionSettings
from offhook.settings_webhooks import WebhookSettings

PREFIX = "OFFHOOK_"
CONFIG_VARIABLE = "OFFHOOK_CONFIG"
DEFAULT_HOME = Path(".offhook")


class LogLevel(StrEnum):
    """How much is said."""

    debug = "debug"
    info = "info"
    warning = "warning"
    error = "error"


class TemporalSettings(_Section):
    """The Temporal service that keeps the durable layer."""

    address: str | None = Field(
        default=None,
        description="`host:port` of a Temporal frontend; empty: the embedded server is used",
    )
    namespace: str = Field(
        default="offhook", min_length=1, description="Namespace that offhook's workflows live in"
    )
    tls: bool = Field(
        default=False, description="Use TLS; implied by a client certificate or an API key"
    )
    tls_server_ca: Path | None = Field(
        default=None, description="PEM file of the authority that signed the server's certificate"
    )
    tls_server_name: str | None = Field(
        default=None, description="Name to expect in the server's certificate"
    )
    tls_client_cert: Path | None = Field(
        default=None, description="PEM file of the client certificate, for mutual TLS"
    )
    tls_client_key: Path | None = Field(
        default=None, description="PEM file of the client certificate's private key"
    )
    api_key: SecretStr | None = Field(default=None, description="API key of a hosted namespace")
    metrics_address: str | None = Field(
        default=None,
        description="`host:port` on which the Temporal SDK serves its own Prometheus metrics",
    )


class DatabaseSettings(_Section):
    """The PostgreSQL database that is the system of record."""

    url: SecretStr | None = Field(
        default=None,
        description="`postgresql://user:password@host/name`; empty: the embedded server is used",
    )
    pool_size: int = Field(
        default=10, ge=1, le=200, description="Connections that one process keeps at most"
    )
    embedded_sync: bool = Field(
        default=True,
        description="Whether the embedded server waits for the disk; `false` is many times faster "
        "and survives kills of every process, but not a crash of the machine",
    )
    embedded_user: str | None = Field(
        default=None,
        description="System account that runs the embedded server when offhook is run by root; "
        "empty: `postgres` where it exists, else `nobody`",
    )


class ApiSettings(_Section):
    """The REST API and the console."""

    host: str = Field(default="127.0.0.1", description="Address that the API listens on")
    port: int = Field(
        default=8400,
        ge=0,
        le=65535,
        description="Port that the API listens on; `offhook up` takes a free one when it is taken",
    )
    console: bool = Field(
        default=True, description="Whether the process that serves the API serves the console too"
    )
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+/?$",
        description="URL under which browsers reach the API and the console; empty: host and port "
        "above",
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses of the proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` "
        "count, with commas between; empty: nobody's do",
    )


class LinksSettings(_Section):
    """The process that keeps the connections to the switches."""

    host: str = Field(
        default="127.0.0.1", description="Address that vendor callbacks are received on"
    )
    port: int = Field(
        default=8401,
        ge=0,
        le=65535,
        description="Port of vendor callbacks; `offhook up` takes a free one when it is taken",
    )
    public_url: str | None = Field(
        default=None,
        description="Base URL under which switches reach this process; empty: host and port above",
    )


class WorkerSettings(_Section):
    """A worker of the durable layer."""

    health_host: str = Field(default="127.0.0.1", description="Address of the worker's health page")
    health_port: int = Field(
        default=8402, ge=0, le=65535, description="Port of the worker's health page"
    )
    max_activities: int = Field(
        default=1000,
        ge=1,
        le=10_000,
        description="Activities that run at a time; a caller who waits for an agent is one, and "
        "most wait for others",
    )
    max_workflow_tasks: int = Field(
        default=100, ge=2, le=10_000, description="Workflow tasks that run at a time"
    )
    max_cached_workflows: int = Field(
        default=1000, ge=0, le=100_000, description="Workflows kept in memory between tasks"
    )
    graceful_shutdown_s: float = Field(
        default=10.0, ge=0, le=600, description="Seconds that running activities get to wind up"
    )


class CallbackSettings(_Section):
    """Callbacks that belong to no campaign."""

    profiles: str = Field(
        default="",
        description="Jurisdiction profiles that are kept, by name with spaces between: "
        "`offhook compliance profiles`; empty: the do-not-call lists only",
    )
    caller_id: str = Field(
        default="", description="Number shown to whoever is called back, where the PBX lets us"
    )


class SpeechSettings(_Section):
    """What speaks prompts."""

    program: str = Field(
        default="",
        description="espeak-ng: its path or name; empty: the machine's, else that of "
        "`offhook pbx install`",
    )


class LogSettings(_Section):
    """The log on standard error."""

    level: LogLevel = Field(default=LogLevel.info, description="Least severe event that is logged")
    json_lines: bool | None = Field(
        default=None,
        alias="json",
        description="One JSON object a line; empty: only where standard error isn't a terminal",
    )


class EncryptionSettings(_Section):
    """Keys for what Temporal stores about people."""

    keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Key id to base64 of 32 bytes, as JSON: `{"2026a": "..."}`; '
        "empty: a key ring made in the home",
    )
    active: str | None = Field(
        default=None, description="Id of the key that encrypts; the others only decrypt"
    )


class Settings(BaseSettings):
    """Everything that can be set; build it with `load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )
    toml_path: ClassVar[Path | None] = None

    home: Path = Field(
        default=DEFAULT_HOME, description="Folder of the embedded parts' data, keys and logs"
    )
    temporal: TemporalSettings = TemporalSettings()
    database: DatabaseSettings = DatabaseSettings()
    api: ApiSettings = ApiSettings()
    access: AccessSettings = AccessSettings()
    links: LinksSettings = LinksSettings()
    worker: WorkerSettings = WorkerSettings()
    retention: RetentionSettings = RetentionSettings()
    callbacks: CallbackSettings = CallbackSettings()
    speech: SpeechSettings = SpeechSettings()
    webhooks: WebhookSettings = WebhookSettings()
    desk: DeskSettings = DeskSettings()
    ivr: IvrSettings = IvrSettings()
    log: LogSettings = LogSettings()
    encryption: EncryptionSettings = EncryptionSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the TOML file; no dotenv and no secrets folder."""
        sources = [init_settings, env_settings]
        if cls.toml_path is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=cls.toml_path))
        return tuple(sources)


def load_settings(*, home: Path | None = None) -> Settings:
    """Read the settings; raise `SettingsError` that names the setting, its source and the fix."""
    path = config_path(home)
    # A subclass per load: the file's place is not a setting, and a class attribute would be shared.
    source = type("Settings", (Settings,), {"toml_path": path, "__module__": __name__})
    arguments: dict[str, object] = {} if home is None else {"home": home}
    try:
        loaded: Settings = source(**arguments)
    except ValidationError as error:
        raise SettingsError(_explain(error), hint=_where(path)) from None
    except ValueError as error:  # unreadable TOML, or JSON in a variable that can't be parsed
        raise SettingsError(f"settings can't be read: {error}", hint=_where(path)) from None
    values = {name: getattr(loaded, name) for name in Settings.model_fields}
    return Settings.model_construct(**values | {"home": loaded.home.expanduser().absolute()})


def config_path(home: Path | None = None) -> Path | None:
    """The TOML file that `load_settings` reads, or None when there isn't any."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        path = Path(named).expanduser()
        if not path.is_file():
            raise SettingsError(
                f"{CONFIG_VARIABLE} names {path}, which is not a file",
                hint="correct the variable or unset it",
            )
        return path
    root = home or Path(os.environ.get(f"{PREFIX}HOME", DEFAULT_HOME)).expanduser()
    for candidate in (root / "offhook.toml", Path("offhook.toml")):
        if candidate.is_file():
            return candidate
    return None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like settings of ours and are none: most often a typo."""
    known = {name for name, _, _ in documented()} | {CONFIG_VARIABLE}
    return sorted(
        name
        for name in environment
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not name.upper().startswith(f"{PREFIX}ENCRYPTION__KEYS__")
    )


def as_environment(settings: Settings) -> dict[str, str]:
    """The variables that make a child process load these very settings."""
    variables: dict[str, str] = {}
    defaults = Settings.model_construct()
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if not isinstance(value, _Section):
            variables[f"{PREFIX}{name}".upper()] = str(value)
            continue
        for key, field in type(value).model_fields.items():
            inner = getattr(value, key)
            if inner != getattr(getattr(defaults, name), key):
                variable = f"{PREFIX}{name}__{field.alias or key}".upper()
                variables[variable] = _as_text(inner)
    return variables


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return json.dumps({key: _as_text(inner) for key, inner in value.items()})
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def documented() -> list[tuple[str, str, str]]:
    """Every setting as (environment variable, default, description), in the order of the model."""
    rows: list[tuple[str, str, str]] = []
    for name, field in Settings.model_fields.items():
        section = field.annotation
        if not (isinstance(section, type) and issubclass(section, _Section)):
            rows.append((f"{PREFIX}{name}".upper(), _shown(field.default), field.description or ""))
            continue
        for key, inner in section.model_fields.items():
            variable = f"{PREFIX}{name}__{inner.alias or key}".upper()
            default = {} if get_origin(inner.annotation) is dict else inner.default
            rows.append((variable, _shown(default), inner.description or ""))
    return rows


def _shown(value: object) -> str:
    if value is None or value == {}:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _explain(error: ValidationError) -> str:
    """One line per wrong setting, by its variable; never the value, which may be a secret."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        variable = PREFIX + "__".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"{variable}: {problem['msg']}")
    return "; ".join(lines)


def _where(path: Path | None) -> str:
    read = f"{path} and the environment were read" if path else "the environment was read"
    return f"{read}; docs/reference/settings.md lists every setting"
