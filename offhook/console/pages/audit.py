"""*Audit*."""

from markupsafe import Markup

from offhook.accounts import Permission
from offhook.console.kit.page import Visit, console_page
from offhook.console.kit.panel import Act
from offhook.console.views.audit import Log, audit_page
from offhook.storage.account_audit import AuditFilter
from offhook.storage.account_tables import AuditResult

PAGE = 50


@console_page("/audit", title="Audit", place="audit", needs=Permission.audit_read)
async def audit(visit: Visit) -> None:
    """Look for commands."""
    store = visit.console.services.audit
    wanted = AuditFilter()

    async def read(before: int | None = None) -> Log:
        found = await store.page(wanted, before=before, limit=PAGE + 1)
        return Log(wanted, found[:PAGE], len(found) > PAGE)

    async def acted(act: Act) -> None:
        nonlocal wanted
        visit.require(Permission.audit_read)
        before = None
        if act.name == "older" and act.of.isdigit():
            before = int(act.of)
        elif act.name == "find":
            wanted = wanted_of(act)
        panel.show(audit_page(await read(before)))

    async def first() -> Markup:
        return audit_page(await read())

    panel = await visit.panel(first, on_act=acted)


def wanted_of(act: Act) -> AuditFilter:
    """What the form says; an empty field asks for nothing."""
    result = act.text("result")
    return AuditFilter(
        actor=act.text("actor") or None,
        action=act.text("action") or None,
        subject=act.text("subject") or None,
        result=AuditResult(result) if result in set(AuditResult) else None,
    )
