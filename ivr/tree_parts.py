"""The parts that kinds of node are made of: names, durations, prompts, input, destinations."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

_DURATION = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)\s*(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
LONGEST = timedelta(hours=4)


def _read_duration(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a duration is a number of seconds or text such as 5s")
    if isinstance(value, int | float):
        value = f"{value}s"
    if isinstance(value, str):
        if value.startswith("P"):
            return value
        matched = _DURATION.fullmatch(value.strip())
        if not matched:
            raise ValueError("write a duration such as 500ms, 5s, 2m or 1h")
        return timedelta(seconds=float(matched[1]) * _UNITS[matched[2]])
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    Field(ge=timedelta(0), le=LONGEST),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h)$"},
            ],
            "description": "Seconds, or text such as 500ms, 5s, 2m.",
        }
    ),
]
"""A length of time as an author writes it; at most four hours."""


def _text(value: object) -> object:
    """Numbers that stand where text is meant (a telephone number, a PBX id) are text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[str, BeforeValidator(_text), Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
"""What nodes, trees, prompts, variables and results are called."""
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
"""A language as BCP 47 writes it: `it`, `en`, `pt-BR`."""
Keys = Annotated[str, BeforeValidator(_text), Field(pattern=r"^[0-9*#]{1,16}$")]
"""What a caller presses."""
Key = Annotated[str, BeforeValidator(_text), Field(pattern=r"^[0-9*#]$")]
"""One press."""
_WORD_OR_NUMBER = WithJsonSchema({"type": ["string", "integer"]})
Telephone = Annotated[
    str, BeforeValidator(_text), Field(pattern=r"^\+?[0-9*#]{1,20}$"), _WORD_OR_NUMBER
]
PbxId = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=64), _WORD_OR_NUMBER]
Tries = Annotated[int, Field(ge=1, le=20)]


class Part(BaseModel):
    """Base of everything in a tree: frozen, and a key that nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Speech(Part):
    """One language of a prompt: an audio file, or text for a voice to say."""

    file: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """A file of the audio folder."""
    text: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    """Words for a voice to say."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.file is None) == (self.text is None):
            raise ValueError("give either `file` or `text`")
        return self


Prompt = Annotated[dict[Language, Speech], Field(min_length=1, max_length=20)]
"""What is said, by language."""


class InputType(StrEnum):
    """How a node knows that the caller has finished (VOIspeed, table 11)."""

    none = "none"
    fixed = "fixed"
    terminated = "terminated"
    pause = "pause"

    @property
    def code(self) -> int:
        """The number that VOIspeed gives it."""
        return tuple(InputType).index(self)


def _read_input_type(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(InputType):
        return tuple(InputType)[value]
    return value


class Input(Part):
    """The keys that a node waits for."""

    type: Annotated[
        InputType,
        BeforeValidator(_read_input_type),
        WithJsonSchema({"enum": [*InputType, 0, 1, 2, 3]}),
    ] = InputType.fixed
    """`none`, `fixed`, `terminated` or `pause`; or 0 to 3."""
    length: Annotated[int, Field(ge=1, le=32)] = 1
    """How many keys (fixed), or at most how many (terminated, pause)."""
    terminator: Key = "#"
    """Ends the input (terminated)."""
    digit_timeout: Duration = timedelta(seconds=3)
    """A pause this long after a key ends the input (terminated, pause)."""
    wait: Duration = timedelta(seconds=6)
    """How long the first key may take once the prompt has ended."""


class EntityKind(StrEnum):
    """What a call can be put through to (VOIspeed, table 1)."""

    user = "user"
    group = "group"
    gateway = "gateway"
    ivr = "ivr"
    terminal = "terminal"
    voicemail = "voicemail"
    meeting_room = "meeting_room"
    park_line = "park_line"
    department = "department"


class Destination(Part):
    """Where a call is put through to: a number, or an entity of the switch."""

    number: Telephone | None = None
    """A number; with an entity, the number that is shown to it."""
    entity: EntityKind | None = None
    """`user`, `group`, `gateway`, `ivr`, `terminal`, `voicemail`, `meeting_room`, `park_line` or
    `department`.
    """
    id: PbxId | None = None
    """The entity's id on the switch."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, int | str) and not isinstance(value, bool):
            return {"number": value}
        return value

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.entity is None) != (self.id is None):
            raise ValueError("an entity needs both `entity` and `id`")
        if self.number is None and self.entity is None:
            raise ValueError("give a `number`, or an `entity` and its `id`")
        return self

    def __str__(self) -> str:
        return str(self.number) if self.entity is None else f"{self.entity}:{self.id}"


class Skill(Part):
    """A skill that an agent must or should have, at least at this level."""

    name: Name
    """The skill."""
    level: Annotated[int, Field(ge=1, le=10)] = 1
    """The lowest level, 1 to 10; also written `name:level`."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """`german` or `german:5`."""
        if isinstance(value, str):
            name, colon, level = value.partition(":")
            return {"name": name, "level": level} if colon else {"name": name}
        return value


Scope = Literal["campaign", "everything"]
