"""The element that shows markup in a browser and tells what a person did with it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from offhook.console.kit.delta import delta

MOST_VALUES = 200
MOST_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person did: a button pressed, a form sent, a choice changed."""

    name: str
    of: str = ""
    """Which thing it was done to."""
    values: dict[str, str] = field(default_factory=dict)
    """What the form held; several values of one name are lines of it."""

    def text(self, name: str) -> str:
        """A field of the form without blanks around it; empty where there is none."""
        return self.values.get(name, "").strip()

    def lines(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for value in self.values.get(name, "").split("\n") if value]


Handler = Callable[[Act], Awaitable[None]]


class Panel(Element, component="panel.js"):
    """Markup that changes in place.

    Whoever presses an element with `data-act`, or sends a form that has it, causes an `Act`.
    Fields say `data-change` or `data-input` for acts while they are filled in.
    """

    def __init__(self, markup: Markup, *, on_act: Handler | None = None) -> None:
        super().__init__()
        self._frame = 0
        self._keep(str(markup))
        self._on_act = on_act
        self.on("act", self._acted)
        self.on("missed", self._told_whole)

    def show(self, markup: Markup) -> None:
        """Show this instead; only what differs is sent, and nothing when it is what is shown."""
        wanted = str(markup)
        if wanted == self._shown:
            return
        change = delta(self._shown, wanted)
        self._frame += 1
        self._keep(wanted)
        self.run_method("change", self._frame, change)

    def _keep(self, html: str) -> None:
        self._shown = self._props["html"] = html
        self._props["frame"] = self._frame

    def _told_whole(self) -> None:
        """A browser has missed a change: it is told everything."""
        self.run_method("show", self._frame, self._shown)

    async def _acted(self, event: GenericEventArguments) -> None:
        act = act_of(event.args)
        if act is not None and self._on_act is not None:
            await self._on_act(act)


def act_of(told: Any) -> Act | None:
    """The act that a browser told of; None for what makes no sense or is too much."""
    if not isinstance(told, dict):
        return None
    name, of, values = told.get("act"), told.get("of", ""), told.get("values", {})
    if not isinstance(name, str) or not isinstance(of, str) or not isinstance(values, dict):
        return None
    if len(values) > MOST_VALUES:
        return None
    kept = {
        str(key): value
        for key, value in values.items()
        if isinstance(value, str) and len(value) <= MOST_TEXT and "\0" not in value
    }
    return Act(name, of, kept) if len(kept) == len(values) else None
