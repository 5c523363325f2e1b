"""What an operator says about one XiVO with its xuc server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from offhook.switches.dialled import NumberFormat

Login = Annotated[str, Field(pattern=r"^\S{1,80}$")]


class AnswerSign(StrEnum):
    """Which phone event of the agent says that the customer answered."""

    outgoing = "outgoing"
    """EventEstablished of an outgoing call: XiVO turns the agent's call round to dial."""
    any = "any"
    """Any EventEstablished: the agent's answer is taken for the customer's."""


@dataclass(frozen=True, slots=True)
class Account:
    """A user of xuc."""

    login: str
    password: str = field(repr=False)


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("use an IANA name, as Europe/Paris")
    return name


class XivoSettings(BaseModel):
    """A link to one xuc server: where it is, and the users that offhook logs in as.

    xuc tells a user about his own telephone only. So the link logs in as one user who may see
    agents and queues, and as the user of every agent whose calls it is to follow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(description="Address of the server, as https://xivo.example:8443")
    login: Login = Field(description="User that dials from queues; a supervisor of them, or admin")
    agent_logins: tuple[Login, ...] = Field(
        default=(), max_length=2000, description="Users of the agents whose calls are followed"
    )
    password: SecretStr = Field(
        description="Password of all these users, or a JSON object from login to password"
    )
    caller_name: str = Field(
        default="", max_length=40, description="Name shown to agent and customer"
    )
    caller_number: str = Field(
        default="", max_length=30, description="Number shown where a campaign has none"
    )
    number_format: NumberFormat = Field(
        default=NumberFormat.national, description="How numbers are written for the PBX"
    )
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = Field(
        default="FR", description="Country that the PBX dials from"
    )
    dial_prefix: Annotated[str, Field(pattern=r"^[0-9*#]{0,8}$")] = Field(
        default="", description="Digits before every number dialled"
    )
    answer_sign: AnswerSign = Field(
        default=AnswerSign.outgoing,
        description="Which EventEstablished says that the customer answered: outgoing, any",
    )
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        default="Europe/Paris", description="Zone of the clock that the PBX's history is written by"
    )
    ping_every: timedelta = Field(
        default=timedelta(seconds=5), gt=timedelta(0), description="Between signs of life"
    )
    token_check_every: timedelta = Field(
        default=timedelta(minutes=20), gt=timedelta(0), description="Between renewals of the token"
    )
    connect_timeout: timedelta = Field(
        default=timedelta(seconds=5), gt=timedelta(0), description="For a login and a connection"
    )
    reply_timeout: timedelta = Field(
        default=timedelta(seconds=5), gt=timedelta(0), description="For the answer to a command"
    )
    read_retries: int = Field(
        default=2, ge=0, le=10, description="Times a question without an answer is asked again"
    )
    reconnect_first: timedelta = Field(
        default=timedelta(milliseconds=250), gt=timedelta(0), description="First pause of a retry"
    )
    reconnect_longest: timedelta = Field(
        default=timedelta(seconds=15), gt=timedelta(0), description="Longest pause of a retry"
    )

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write the whole address, as https://xivo.example:8443")
        if parts.username or parts.query or parts.fragment:
            raise ValueError("the address holds no user, query or fragment")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _has_passwords(self) -> Self:
        self.accounts()
        return self

    def accounts(self) -> tuple[Account, ...]:
        """Every user to log in as, the one that dials first."""
        logins = dict.fromkeys((self.login, *self.agent_logins))
        passwords = _passwords(self.password.get_secret_value())
        if isinstance(passwords, str):
            return tuple(Account(login, passwords) for login in logins)
        lacking = [login for login in logins if not passwords.get(login)]
        if lacking:
            raise ValueError(f"the passwords lack one for {', '.join(lacking[:5])}")
        return tuple(Account(login, passwords[login]) for login in logins)


def _passwords(secret: str) -> str | dict[str, str]:
    if not secret:
        raise ValueError("give the password of the users")
    if not secret.lstrip().startswith("{"):
        return secret
    try:
        found = json.loads(secret)
    except ValueError:
        return secret  # a password that begins so
    return {str(login): str(password) for login, password in found.items()}
