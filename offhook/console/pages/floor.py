"""*Floor*."""

from offhook.accounts import Permission
from offhook.console.kit.page import Visit, console_page
from offhook.console.views.floor import floor_page


@console_page("/floor", title="Floor", place="floor", needs=Permission.floor_read)
async def floor(visit: Visit) -> None:
    """Everything that goes on, live."""
    scope = visit.who.scope
    await visit.live(
        visit.console.floor(), lambda now: floor_page(now, scope), alike=("floor", scope)
    )
