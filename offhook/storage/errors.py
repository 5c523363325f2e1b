"""What storage refuses.

OffhookError
└── NotFound             nothing by that name or id
    ├── SwitchNotFound
    ├── AgentNotFound
    ├── ContactNotFound
    └── ImportNotFound
"""

from typing import ClassVar

from offhook.errors import OffhookError


class NotFound(OffhookError):
    """There is nothing by that name or id."""

    code = "not_found"
    noun: ClassVar[str] = "thing"
    listed_by: ClassVar[str] = ""

    def __init__(self, key: object) -> None:
        super().__init__(f"there is no {self.noun} {key}", hint=self.listed_by or None)


class SwitchNotFound(NotFound):
    """There is no such switch."""

    code = "switch_not_found"
    noun = "switch"
    listed_by = "`offhook switch list` names them all"


class AgentNotFound(NotFound):
    """There is no such agent."""

    code = "agent_not_found"
    noun = "agent"
    listed_by = "`offhook agent list` names them all"


class ContactNotFound(NotFound):
    """There is no such contact."""

    code = "contact_not_found"
    noun = "contact"


class ImportNotFound(NotFound):
    """There is no such import."""

    code = "import_not_found"
    noun = "import"
