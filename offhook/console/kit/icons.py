"""The few drawings of the navigation, as strokes in the colour of the text beside them."""

from markupsafe import Markup

from offhook.console.kit.markup import el

_PATHS = {
    "floor": "M3 12h4l3-8 4 16 3-8h4",
    "campaigns": "M4 10v4h3l8 5V5l-8 5zM19 9a4 4 0 0 1 0 6",
    "desk": "M4 14a8 8 0 0 1 16 0M4 14v4h3v-5H4M20 14v4h-3v-5h3",
    "callbacks": "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
    "contacts": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-5 3-7 8-7s8 2 8 7",
    "ivr": "M12 3v6M12 9H6v5M12 9h6v5M4 14h4v5H4zM16 14h4v5h-4zM10 14h4v5h-4zM12 9v5",
    "switches": "M4 5h16v6H4zM4 13h16v6H4zM7 8h.01M7 16h.01M11 8h6M11 16h6",
    "schedules": "M5 6h14v14H5zM5 10h14M9 3v4M15 3v4M12 13v3h2",
    "audit": "M7 3h10v18H7zM10 8h4M10 12h4M10 16h2",
    "people": "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M3 20c0-4 2-6 6-6s6 2 6 6"
    "M16 5a3 3 0 0 1 0 6M18 14c2 1 3 3 3 6",
    "more": "M5 7h14M5 12h14M5 17h14",
    "moon": "M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10",
}


def icon(name: str) -> Markup:
    """A drawing; what it means stands beside it in words."""
    return el(
        "svg",
        el("path", d=_PATHS[name]),
        viewBox="0 0 24 24",
        class_="icon",
        aria_hidden="true",
        focusable="false",
    )
