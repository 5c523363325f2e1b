"""What an operator says about one VOIspeed PBX."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from offhook.switches.dialled import NumberFormat
from offhook.switches.http import HttpTimeouts
from offhook.switches.voispeed import wire

EntityId = Annotated[str, Field(pattern=r"^[0-9A-Za-z_.-]{1,40}$")]


class VoispeedSettings(BaseModel):
    """A link to one VOIspeed PBX: where it is, what to use on it, and its dialect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(description="Address of the services, ending in seri_endpoint.php")
    token: SecretStr = Field(description="Token of the integration module")
    reception_ivr: EntityId = Field(
        description="IVR that answered customers are held on; it must play without end"
    )
    hold_ivr: EntityId = Field(description="IVR that parked agents wait on")
    message_ivr: EntityId | None = Field(
        default=None, description="IVR with the safe-harbour message, which ends the call"
    )
    caller_number: str = Field(
        default="", max_length=30, description="Company number shown where a campaign has none"
    )
    auto_answer: bool = Field(
        default=True, description="Have parked agents' terminals answer by themselves"
    )
    sends_ring_timeout: bool = Field(
        default=False, description="Send the ring limit too; the guide does not list the parameter"
    )
    allow: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(), max_length=50, description="Addresses events may come from; empty means any"
    )
    aliases: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Names to try for a fact of an event, best first"
    )
    parameter_names: dict[str, str] = Field(
        default_factory=dict, description="What this PBX calls a parameter that we send"
    )
    extended_event_type: int = Field(
        default=1, ge=0, le=99, description="`event_type` of extended events"
    )
    zone: str = Field(default="Europe/Rome", description="Time zone of the PBX's clock")
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = Field(
        default="IT", description="Country the PBX dials from"
    )
    number_format: NumberFormat = Field(
        default=NumberFormat.e164, description="How numbers are written for the PBX"
    )
    dial_prefix: str = Field(
        default="", pattern=r"^[0-9*#]{0,8}$", description="Digits before every number dialled"
    )
    connect_timeout: timedelta = Field(
        default=timedelta(seconds=3), gt=timedelta(0), le=timedelta(seconds=60)
    )
    read_timeout: timedelta = Field(
        default=timedelta(seconds=5), gt=timedelta(0), le=timedelta(seconds=60)
    )
    total_timeout: timedelta = Field(
        default=timedelta(seconds=10), gt=timedelta(0), le=timedelta(seconds=120)
    )
    read_retries: int = Field(
        default=2, ge=0, le=10, description="Times that a question (never a command) is repeated"
    )
    parallel_dials: int = Field(
        default=32, ge=1, le=500, description="Requests to dial that may be on their way at once"
    )

    @field_validator("base_url")
    @classmethod
    def _is_plain_url(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http:// or https:// address")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("must have no user, query or fragment; the token is its own setting")
        return value.strip()

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value[:40]!r} is not an IANA time zone, as Europe/Rome is")
        return value

    @field_validator("token")
    @classmethod
    def _has_token(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("must not be empty")
        return value

    @model_validator(mode="after")
    def _dialect_is_known(self) -> Self:
        self.dialect("settings")
        if self.message_ivr is not None and self.message_ivr == self.reception_ivr:
            raise ValueError("message_ivr must not be the reception IVR: its message never ends")
        return self

    def dialect(self, link: str) -> wire.Dialect:
        """How this PBX names things."""
        return wire.Dialect.from_config(
            link,
            zone=ZoneInfo(self.zone),
            aliases=self.aliases,
            parameter_names=self.parameter_names,
            extended_event_type=self.extended_event_type,
        )

    @property
    def timeouts(self) -> HttpTimeouts:
        """How long the PBX may take."""
        return HttpTimeouts(
            connect=self.connect_timeout, read=self.read_timeout, total=self.total_timeout
        )
