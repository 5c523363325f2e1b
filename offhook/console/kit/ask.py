"""Boxes that ask before something is done."""

from collections.abc import Mapping

from markupsafe import Markup
from nicegui import ui

from offhook.console.kit.markup import Child, el
from offhook.console.kit.panel import Act, Panel
from offhook.console.kit.parts import button, submit


async def ask(
    title: str,
    text: Child,
    *,
    yes: str,
    danger: bool = False,
    fields: tuple[Markup, ...] = (),
) -> Mapping[str, str] | None:
    """Ask; what the fields held when it was confirmed, or None."""
    with ui.dialog() as dialog:
        dialog._props["aria-label"] = title
        form = el(
            "form",
            el("h2", title),
            el("div", text) if text else None,
            *fields,
            el(
                "div",
                button("Cancel", "cancel"),
                submit(yes, kind="primary danger" if danger else "primary"),
                class_="actions",
            ),
            data_act="yes",
            class_="ask",
            autocomplete="off",
        )

        async def acted(act: Act) -> None:
            dialog.submit(act.values if act.name == "yes" else None)

        Panel(form, on_act=acted)
    answer: Mapping[str, str] | None = await dialog
    dialog.delete()
    return answer
