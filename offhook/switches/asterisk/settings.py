"""What an operator says about one Asterisk."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from offhook.switches.asterisk.names import APP_PATTERN
from offhook.switches.dialled import NumberFormat, dialled
from offhook.switches.http import HttpTimeouts

NUMBER = "{number}"
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Seconds = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(minutes=5))]


class TrunkLine(BaseModel):
    """A way to the public network: an endpoint of the PBX, and how many calls it carries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: Words = Field(description="How a number is dialled through it: PJSIP/{number}@carrier")
    lines: int = Field(ge=1, le=10_000, description="Calls that it carries at once")
    name: Words = Field(default="", description="What people call it; else the endpoint's name")

    @field_validator("address")
    @classmethod
    def _takes_a_number(cls, value: str) -> str:
        technology, slash, _ = value.partition("/")
        if value.count(NUMBER) != 1 or not slash or not technology.isalnum():
            raise ValueError("must be written as PJSIP/{number}@endpoint")
        return value

    @property
    def endpoint(self) -> str | None:
        """The technology and endpoint that its channels are named after, where it has one."""
        technology, _, rest = self.address.partition("/")
        if technology == "Local":
            return None
        user, at, endpoint = rest.rpartition("@")
        if at and NUMBER in user and "/" not in user:
            return f"{technology}/{endpoint}"
        return f"{technology}/{rest.partition('/')[0]}"


class AsteriskSettings(BaseModel):
    """A link to one Asterisk: where its ARI is, what to use on it, and how calls are made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(description="Address of ARI, ending in /ari")
    username: Words = Field(min_length=1, description="User of ari.conf")
    password: SecretStr = Field(description="His password")
    app: str = Field(
        default="offhook",
        pattern=APP_PATTERN,
        description="Name of the Stasis application; one for each installation on a PBX",
    )
    trunks: tuple[TrunkLine, ...] = Field(default=(), max_length=100)
    agents: tuple[Words, ...] = Field(
        default=(),
        max_length=2000,
        description="Addresses of agents' devices; empty means every PJSIP endpoint but trunks",
    )
    parks_agents: bool = Field(
        default=True, description="Agents wait on the line; otherwise their devices ring each time"
    )
    auto_answer_headers: dict[Words, Words] = Field(
        default={
            "Call-Info": "<sip:offhook>;answer-after=0",
            "Alert-Info": "info=alert-autoanswer",
        },
        max_length=10,
        description="SIP headers that make an agent's device answer a park by itself",
    )
    headers: dict[Words, Words] = Field(
        default_factory=dict, max_length=20, description="SIP headers of customers' calls"
    )
    variables: dict[Words, Words] = Field(
        default_factory=dict, max_length=50, description="Channel variables of customers' calls"
    )
    parking_music: Words | None = Field(
        default=None, description="Class of music on hold for parked agents; none is silence"
    )
    message_media: Words | None = Field(
        default=None, description="Safe-harbour message, as sound:our-message"
    )
    amd_context: Words | None = Field(
        default=None,
        description="Context of the dialplan that listens for machines; none is no detection",
    )
    hold_context: Words | None = Field(
        default=None,
        description="Context of the dialplan that keeps who answers while offhook's links are "
        "away; without one Asterisk drops them",
    )
    park_timeout: Seconds = Field(
        default=timedelta(seconds=20), description="How long an agent's device rings for a park"
    )
    divert_timeout: Seconds = Field(
        default=timedelta(seconds=15), description="How long it rings for a waiting customer"
    )
    caller_number: str = Field(
        default="", max_length=30, description="Company number shown where a campaign has none"
    )
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = Field(
        default="IT", description="Country the PBX dials from"
    )
    number_format: NumberFormat = Field(
        default=NumberFormat.e164, description="How numbers are written for the PBX"
    )
    dial_prefix: str = Field(
        default="", pattern=r"^[0-9*#]{0,8}$", description="Digits before every number dialled"
    )
    connect_timeout: Seconds = timedelta(seconds=3)
    read_timeout: Seconds = timedelta(seconds=5)
    total_timeout: Seconds = timedelta(seconds=10)
    read_retries: int = Field(
        default=2, ge=0, le=10, description="Times that a question (never a command) is repeated"
    )
    parallel_dials: int = Field(
        default=32, ge=1, le=500, description="Requests to dial that may be on their way at once"
    )

    inside: Words = Field(
        default="PJSIP/{number}",
        description="How callers are put through to a number inside: PJSIP/{number}",
    )
    destinations: dict[Words, Words] = Field(
        default_factory=dict,
        max_length=500,
        description="Addresses of numbers and entities that callers are put through to, where "
        "they are other than that: 100 or group:support to PJSIP/reception",
    )
    prompts_path: Words = Field(
        default="",
        description="Folder of offhook's prompts as Asterisk sees it; empty: the same path",
    )

    @field_validator("base_url")
    @classmethod
    def _is_plain_url(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http:// or https:// address")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("must have no user, query or fragment; they are their own settings")
        return value.strip().rstrip("/")

    @field_validator("password")
    @classmethod
    def _has_password(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("must not be empty")
        return value

    @property
    def timeouts(self) -> HttpTimeouts:
        """How long Asterisk may take."""
        return HttpTimeouts(
            connect=self.connect_timeout, read=self.read_timeout, total=self.total_timeout
        )

    @property
    def connections(self) -> int:
        """How many a process that dials keeps open at most."""
        return self.parallel_dials * 2 + 16

    def dialled(self, number: str, trunk_address: str) -> str:
        """The endpoint to call for a number through a trunk."""
        written = dialled(
            number, number_format=self.number_format, region=self.region, prefix=self.dial_prefix
        )
        return trunk_address.replace(NUMBER, written)
