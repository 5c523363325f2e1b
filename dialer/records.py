"""Frozen dataclasses that are made as fast as others.

A call leaves some ten events and commands behind, with a dozen fields each. The `__init__` that
`dataclass` writes for a frozen class calls `object.__setattr__` for every field, which takes three
times as long as setting it. So a new object here is of a twin class, which refuses nothing, until
all its fields are set.
"""

from dataclasses import MISSING, dataclass, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def record(cls: type[T]) -> type[T]:
    """Make a dataclass as `dataclass(frozen=True, slots=True, kw_only=True)` does."""
    made: Any = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    given = fields(made)
    if any(one.default_factory is not MISSING for one in given) or hasattr(made, "__post_init__"):
        raise TypeError(f"{cls.__name__} makes something of its fields; use a dataclass for it")
    # Both have the same slots and nothing else, so an object of one can become one of the other.
    twin = type(cls.__name__, (), {"__slots__": tuple(one.name for one in given)})
    known: dict[str, Any] = {"_made": made, "_twin": twin, "_become": object.__setattr__}
    known |= {f"_default_{one.name}": one.default for one in given}
    asked = [
        one.name if one.default is MISSING else f"{one.name}=_default_{one.name}" for one in given
    ]
    text = [
        f"def __init__(self{', *, ' if asked else ''}{', '.join(asked)}):",
        "    _become(self, '__class__', _twin)",
        *(f"    self.{one.name} = {one.name}" for one in given),
        "    self.__class__ = _made",
    ]
    exec("\n".join(text), known)  # noqa: S102  # of the names of fields alone, as `dataclass` does
    known["__init__"].__qualname__ = f"{made.__qualname__}.__init__"
    known["__init__"].__annotations__ = made.__init__.__annotations__
    made.__init__ = known["__init__"]
    return made  # type: ignore[no-any-return]  # of the same fields as `cls`
