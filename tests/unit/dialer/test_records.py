"""Records: frozen dataclasses in every respect."""

from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from dialer import commands, events
from dialer.records import record


@record
class Seat:
    """A place at a table."""

    table: str
    place: int = 1
    kind: str = "seat"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSeat:
    """The same as the standard library makes it."""

    table: str
    place: int = 1
    kind: str = "seat"


def test_record_has_the_fields_and_defaults_of_its_class() -> None:
    assert [(one.name, one.default) for one in fields(Seat)] == [
        (one.name, one.default) for one in fields(PlainSeat)
    ]
    assert repr(Seat(table="a")) == "Seat(table='a', place=1, kind='seat')"
    assert Seat(table="a", place=2) == replace(Seat(table="a"), place=2)
    assert hash(Seat(table="a")) == hash(Seat(table="a"))
    assert Seat.__init__.__annotations__ == PlainSeat.__init__.__annotations__
    assert type(Seat(table="a")) is Seat


def test_record_takes_no_change_and_no_other_field() -> None:
    seat = Seat(table="a")
    with pytest.raises(FrozenInstanceError):
        seat.place = 2  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        seat.colour = "red"  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="table"):
        Seat()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        Seat("a")  # type: ignore[call-arg]


def test_record_refuses_a_class_that_makes_something_of_its_fields() -> None:
    with pytest.raises(TypeError, match="Crowd makes something"):

        @record
        class Crowd:
            names: list[str] = field(default_factory=list)


def test_events_and_commands_are_frozen_after_being_read() -> None:
    tick = events.EVENT.validate_json('{"kind": "tick"}')
    assert tick == events.Tick()
    with pytest.raises(FrozenInstanceError):
        tick.kind = "tock"  # type: ignore[misc,assignment]
    oddity = commands.COMMAND.validate_json('{"kind": "note_oddity", "code": "x"}')
    assert oddity == commands.NoteOddity(code="x")
    assert commands.COMMAND.dump_python(oddity)["detail"] == ""
